"""The console: a loop's pages in the Airflow UI. ``ConsoleApp`` is what the plugin mounts.

Every Airflow process loads plugins, but only the API server serves pages. The application imports FastAPI and Airflow's
models, so it is created at the first request.
"""

import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

type _Asgi = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


class ConsoleApp:
    """An ASGI application that creates the console at its first request."""

    def __init__(self) -> None:
        self._app: _Asgi | None = None
        self._making = threading.Lock()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Serve a request."""
        await self._made()(scope, receive, send)

    def _made(self) -> _Asgi:
        with self._making:
            if self._app is None:
                from label_loop.console.app import create_app

                self._app = create_app()
            return self._app
