"""What every page has to keep: nothing cut off, nothing that a reader cannot use, focus that can be seen."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame

# An element lies beyond the window, or its own box hides a part of its text. What scrolls may hold more than it shows.
_CUT = """() => {
  const width = document.documentElement.clientWidth, content = document.scrollingElement.scrollWidth;
  const found = content > width ? [`the page is ${content} px wide`] : [];
  const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
  const report = (what, element) => found.push(`${what}: ${element.outerHTML.slice(0, 90)}…`);
  for (const element of document.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (box.width < 2 || box.height < 2 || style.visibility === "hidden") continue;
    let above = element.parentElement;
    while (above && !scrolls(above)) above = above.parentElement;
    const partly_left = box.left < -1 && box.right > 0;
    if (!above && (box.right > width + 1 || partly_left)) report("beyond the window", element);
    const hides = ["hidden", "clip"].includes(style.overflowX) && style.textOverflow !== "ellipsis";
    if (hides && element.scrollWidth > element.clientWidth + 1) report("cut", element);
  }
  return found;
}"""

_FOCUS = """() => {
  const element = document.activeElement, style = getComputedStyle(element);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  const box = element.getBoundingClientRect();
  return {
    name: element === document.body ? "" : element.outerHTML.slice(0, 90),
    visible: (outlined || style.boxShadow !== "none") && box.width > 1 && box.bottom > 0 && box.right > 0,
  };
}"""


def assert_no_overflow(frame: Frame, widths_px: tuple[int, ...] = (1280, 820)) -> None:
    """Check a page in windows of several widths; leave it in the last one's."""
    for width in widths_px:
        frame.page.set_viewport_size({"width": width, "height": 900})
        frame.wait_for_timeout(200)  # charts follow their container
        found = frame.evaluate(_CUT)
        assert not found, "\n".join([f"at {width} px:", *found])


def assert_accessible(frame: Frame) -> None:
    """Check that axe finds nothing serious or critical."""
    violations: list[dict[str, Any]] = Axe().run(frame).response["violations"]
    serious = [
        f"{each['id']} ({each['impact']}): {node['html'][:200]}\n    {node.get('failureSummary', '')}"
        for each in violations
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
    assert not serious, "\n".join(serious)


def assert_focus_visible(frame: Frame, most_steps: int = 60) -> list[str]:
    """Walk a page by the Tab key; return the elements that had the focus, each of which showed it."""
    frame.evaluate("document.activeElement.blur(); getSelection().setPosition(document.body, 0)")
    frame.locator("body").focus()
    reached: list[str] = []
    for _ in range(most_steps):
        frame.page.keyboard.press("Tab")
        if not frame.evaluate("document.hasFocus()"):
            break
        focus = frame.evaluate(_FOCUS)
        if not focus["name"]:
            break
        assert focus["visible"], f"the focus cannot be seen on {focus['name']}"
        reached.append(focus["name"])
    return reached
