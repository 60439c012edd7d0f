"""The page on which Amazon A2I's reviewers label, as a parameter of the loop's stack."""

from collections.abc import Sequence

from label_loop.provisioning.review import task_ui_name
from label_loop.provisioning.site import Site, aws_errors_as, or_none
from label_loop.provisioning.stack import Stack
from label_loop.provisioning.task_template import task_template

_LONGEST_BYTES = 4096  # CloudFormation's limit for a parameter
_ABSENT = ("ResourceNotFound", "ResourceNotFoundException")
LEFT_TO_SETUP = {"TaskUiName": "", "TaskUiContent": "-"}


def task_ui(site: Site, labels: Sequence[str], stack: Stack | None) -> dict[str, str]:
    """Return the template's parameters for the page with these labels, under the name by which the setup finds it.

    They are empty, which leaves the page to the setup, if the page is too long for a parameter, or if it exists but no
    longer belongs to this stack: a page is kept when its stack lets go of it, and no stack can create it again.
    """
    content = task_template(sorted(labels))
    name = task_ui_name(site.loop, content)
    is_in_stack = stack is not None and stack.parameters.get("TaskUiName") == name
    is_too_long = len(content.encode()) > _LONGEST_BYTES
    if is_too_long or (not is_in_stack and _exists(site, name)):
        return dict(LEFT_TO_SETUP)
    return {"TaskUiName": name, "TaskUiContent": content}


def _exists(site: Site, name: str) -> bool:
    look = site.client("sagemaker").describe_human_task_ui
    with aws_errors_as("worker template", name):
        return or_none(lambda: look(HumanTaskUiName=name), *_ABSENT) is not None
