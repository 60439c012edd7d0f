"""Every page that the console's navigation lists, as people see it."""

import pytest
from tests.browser.checks import assert_accessible, assert_focus_visible, assert_no_overflow
from tests.browser.conftest import LOOP, Visit

from label_loop.console.render import PAGES
from local_stack.browser import THEMES, Theme, navigation

NAMES = {path: name for path, name, _ in PAGES}
every_page = pytest.mark.parametrize("path", NAMES)
both_themes = pytest.mark.parametrize("theme", THEMES)


@both_themes
@every_page
def test_a_page_opens_from_airflows_navigation(visit: Visit, path: str, theme: Theme):
    frame = visit("op", theme).open_page(NAMES[path])
    assert frame.get_by_role("heading", level=1).count() == 1
    assert navigation(frame).and_(frame.locator("[aria-current=page]")).inner_text() == NAMES[path]
    assert frame.evaluate("document.documentElement.dataset.theme") == theme
    assert_accessible(frame)
    assert_no_overflow(frame)


@every_page
def test_a_page_opens_alone(visit: Visit, path: str):
    frame = visit("op").open_directly(LOOP.name, path)
    assert_no_overflow(frame)


@every_page
def test_a_page_is_for_lookers_too(visit: Visit, path: str):
    frame = visit("viewer").open_page(NAMES[path])
    assert_accessible(frame)
    assert_no_overflow(frame)


@every_page
def test_the_keyboard_reaches_every_link_of_the_navigation_and_shows_where_it_is(visit: Visit, path: str):
    frame = visit("op").open_directly(LOOP.name, path)
    reached = "\n".join(assert_focus_visible(frame))
    for link in navigation(frame).all():
        assert str(link.get_attribute("href")) in reached


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
