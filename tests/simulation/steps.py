"""The steps of a history: what people, AWS and Airflow do. A step that cannot be taken at a moment does nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tests.simulation import runs
from tests.simulation.clock import CLOCK
from tests.simulation.fakes.rekognition import RUNNING, STARTING, STOPPED, STOPPING, TRAINED, Version
from tests.simulation.gate import Disturbance, Process
from tests.simulation.world import Uploaded, Way, World, picture

type Disturbed = tuple[Disturbance, ...]
type Work = Callable[[World], object]

_TASKS: dict[str, Work] = {
    "detect": runs.detect,
    "review": runs.review,
    "sample": runs.sample,
    "sync": runs.sync,
    "collect": runs.collect_reviews,
    "train": runs.train,
    "stop": runs.stop_by_hand,
}


class Step(Protocol):
    """One step of a history."""

    def take(self, world: World) -> None:
        """Do it."""


@dataclass(frozen=True)
class Wait:
    """Let time pass."""

    seconds: float

    def take(self, world: World) -> None:
        CLOCK.advance(self.seconds)


# ------------------------------------------------------------------------ processes


def process(world: World, name: str, work: Work, disturbed: Disturbed = ()) -> Process:
    return Process(name, lambda: work(world), disturbed)


@dataclass(frozen=True)
class Run:
    """Run a task, or what else the loop does by itself."""

    task: str
    disturbed: Disturbed = ()

    def take(self, world: World) -> None:
        world.run(process(world, self.task, _TASKS[self.task], self.disturbed))


@dataclass(frozen=True)
class RunTwo:
    """Run two tasks at once, which may be one task that Airflow holds for dead and starts again."""

    tasks: tuple[str, str]
    turns: tuple[int, ...]
    disturbed: Disturbed = ()

    def take(self, world: World) -> None:
        first = process(world, f"{self.tasks[0]} 1", _TASKS[self.tasks[0]], self.disturbed)
        second = process(world, f"{self.tasks[1]} 2", _TASKS[self.tasks[1]])
        world.run(first, second, turns=self.turns)


# -------------------------------------------------------------------------- uploads


@dataclass(frozen=True)
class Upload:
    """Upload images, some under a name that is in use; the events of each come in the same way."""

    label: str
    confidence: float
    way: Way = Way()  # noqa: RUF009 - it is frozen
    count: int = 1

    def take(self, world: World) -> None:
        for _ in range(self.count):
            number = len(world.uploads)
            world.upload(f"{number % 5} +ü.png", picture(self.label, self.confidence, number), self.way)


@dataclass(frozen=True)
class UploadNoImage:
    """Upload a file that cannot be read."""

    way: Way

    def take(self, world: World) -> None:
        world.upload("none.png", f"no image {len(world.uploads)}".encode(), self.way)


@dataclass(frozen=True)
class RemoveUpload:
    """Delete an upload for good."""

    number: int

    def take(self, world: World) -> None:
        upload = chosen([one for one in world.uploads if not one.is_removed], self.number)
        if isinstance(upload, Uploaded):
            world.remove(upload)


def chosen[T](things: list[T], number: int) -> T | None:
    return things[number % len(things)] if things else None


# -------------------------------------------------------------------------- reviews


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


# ----------------------------------------------------------------------- parameters


@dataclass(frozen=True)
class EditStore:
    """Change a parameter in Parameter Store."""

    name: str
    text: str

    def take(self, world: World) -> None:
        world.edit_store(self.name, self.text)


@dataclass(frozen=True)
class EditVariable:
    """Change a parameter in Airflow."""

    name: str
    text: str

    def take(self, world: World) -> None:
        world.edit_variable(self.name, self.text)


# --------------------------------------------------------------------------- models


@dataclass(frozen=True)
class LabelImages:
    """Put images into two labels' folders, so that no label has a single image."""

    label: str
    count: int

    def take(self, world: World) -> None:
        for label in (self.label, "cat" if self.label != "cat" else "dog"):
            for _ in range(self.count + 1):
                number = world.memory["labelled"] = world.memory.get("labelled", 0) + 1
                world.label(label, str(number), number)


@dataclass(frozen=True)
class Trigger:
    """Trigger the training DAG; ``f1`` is the score of what it may train, None a training that fails."""

    force: bool
    f1: float | None

    def take(self, world: World) -> None:
        world.rekognition.next_f1 = self.f1
        runs.trigger_training(world, force=self.force)


@dataclass(frozen=True)
class Train:
    """Go on with the run of the training DAG: so many tasks, until one waits. A crash may end the run as well."""

    tasks: int
    disturbed: Disturbed = ()
    ends_with_crash: bool = False

    def take(self, world: World) -> None:
        done = process(world, "train", lambda world: runs.train(world, self.tasks), self.disturbed)
        world.run(done)
        if done.has_crashed and self.ends_with_crash:
            ForgetRun().take(world)


@dataclass(frozen=True)
class ForgetRun:
    """Lose the run of the training DAG, as when a person marks it as failed or Airflow's database is lost."""

    def take(self, world: World) -> None:
        world.memory.pop("training", None)


@dataclass(frozen=True)
class Deploy:
    """Ask for the deployment of a version."""

    number: int

    def take(self, world: World) -> None:
        version = chosen(of_status(world, TRAINED, STOPPED, RUNNING), self.number)
        if version:
            runs.trigger_training(world, version=version.name)


@dataclass(frozen=True)
class LetStartFail:
    """Let the next start of a model fail."""

    def take(self, world: World) -> None:
        world.rekognition.next_start_fails = True


@dataclass(frozen=True)
class StopInAws:
    """Stop a model without asking the loop."""

    number: int

    def take(self, world: World) -> None:
        version = chosen(of_status(world, RUNNING), self.number)
        if version:
            world.stops.stopped_outside.add(version.arn)
            world.rekognition.enter(version, STOPPING, STOPPED)


@dataclass(frozen=True)
class StartInAws:
    """Start a model without asking the loop, where there is room."""

    number: int

    def take(self, world: World) -> None:
        version = chosen(of_status(world, STOPPED), self.number)
        if version and len(of_status(world, RUNNING, STARTING, STOPPING)) < world.rekognition.most_running:
            world.stops.started_outside.add(version.arn)
            world.rekognition.start_project_version(ProjectVersionArn=version.arn, MinInferenceUnits=1)


def of_status(world: World, *statuses: str) -> list[Version]:
    return [version for version in world.rekognition.settled() if version.status in statuses]
