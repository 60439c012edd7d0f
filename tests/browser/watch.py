"""Collects what a browser complains of."""

from playwright.sync_api import ConsoleMessage, Page, Request, Response

# Airflow's own: its frame may run scripts and is of its origin; what becomes of a request is told below.
_KNOWN = (
    "An iframe which has both allow-scripts and allow-same-origin",
    "Failed to load resource: the server responded",
)


class Watch:
    """The problems of one window: errors and warnings in its console, of its scripts, and of its requests.

    ``expected`` are the HTTP statuses that the test provokes.
    """

    def __init__(self, page: Page, expected: tuple[int, ...] = ()) -> None:
        self.problems: list[str] = []
        self._expected = expected
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_KNOWN):
            self.problems.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _failed(self, request: Request) -> None:
        # A page that is left ends what it still asks for.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"request: {request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self._expected:
            self.problems.append(f"answer: {response.request.method} {response.url}: {response.status}")
