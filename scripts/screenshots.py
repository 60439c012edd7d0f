"""Takes a screenshot of every page of the console, light and dark, for the documentation: ``make screenshots``.

The stack must be running: start it with ``make up``, or with ``make demo``, which leaves a loop with data to show.
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Error

from local_stack.browser import MISSING, THEMES, Theme, Window, find_chromium, headless, navigation
from local_stack.environment import PROJECT, StackSettings
from local_stack.stack import LocalStack

FOLDER = PROJECT / "docs" / "images"
MOST_BYTES = 150_000


def main() -> int:
    """Take screenshots of the stack that the environment variables describe; return the exit status."""
    stack, program = StackSettings.from_environment(), find_chromium()
    if program is None:
        return _fail(MISSING)
    if not LocalStack(stack).airflow_is_healthy():
        return _fail(f"Airflow does not respond at {stack.airflow_url}; start it with make up or make demo")
    try:
        with headless(program) as browser:
            for theme in THEMES:
                _take_all(browser, stack.airflow_url, theme)
    except Error as error:
        return _fail(f"a page does not open: {error.message}")
    return 0


def _take_all(browser: Browser, airflow_url: str, theme: Theme) -> None:
    window = Window(browser, airflow_url, theme)
    links = navigation(window.open_console()).all()
    pages = {link.inner_text(): str(link.get_attribute("href")).rsplit("/", 1)[-1] for link in links}
    for name, path in pages.items():
        window.open_page(name)
        file = FOLDER / f"console-{path}-{theme}.png"
        _save(window.page.screenshot(), file)
        print(f"{file.relative_to(PROJECT)}  {file.stat().st_size // 1000} kB")
    window.close()


def _save(png: bytes, file: Path) -> None:
    """Write a screenshot with as many colours as the size limit allows."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in (256, 128, 64, 32):
        picture.quantize(colours, dither=Image.Dither.NONE).save(file, optimize=True)
        if file.stat().st_size <= MOST_BYTES:
            return


def _fail(problem: str) -> int:
    print(f"error: {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
