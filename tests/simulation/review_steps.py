"""Steps of a history: what reviewers do, in A2I and at the desk on the page Review."""

from dataclasses import dataclass

from tests.simulation import runs
from tests.simulation.events import Way
from tests.simulation.steps import Disturbed, chosen, process
from tests.simulation.world import World


@dataclass(frozen=True)
class Answer:
    """Answer open human loops of A2I; the events of their files come in some way."""

    number: int
    label: str
    way: Way = Way()  # noqa: RUF009 - it is frozen
    count: int = 1

    def take(self, world: World) -> None:
        for _ in range(self.count):
            name = chosen(world.open_loops(), self.number)
            if name:
                world.answer(name, self.label, self.way)


@dataclass(frozen=True)
class Expire:
    """Let a human loop of A2I end without an answer."""

    number: int

    def take(self, world: World) -> None:
        name = chosen(world.open_loops(), self.number)
        if name:
            world.expire(name)


@dataclass(frozen=True)
class AnswerAtDesk:
    """Take images on the page Review and answer. Where a request is cut, its answer may have been taken."""

    reviewer: str
    label: str
    count: int = 1
    disturbed: Disturbed = ()

    def take(self, world: World) -> None:
        world.run(process(world, "desk", self._answer, self.disturbed))

    def _answer(self, world: World) -> None:
        desk = runs.desk(self.reviewer)
        for review in desk.take(self.count, oldest_first=True):
            world.given_answers.setdefault(review.name, set()).add(self.label)
            desk.answer(review.name, self.label)
            world.memory.setdefault("answered", []).append((self.reviewer, review.name, self.label))


@dataclass(frozen=True)
class UndoAtDesk:
    """Take the last answer back. Once that is said to be done, the answer must not be applied."""

    disturbed: Disturbed = ()

    def take(self, world: World) -> None:
        if world.memory.get("answered"):
            world.run(process(world, "undo", self._undo, self.disturbed))

    def _undo(self, world: World) -> None:
        reviewer, name, label = world.memory["answered"].pop()
        runs.desk(reviewer).undo(name)
        others = {given for _, other, given in world.memory["answered"] if other == name}
        world.given_answers[name] -= {label} - others
