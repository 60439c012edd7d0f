"""The histories: a state machine whose rules are what people, AWS and Airflow do, in any order."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.simulation import runs
from tests.simulation.clock import CLOCK
from tests.simulation.fakes.rekognition import RUNNING, STOPPED, STOPPING, TRAINED
from tests.simulation.gate import Disturbance, Kind, Process
from tests.simulation.known_faults import is_switched_off
from tests.simulation.promises import Promises
from tests.simulation.settling import settle
from tests.simulation.world import LABELS, Way, World, picture

_RECORD_READ = "ssm:GetParameter"

disturbances = st.lists(st.builds(Disturbance, st.integers(1, 40), st.sampled_from(Kind)), max_size=2)
turns = st.lists(st.integers(1, 9), min_size=1, max_size=8)
delays = st.sampled_from([0.0, 0.0, 3.0, 90.0, 400.0, 4000.0])
ways = st.builds(Way, st.lists(delays, max_size=3).map(tuple), st.sampled_from(["s3", "sns", "eventbridge"]))
labels = st.sampled_from([*LABELS, "None of the Above"])
reviewers = st.sampled_from(["ann", "ben"])

type Work = Callable[[World], object]
DAILY: dict[str, Work] = {
    "detect": runs.detect,
    "review": runs.review,
    "sample": runs.sample,
    "sync": runs.sync,
}
MODELS: dict[str, Work] = {
    "detect": runs.detect,
    "train": runs.train,
    "stop by hand": runs.stop_by_hand,
    "sync": runs.sync,
}
VALUES = {
    "Minimum-Label-Detection-Confidence": ["70.0", "30", "95.5", "high"],
    "Enable-A2I-Workflow": ["true", "false", "maybe"],
    "Human-Sampling-Interval": ["1", "2", "3", "0"],
    "Enable-Automatic-Training": ["true", "false"],
    "Enable-Automatic-Human-Sampling": ["true", "false"],
    "Idle-Model-Stop-Minutes": ["0", "30", "60"],
    "Minimum-Untrained-Images": ["2", "5", "many"],
    "Minimum-F1-Score": ["0.8", "0.5", "2"],
    "Review-Answers-Per-Image": ["1", "2"],
}
edits = st.sampled_from([(name, text) for name, texts in VALUES.items() for text in texts])


class Histories(RuleBasedStateMachine):
    """What all histories share. Rules that cannot apply at a moment do nothing."""

    work: dict[str, Work] = DAILY

    @initialize(backend=st.sampled_from(["a2i", "airflow"]), serves=st.booleans(), most_running=st.sampled_from([2, 4]))
    def begin(self, backend: str, serves: bool, most_running: int) -> None:
        self.world = World(backend=backend, serves=serves, most_running=most_running)
        if is_switched_off("two writes of the record at once"):
            self.world.gate.kept_together = frozenset({_RECORD_READ})
        self.promises = Promises(self.world)
        self.is_broken = False
        for name, text in (("Minimum-Untrained-Images", "2"), ("Human-Sampling-Interval", "2")):
            self.world.edit_store(name, text)
        # Folders are listed from the first runs on.
        for name, work in (("sync", runs.sync), ("detect", runs.detect), ("review", runs.review)):
            self.process(name, work)

    def process(self, name: str, work: Work, disturbed: list[Disturbance] | None = None) -> Process:
        process = self.made(name, work, disturbed)
        self.run_processes(process)
        return process

    def made(self, name: str, work: Work, disturbed: list[Disturbance] | None = None) -> Process:
        return Process(name, lambda: work(self.world), disturbed or [])

    def run_processes(self, *processes: Process, turns: list[int] | None = None) -> None:
        try:
            self.world.run(*processes, turns=turns or ())
        except BaseException:
            self.is_broken = True
            raise

    @invariant()
    def promises_are_kept(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.promises.check()
        except BaseException:
            self.is_broken = True
            raise

    def teardown(self) -> None:
        if hasattr(self, "world") and not self.is_broken:
            settle(self.world, self.promises)

    # --------------------------------------------------------------- time and tasks

    @rule(seconds=st.sampled_from([1.0, 30.0, 200.0, 700.0, 4000.0]))
    def wait(self, seconds: float) -> None:
        CLOCK.advance(seconds)

    @rule(data=st.data(), disturbed=disturbances)
    def run(self, data: Any, disturbed: list[Disturbance]) -> None:
        name = data.draw(st.sampled_from(list(self.work)), "task")
        self.process(name, self.work[name], disturbed)

    @rule(data=st.data(), turns=turns, disturbed=disturbances)
    def run_two_at_once(self, data: Any, turns: list[int], disturbed: list[Disturbance]) -> None:
        names = [data.draw(st.sampled_from(list(self.work)), "task") for _ in range(2)]
        first, second = (self.made(f"{name} {n}", self.work[name]) for n, name in enumerate(names))
        first = self.made(f"{names[0]} 0", self.work[names[0]], disturbed)
        self.run_processes(first, second, turns=turns)

    # --------------------------------------------------------------- uploads

    @rule(way=ways, label=st.sampled_from(LABELS), confidence=st.sampled_from([20.0, 69.0, 71.0, 99.0]))
    def upload(self, way: Way, label: str, confidence: float) -> None:
        number = len(self.world.uploads)
        self.world.upload(f"{number % 3} +ü.png", picture(label, confidence, number), way)

    @rule(count=st.integers(2, 12))
    def upload_many(self, count: int) -> None:
        for _ in range(count):
            self.upload(Way(), LABELS[0], 50.0)

    @rule(way=ways)
    def upload_no_image(self, way: Way) -> None:
        self.world.upload("none.png", f"no image {len(self.world.uploads)}".encode(), way)

    @precondition(lambda self: any(not one.is_removed for one in self.world.uploads))
    @rule(number=st.integers(0, 20))
    def remove_upload(self, number: int) -> None:
        present = [one for one in self.world.uploads if not one.is_removed]
        self.world.remove(present[number % len(present)])

    # --------------------------------------------------------------- parameters

    @rule(edit=edits)
    def edit_parameter_store(self, edit: tuple[str, str]) -> None:
        self.world.edit_store(*edit)

    @rule(edit=edits)
    def edit_variable(self, edit: tuple[str, str]) -> None:
        self.world.edit_variable(*edit)


class DailyWork(Histories):
    """Uploads, reviews and samples; the model is left in peace."""

    @precondition(lambda self: self.open_loops())
    @rule(number=st.integers(0, 20), label=labels, way=ways)
    def answer(self, number: int, label: str, way: Way) -> None:
        loops = self.open_loops()
        self.world.answer(loops[number % len(loops)], label, way)

    @precondition(lambda self: self.open_loops())
    @rule(number=st.integers(0, 20))
    def let_a_review_expire(self, number: int) -> None:
        loops = self.open_loops()
        self.world.expire(loops[number % len(loops)])

    def open_loops(self) -> list[str]:
        return [loop.name for loop in self.world.a2i.loops.values() if loop.status == "InProgress"]

    @rule(reviewer=reviewers, label=labels, disturbed=disturbances)
    def answer_at_the_desk(self, reviewer: str, label: str, disturbed: list[Disturbance]) -> None:
        """Take the first image and answer. Where the request is cut, the answer may have been taken."""

        def work(world: World) -> None:
            desk = runs.desk(world, reviewer)
            for review in desk.take(1, oldest_first=True):
                world.given_answers.setdefault(review.name, set()).add(label)
                desk.answer(review.name, label)
                world.memory.setdefault("answered", []).append((reviewer, review.name, label))

        self.process("desk", work, disturbed)

    @rule(disturbed=disturbances)
    def undo_at_the_desk(self, disturbed: list[Disturbance]) -> None:
        """Take the last answer back. Once that is said to be done, the answer must not be applied."""

        def work(world: World) -> None:
            reviewer, name, label = world.memory["answered"].pop()
            runs.desk(world, reviewer).undo(name)
            others = {given for _, other, given in world.memory["answered"] if other == name}
            world.given_answers[name] -= {label} - others

        if self.world.memory.get("answered"):
            self.process("undo", work, disturbed)

    @rule(disturbed=disturbances)
    def collect_reviews(self, disturbed: list[Disturbance]) -> None:
        self.process("collect", runs.collect_reviews, disturbed)


class Models(Histories):
    """Trainings, deployments, idle stops, and people who start and stop models."""

    work = MODELS

    @rule(label=st.sampled_from(LABELS), count=st.integers(1, 3))
    def label_images(self, label: str, count: int) -> None:
        """Put images into two folders, so that no label has a single image."""
        for name in (label, "cat" if label != "cat" else "dog"):
            for _ in range(count + 1):
                number = self.world.memory["labelled"] = self.world.memory.get("labelled", 0) + 1
                self.world.label(name, str(number), number)

    @rule(force=st.booleans(), f1=st.sampled_from([0.9, 0.6, None]))
    def trigger_training(self, force: bool, f1: float | None) -> None:
        self.world.rekognition.next_f1 = f1
        runs.trigger_training(self.world, force=force)

    @rule(tasks=st.integers(1, 5), disturbed=disturbances)
    def go_on_with_training(self, tasks: int, disturbed: list[Disturbance]) -> None:
        self.process("train", lambda world: runs.train(world, tasks), disturbed)

    @rule()
    def forget_the_run(self) -> None:
        """Lose the run of the DAG, as when Airflow's database is lost or a person marks it as failed."""
        self.world.memory.pop("training", None)

    @precondition(lambda self: self.of_status(TRAINED, STOPPED, RUNNING))
    @rule(number=st.integers(0, 5))
    def deploy_by_hand(self, number: int) -> None:
        names = [version.name for version in self.of_status(TRAINED, STOPPED, RUNNING)]
        runs.trigger_training(self.world, version=names[number % len(names)])

    @rule()
    def let_the_next_start_fail(self) -> None:
        self.world.rekognition.next_start_fails = True

    @precondition(lambda self: self.of_status(RUNNING))
    @rule(number=st.integers(0, 5))
    def stop_in_aws(self, number: int) -> None:
        versions = self.of_status(RUNNING)
        version = versions[number % len(versions)]
        self.world.stops.stopped_outside.add(version.arn)
        self.world.rekognition.enter(version, STOPPING, STOPPED)

    @precondition(lambda self: self.of_status(STOPPED))
    @rule(number=st.integers(0, 5))
    def start_in_aws(self, number: int) -> None:
        version = self.of_status(STOPPED)[number % len(self.of_status(STOPPED))]
        if len(self.of_status(RUNNING, "STARTING", STOPPING)) < self.world.rekognition.most_running:
            self.world.stops.started_outside.add(version.arn)
            self.world.rekognition.start_project_version(ProjectVersionArn=version.arn, MinInferenceUnits=1)

    def of_status(self, *statuses: str) -> list[Any]:
        return [version for version in self.world.rekognition.settled() if version.status in statuses]
