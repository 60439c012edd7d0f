"""Collects what a browser complains of."""

from playwright.sync_api import ConsoleMessage, Page, Request, Response

# Airflow's own: its frame may run scripts and is of its origin, and its login page asks for what needs a login.
_AIRFLOWS_OWN = ("An iframe which has both allow-scripts and allow-same-origin",)
_LOGIN_PAGE = ("/ui/config", "/auth/login")


class Watch:
    """The problems of one window: errors and warnings in its console, of its scripts, and of its requests."""

    def __init__(self, page: Page) -> None:
        self.problems: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        where = str(message.location.get("url", ""))
        if message.type in ("error", "warning") and not self._is_airflows(message.text, where):
            self.problems.append(f"{message.type}: {message.text} ({where})")

    def _failed(self, request: Request) -> None:
        # A page that is left ends what it still asks for.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"request: {request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and not response.url.endswith(_LOGIN_PAGE):
            self.problems.append(f"answer: {response.request.method} {response.url}: {response.status}")

    @staticmethod
    def _is_airflows(text: str, where: str) -> bool:
        return text.startswith(_AIRFLOWS_OWN) or (where.endswith(_LOGIN_PAGE) and "401" in text)
