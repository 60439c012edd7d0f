"""A browser for the local stack, for tests and screenshots: Debian's Chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import quote

from playwright.sync_api import Browser, Frame, Locator, StorageState, sync_playwright

MISSING = "there is no Chromium on this machine; on Debian and Ubuntu: apt-get install chromium"
PREFIX = "/label-loop"
type Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
# No sandbox: containers and root do not support one, and only our own pages are shown. No background network traffic.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """Return the program's path, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def headless(program: str) -> Iterator[Browser]:
    """Run the browser headless, with a profile of its own; close it at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Window:
    """One window with its own session, which shows Airflow and the console in it."""

    def __init__(
        self, browser: Browser, airflow_url: str, theme: Theme = "light", session: StorageState | None = None
    ) -> None:
        """Open the window; ``session`` takes over the login from another window's property ``session``."""
        self.url = airflow_url
        # Airflow follows the system's theme until the user chooses another.
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, color_scheme=theme, storage_state=session
        )
        self.page = context.new_page()

    def log_in(self, role: str) -> None:
        """Log in as the stack's user with that role, through the login page."""
        self.page.goto(f"{self.url}/auth/login?next=/")
        self.page.fill("input[name=username]", role)
        self.page.fill("input[name=password]", role)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.url}/")

    @property
    def session(self) -> StorageState:
        """The login of this window, and what its pages have stored."""
        return self.page.context.storage_state()

    def switch_theme(self, theme: Theme) -> None:
        """Choose a theme in Airflow's own menu, without leaving the open page."""
        self.page.get_by_role("button", name="User").click()
        self.page.get_by_role("menuitem", name="Appearance").hover()
        self.page.get_by_role("menuitemradio", name=f"{theme.title()} Mode").click()

    def open_console(self) -> Frame:
        """Open the console from Airflow's navigation; return its frame, which is the same for all pages."""
        if not self.page.url.startswith(self.url):
            self.page.goto(self.url)
        self.page.get_by_role("link", name="Label Loop").click()
        self.page.wait_for_url(f"**/plugin{PREFIX}")
        iframe = self.page.wait_for_selector(f"iframe[src$='{PREFIX}/']")
        frame = iframe.content_frame() if iframe else None
        if frame is None:
            raise LookupError(f"Airflow shows no frame at {self.page.url}.")
        return settled(frame)

    def open_page(self, name: str) -> Frame:
        """Open a page of the console by its name in the navigation."""
        frame = self.open_console()
        link = navigation(frame).and_(frame.get_by_role("link", name=name, exact=True))
        with frame.expect_navigation():
            link.click()
        return settled(frame)

    def open_directly(self, loop_name: str, path: str) -> Frame:
        """Open a page of the console alone, without Airflow around it."""
        self.page.goto(f"{self.url}{PREFIX}/{quote(loop_name)}/{path}")
        return settled(self.page.main_frame)

    def close(self) -> None:
        """Close the window and forget its session."""
        self.page.context.close()


def settled(frame: Frame) -> Frame:
    """Return a frame once it has finished loading."""
    frame.wait_for_url(f"**{PREFIX}/**")
    frame.wait_for_load_state("networkidle")
    return frame


def navigation(frame: Frame) -> Locator:
    """Return the links of the console's own navigation."""
    return frame.get_by_role("navigation", name="Loop pages").get_by_role("link")
