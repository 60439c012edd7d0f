"""The checks of pages find what they are for, and let what is right pass."""

import pytest
from playwright.sync_api import Browser, Frame
from tests.browser.checks import assert_accessible, assert_focus_visible, assert_no_overflow
from tests.browser.watch import Watch

_PAGE = "<!doctype html><html lang=en><title>A page</title><style>{}</style><main><h1>Words</h1>{}</main></html>"
_LONG = "word" * 400


@pytest.fixture
def show(browser: Browser):
    page = browser.new_page()

    def draw(content: str, style: str = "") -> Frame:
        page.set_content(_PAGE.format(style, content))
        return page.main_frame

    yield draw
    page.close()


@pytest.mark.parametrize(
    "content",
    [
        f"<p>{_LONG}</p>",
        f"<div style='overflow: hidden'>{_LONG}</div>",
        "<div style='position: fixed; left: 900px; width: 100px'>beside</div>",
        "<div style='position: absolute; left: -50px'>half of it is left of the window</div>",
    ],
)
def test_what_is_cut_off_is_found(show, content: str):
    with pytest.raises(AssertionError, match="820 px"):
        assert_no_overflow(show(content), (820,))


@pytest.mark.parametrize(
    "content",
    [
        f"<p style='overflow-wrap: anywhere'>{_LONG}</p>",
        f"<div tabindex=0 style='overflow-x: auto'>{_LONG}</div>",
        f"<p style='overflow: hidden; text-overflow: ellipsis'>{_LONG}</p>",
        "<a style='position: absolute; left: -999px'>a skip link</a>",
    ],
)
def test_what_wraps_scrolls_or_is_shortened_passes(show, content: str):
    assert_no_overflow(show(content))


@pytest.mark.parametrize(
    "content",
    ["<p style='color: #bbb'>faint</p>", "<img src='data:,' width=9 height=9>", "<input>", "<button></button>"],
)
def test_what_a_reader_cannot_use_is_found(show, content: str):
    assert_accessible(show("<button>Good</button>"))
    with pytest.raises(AssertionError):
        assert_accessible(show(content))


def test_a_focus_that_hides_is_found(show):
    controls = "<a href='#x'>one</a><button>two</button><input aria-label=three>"
    assert len(assert_focus_visible(show(controls))) == 3
    with pytest.raises(AssertionError, match="two"):
        assert_focus_visible(show(controls, "button:focus-visible { outline: none }"))


def test_what_a_browser_complains_of_is_collected(browser: Browser):
    page = browser.new_page()
    watch = Watch(page)
    page.set_content("<script>console.error('one'); console.warn('two'); console.log('all well'); missing()</script>")
    page.evaluate("fetch('http://127.0.0.1:1/three').catch(() => null)")
    page.close()
    for what in ("error: one", "warning: two", "missing is not defined", "/three"):
        assert any(what in problem for problem in watch.problems), watch.problems
    assert not any("all well" in problem for problem in watch.problems)
