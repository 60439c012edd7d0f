"""What hostile or unusual text and narrow windows do to the pages."""

from playwright.sync_api import expect
from tests.browser.checks import assert_no_overflow
from tests.browser.conftest import LOOP, Visit

TURNED = "\u05e9\u05dc\u05d5\u05dd \u202egnp.png"  # Hebrew, then an override that turns what follows


def test_a_name_does_not_turn_what_stands_beside_it(visit: Visit):
    frame = visit("viewer").open_directly(LOOP.name, "review")
    ends = frame.evaluate(
        """(name) => {
          const right = (what) => document.querySelector(what).getBoundingClientRect().right;
          document.querySelector("[data-guess]").hidden = false;
          document.querySelector("[data-key]").textContent = name;
          document.querySelector("[data-source]").textContent = "unsure";
          return [right("[data-key]"), right("[data-source]")];
        }""",
        TURNED,
    )
    assert ends[0] < ends[1]


def test_the_versions_with_all_that_can_be_done_with_them_fit_into_a_narrow_window(visit: Visit):
    frame = visit("op").open_directly(LOOP.name, "models")
    expect(frame.get_by_role("button", name="By label")).to_be_visible()
    assert_no_overflow(frame, (820,))
    assert frame.get_by_role("region", name="Versions").evaluate("of => of.scrollWidth <= of.clientWidth")
