"""What hostile or unusual text and narrow windows do to the pages."""

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
