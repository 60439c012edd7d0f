"""The page on which a worker in Amazon A2I labels an image."""

import html
import json
from collections.abc import Sequence

from label_loop.payloads import NONE_OF_THE_ABOVE, WIDGET

MOST_CATEGORIES = 10  # in crowd-image-classifier; with more, the page has radio buttons
_HEADER = "Which label fits this image?"
_INSTRUCTIONS = f"Pick the label that fits the image. If no label does, pick {NONE_OF_THE_ABOVE}."
_IMAGE = "{{ task.input.taskObject | grant_read_access }}"
# Radio buttons can be submitted without a choice; crowd-image-classifier requires one by itself.
_NO_BLANK = """<script>
  document.querySelector("crowd-form").onsubmit = (event) => {
    const buttons = [...document.querySelectorAll("crowd-radio-button")];
    if (!buttons.some((button) => button.checked)) {
      event.preventDefault();
      alert("Pick one of the labels first.");
    }
  };
</script>
"""


def task_template(labels: Sequence[str]) -> str:
    """Return the worker template in Liquid and HTML, as A2I requires, with "None of the Above" last.

    Labels come from people and from folder names, so they are escaped for HTML and for Liquid.
    """
    categories = [*labels, NONE_OF_THE_ABOVE]
    form, script = (_classifier, "") if len(categories) <= MOST_CATEGORIES else (_radio_buttons, _NO_BLANK)
    # These are A2I's own elements: the worker portal offers no other way to show and submit a task.
    return (
        '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>\n'
        f"<crowd-form>\n{form(categories)}</crowd-form>\n{script}"
    )


def _classifier(categories: Sequence[str]) -> str:
    return (
        f'  <crowd-image-classifier name="{WIDGET}" src="{_IMAGE}"\n'
        f'    categories="{escaped(json.dumps(list(categories)))}" header="{_HEADER}">\n'
        f'    <full-instructions header="Labelling"><p>{_INSTRUCTIONS}</p></full-instructions>\n'
        f"    <short-instructions><p>{_INSTRUCTIONS}</p></short-instructions>\n"
        "  </crowd-image-classifier>\n"
    )


def _radio_buttons(categories: Sequence[str]) -> str:
    buttons = "".join(
        f'    <div><crowd-radio-button name="{WIDGET}" value="{escaped(category)}">'
        f"{escaped(category)}</crowd-radio-button></div>\n"
        for category in categories
    )
    return (
        f'  <img src="{_IMAGE}" alt="The image to label" style="max-width: 100%; max-height: 60vh">\n'
        f"  <h3>{_HEADER}</h3>\n  <p>{_INSTRUCTIONS}</p>\n"
        f"  <crowd-radio-group>\n{buttons}  </crowd-radio-group>\n"
    )


def escaped(text: str) -> str:
    """Return a text escaped for HTML text and attributes, with nothing for Liquid to expand."""
    return html.escape(text).replace("{", "&#123;").replace("}", "&#125;").replace("%", "&#37;")
