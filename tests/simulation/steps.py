"""The steps of a history: what people, AWS and Airflow do. A step that cannot be taken at a moment does nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tests.simulation import runs
from tests.simulation.clock import CLOCK
from tests.simulation.events import Way
from tests.simulation.gate import Disturbance, Process
from tests.simulation.world import BUCKET, Uploaded, World, picture

type Disturbed = tuple[Disturbance, ...]
type Work = Callable[[World], object]

_TASKS: dict[str, Work] = {
    "detect": runs.detect,
    "review": runs.review,
    "sample": runs.sample,
    "sync": runs.sync,
    "collect": runs.collect_reviews,
    "train": runs.train,
    "stop": runs.stop_by_hand,  # by a person
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
        there = [one for one in world.uploads if not one.is_removed]
        upload = chosen(there, self.number)
        if isinstance(upload, Uploaded):
            world.remove(upload)


@dataclass(frozen=True)
class Archive:
    """Let an upload that was detected pass into an archive, from which nothing is read."""

    number: int

    def take(self, world: World) -> None:
        keys = sorted({row["S3ObjectKey"] for row in world.rows()} & {one.key for one in world.objects("")})
        key = chosen(keys, self.number)
        if key:
            world.s3.archive(BUCKET, key)


def chosen[T](things: list[T], number: int) -> T | None:
    return things[number % len(things)] if things else None


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


@dataclass(frozen=True)
class ReadLate:
    """Let the next read of Parameter Store show what was there a while ago."""

    seconds: float

    def take(self, world: World) -> None:
        world.ssm.late_by_seconds = self.seconds
