"""The page on which Amazon A2I's reviewers label, as a parameter of the loop's stack."""

from collections.abc import Sequence

from label_loop.provisioning.review import task_ui_name
from label_loop.provisioning.site import Site, found, naming
from label_loop.provisioning.stack import Stack
from label_loop.provisioning.task_template import task_template

_LONGEST_BYTES = 4096  # of a template's parameter
_ABSENT = ("ResourceNotFound", "ResourceNotFoundException")
LEFT_TO_SETUP = {"TaskUiName": "", "TaskUiContent": "-"}


def task_ui(site: Site, labels: Sequence[str], stack: Stack | None) -> dict[str, str]:
    """Return the parameters of the page for some labels, under the name by which the setup finds it.

    They are empty, and the setup is to see to it, where the page is too long for a parameter, or is there and not
    this stack's any more: a page outlives its stack's interest in it, and no stack can make it again.
    """
    content = task_template(sorted(labels))
    name = task_ui_name(site.loop, content)
    is_the_stacks = stack is not None and stack.parameters.get("TaskUiName") == name
    too_long = len(content.encode()) > _LONGEST_BYTES
    if too_long or (not is_the_stacks and _exists(site, name)):
        return dict(LEFT_TO_SETUP)
    return {"TaskUiName": name, "TaskUiContent": content}


def _exists(site: Site, name: str) -> bool:
    look = site.client("sagemaker").describe_human_task_ui
    with naming("worker template", name):
        return found(lambda: look(HumanTaskUiName=name), *_ABSENT) is not None
