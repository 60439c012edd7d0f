"""The names of stacks."""

import re
from collections.abc import Iterable

from deployment.errors import DeploymentError
from label_loop.loop import Loop
from label_loop.provisioning.names import base_name, slug

_RULE = "a letter, then letters, digits and hyphens, at most 80 in all"


def loop_stack(loop: Loop) -> str:
    """Return the name of a loop's stack: one for the account and region, whichever environment serves the loop."""
    return base_name(loop)


def check_loop_name(loop: Loop) -> None:
    """Raise DeploymentError where the template of a loop does not take the name."""
    if slug(loop) != loop.name or loop.name.startswith(("aws", "ssm")):
        problem = "a stack makes loops of a-z, 0-9 and single hyphens, at most 24 characters, not aws or ssm first"
        way_out = "choose another name, or make it by python -m label_loop provision and give POLICIES"
        raise DeploymentError(f"The loop {loop.path}", problem, way_out)


def check_stack_name(name: str) -> None:
    """Raise DeploymentError where an environment's stack cannot have the name."""
    if not re.fullmatch(r"[a-zA-Z][0-9a-zA-Z-]{0,79}", name):
        raise DeploymentError("STACK", f"{name!r} is no name for a stack and its environment", f"choose one of {_RULE}")


def check_apart(name: str, loops: Iterable[Loop]) -> None:
    """Raise DeploymentError where an environment's stack would be the stack of one of its loops."""
    for loop in loops:
        if name == loop_stack(loop):
            raise DeploymentError("STACK", f"{name} is the stack of the loop {loop.path}", "choose another name")
