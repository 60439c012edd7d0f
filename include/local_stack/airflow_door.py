"""A plugin of Airflow that lets in programs and Airflow's own pages: on a laptop, everybody is an admin.

Airflow finds no plugin but by its folder, which is what ships, or by an installed distribution. So the stack puts this
module, and the rule that it shares with the local AWS endpoint, as one into the folder ``config`` of Airflow's home.
"""

import os

from airflow.plugins_manager import AirflowPlugin
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from local_aws import door


class AirflowDoor:
    """Refuses, with 403, requests under other names than this machine's and those of other sites' pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._door = door.Door.of(os.environ.get(door.HOSTS, ""), os.environ.get(door.ORIGINS, ""))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        refusal = "" if scope["type"] == "lifespan" else self._refusal(scope)
        if not refusal:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(reason=refusal)(scope, receive, send)
        else:
            await PlainTextResponse(refusal, 403)(scope, receive, send)

    def _refusal(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        return self._door.refusal(
            lambda name: ",".join(headers.getlist(name)), only_reads=scope.get("method") in ("GET", "HEAD")
        )


class AirflowDoorPlugin(AirflowPlugin):
    """Puts the door in front of all of Airflow's routes."""

    name = "local_door"
    fastapi_root_middlewares = [{"name": "local door", "middleware": AirflowDoor}]  # noqa: RUF012 - as Airflow has it
