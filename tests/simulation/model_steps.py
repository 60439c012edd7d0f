"""Steps of a history: what happens to models, by the training DAG, by people and by AWS."""

from dataclasses import dataclass

from tests.simulation import runs
from tests.simulation.fakes.rekognition import RUNNING, STARTING, STOPPED, STOPPING, TRAINED, Version
from tests.simulation.steps import Disturbed, chosen, process
from tests.simulation.world import BUCKET, LABELLED, World


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
class LabelOne:
    """Put a single image into a folder of its own, as one answer may do."""

    def take(self, world: World) -> None:
        world.label("lynx", "one", 0)


@dataclass(frozen=True)
class ArchiveLabelled:
    """Let a labelled image pass into an archive, from which nothing is read."""

    number: int

    def take(self, world: World) -> None:
        image = chosen(world.objects(LABELLED), self.number)
        if image:
            world.s3.archive(BUCKET, image.key)


@dataclass(frozen=True)
class CopyOntoThemselves:
    """Write all labelled images again as they are, as a change of their storage class or encryption does."""

    def take(self, world: World) -> None:
        for image in world.objects(LABELLED):
            world.s3.put(BUCKET, image.key, image.body)


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
class AnswerQuestion:
    """Answer whether to deploy a version that is undecided: "deploy" or "hold"."""

    choice: str
    disturbed: Disturbed = ()

    def take(self, world: World) -> None:
        answer = process(world, "answer", lambda world: runs.answer_question(world, self.choice), self.disturbed)
        world.run(answer)


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


@dataclass(frozen=True)
class Stop:
    """Stop the serving model on the page Models."""

    disturbed: Disturbed = ()

    def take(self, world: World) -> None:
        world.run(process(world, "stop", runs.stop_by_hand, self.disturbed))


def of_status(world: World, *statuses: str) -> list[Version]:
    return [version for version in world.rekognition.settled() if version.status in statuses]
