"""The names of stacks."""

import re
from collections.abc import Iterable

from label_loop.loop import Loop
from label_loop.provisioning.names import base_name
from label_loop.provisioning.report import DeploymentError

_RULE = "a letter, then letters, digits and hyphens, at most 80 in all"


def loop_stack(loop: Loop) -> str:
    """Return the name of a loop's stack, which is the same whichever environment serves the loop."""
    return base_name(loop)


def check_stack_name(name: str) -> None:
    """Raise DeploymentError if an environment's stack cannot have the name."""
    if not re.fullmatch(r"[a-zA-Z][0-9a-zA-Z-]{0,79}", name):
        problem = f"{name!r} is not a valid name for a stack and its environment"
        raise DeploymentError("STACK", problem, f"choose a name of {_RULE}")


def check_apart(name: str, loops: Iterable[Loop]) -> None:
    """Raise DeploymentError if an environment's stack would have the name of the stack of one of its loops."""
    for loop in loops:
        if name == loop_stack(loop):
            raise DeploymentError("STACK", f"{name} is the stack of the loop {loop.path}", "choose another name")
