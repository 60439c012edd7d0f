"""A history: a world, the steps that are taken in it, and the promises that are looked at after each."""

from collections.abc import Mapping
from typing import Any

from tests.simulation import steps
from tests.simulation.promises import Promises
from tests.simulation.settling import settle
from tests.simulation.steps import Step
from tests.simulation.world import World

_FIRST: Mapping[str, str] = {"Minimum-Untrained-Images": "2", "Human-Sampling-Interval": "2"}


class History:
    """One history from its beginning. ``parameters`` are in force from then on, ``how`` is the world's."""

    def __init__(self, *, parameters: Mapping[str, str] | None = None, **how: Any) -> None:
        self.how = {"parameters": parameters or {}, **how}
        self.taken: list[Step] = []
        self.world = World(**how)
        self.promises = Promises(self.world)
        for name, text in {**_FIRST, **(parameters or {})}.items():
            self.world.edit_store(name, text)
        # Folders are listed from the first runs on.
        for task in ("sync", "detect", "review"):
            steps.Run(task).take(self.world)

    def do(self, *taken: Step) -> None:
        """Take steps, and look at the promises after each."""
        for step in taken:
            self.taken.append(step)
            step.take(self.world)
            self.promises.check()

    def settle(self) -> None:
        """Let everything come to rest, and look at the strong forms of the promises."""
        settle(self.world, self.promises)
