"""Every page that the console's navigation lists, as people see it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Frame
from tests.browser.checks import assert_accessible, assert_focus_visible, assert_no_overflow
from tests.browser.conftest import LOOP, Enter, Visit
from tests.browser.watch import Watch

from label_loop.console.render import PAGES
from local_stack.browser import THEMES, Theme, navigation, settled

NAMES = {path: name for path, name, _ in PAGES}
every_page = pytest.mark.parametrize("path", NAMES)


@pytest.fixture(scope="module", params=THEMES)
def console(enter: Enter, request: pytest.FixtureRequest) -> Iterator[tuple[Theme, Frame]]:
    """Give the console in Airflow's frame, in each theme; what is opened next stays in that frame."""
    window = enter("op", request.param)
    watch = Watch(window.page)
    yield request.param, window.open_console()
    window.close()
    assert watch.problems == []


@every_page
def test_a_page_opens_from_the_navigation_in_airflows_frame(console: tuple[Theme, Frame], path: str):
    theme, frame = console
    with frame.expect_navigation():
        navigation(frame).and_(frame.get_by_role("link", name=NAMES[path], exact=True)).click()
    settled(frame)
    assert frame.get_by_role("heading", level=1).count() == 1
    assert navigation(frame).and_(frame.locator("[aria-current=page]")).inner_text() == NAMES[path]
    assert frame.evaluate("document.documentElement.dataset.theme") == theme
    assert_accessible(frame)
    assert_no_overflow(frame)


@every_page
def test_a_page_opens_alone_and_the_keyboard_reaches_every_link_of_its_navigation(visit: Visit, path: str):
    frame = visit("op").open_directly(LOOP.name, path)
    reached = "\n".join(assert_focus_visible(frame))
    for link in navigation(frame).all():
        assert str(link.get_attribute("href")) in reached
    assert_no_overflow(frame)


@pytest.mark.parametrize("path", sorted(NAMES.keys() - {"parameters"}))
def test_a_page_is_for_lookers_too(visit: Visit, path: str):
    frame = visit("viewer").open_directly(LOOP.name, path)
    assert_accessible(frame)
    assert_no_overflow(frame)


def test_the_console_follows_airflows_theme_while_it_is_open(visit: Visit):
    window = visit("viewer")
    frame = window.open_console()
    for theme in (*reversed(THEMES), THEMES[1]):
        window.switch_theme(theme)
        frame.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)


def test_a_link_to_airflow_leaves_the_frame(visit: Visit):
    window = visit("viewer")
    link = window.open_page("Overview").locator("a[data-airflow-href]").first
    target = link.get_attribute("href")
    link.click()
    window.page.wait_for_url(f"**{target}")
