"""Deployments, failures, crashes and sleep in random order: what is paid stays bounded, and what serves serves."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.model import Model, registry
from tests.integration.pictures import TRAINING_DIGITS
from tests.integration.world import World

from label_loop.domain.deployment import BILLED
from label_loop.exceptions import RunningLimitError, SmokeTestFailedError

NAMES = ["v1", "v2", "v3", "v4"]
EPISODES = 12


class Story:
    """One loop and what happens to it. Each episode yields after each of its steps."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.told: list[str] = []

    def billed(self) -> list[str]:
        return [name for name in NAMES if self.world.status(name) in BILLED]

    def endpoint(self) -> str:
        return str(self.world.state().endpoint_arn.split("/")[-2])

    def settle(self, *names: str) -> None:
        """Let versions get to where they are on their way to; time itself is not what is tested."""
        state = registry(self.world.aws)
        for name in names or NAMES:
            with state.lock:
                project = state.project(self.world.record()["rekognition_project_arn"], "eu-west-1")
                (version,) = (v for v in project.versions.values() if v.name == name)
                version.since -= 1000
                version.advance(state.now(), state.settings)

    # ------------------------------------------------------------ episodes

    def deploy(self) -> Iterator[str]:
        """Run the DAG for a version by hand: all of it, to a failure, or to a crash without its teardown."""
        name = self.random.choice(NAMES)
        end = self.random.choice(["well", "well", "start fails", "test fails", "crash started", "crash moved"])
        yield from self.start(name)
        yield f"{name} starts, to end: {end}"
        if end == "start fails" and self.world.status(name) == "STARTING" and name != self.endpoint():
            arn = self.world.deployment().version(name).arn
            self.world.set_status(arn, "FAILED")
            yield f"{name} fails"
            yield from self.check()
            self.world.set_status(arn, "STOPPED")  # as a person mends it
            return
        self.settle(name)
        yield f"{name} runs"
        if end == "crash started":
            return
        if not self.test(name, fails=end == "test fails"):
            yield f"{name} does not pass"
            yield from self.check()
            return
        self.world.deployment().move_endpoint(name)
        yield f"{name} serves"
        if end != "crash moved":
            yield from self.check()

    def start(self, name: str) -> Iterator[str]:
        """Start a version, as soon as there is room for it."""
        for _ in range(4):
            try:
                self.world.deployment().start_version(name)
                return
            except RunningLimitError:
                yield f"{name} has to wait"
                self.settle()
        raise AssertionError("there was never room")

    def test(self, name: str, *, fails: bool) -> bool:
        if fails:
            self.world.fault("rekognition", "DetectCustomLabels", code="ResourceNotReadyException")
        try:
            self.world.deployment().smoke_test(name)
        except SmokeTestFailedError:
            assert fails, [*self.told, f"{name} was stopped while it was being deployed"]
            return False
        finally:
            self.world.heal()
        return True

    def check(self) -> Iterator[str]:
        """Do what ends each training run, whatever came before."""
        for _ in range(4):
            if not self.world.serving().stop_unused():
                break
            yield "a version cannot stop yet"
            self.settle()
        self.settle()
        asleep = self.world.state().stopped_because is not None
        assert self.billed() == ([] if asleep else [self.endpoint()]), "after a run one is paid, and it serves"
        yield "checked"

    def start_by_a_person(self) -> Iterator[str]:
        name = self.random.choice(NAMES)
        if len(self.billed()) < 2 and self.world.status(name) == "STOPPED" and name != self.endpoint():
            arn = self.world.deployment().version(name).arn
            self.world.client("rekognition").start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)
        yield f"a person starts {name} in AWS"

    def stop_by_a_person(self) -> Iterator[str]:
        if self.world.status(self.endpoint()) == "RUNNING":
            self.world.serving().stop_by_hand(asked_by="alice")
            yield "a person stops what serves"
            self.settle()
            yield from self.start_by_hand()

    def start_by_hand(self) -> Iterator[str]:
        name = self.endpoint()
        yield from self.start(name)
        self.settle()
        self.world.deployment().move_endpoint(name)
        yield f"{name} was started by hand"
        yield from self.check()

    def sleep(self) -> Iterator[str]:
        long_ago = (datetime.now(UTC) - timedelta(hours=5)).isoformat()
        self.world.set_state(endpoint_moved_at=long_ago, endpoint_started_at=long_ago)
        self.detect()
        yield "a night without uploads"

    def upload(self) -> Iterator[str]:
        self.world.upload(f"{self.random.random()}.png", TRAINING_DIGITS[0].body)
        for _ in range(6):
            self.detect()
            yield "an upload comes"
            self.settle()
            if not self.world.waiting():
                return
        asleep = self.world.state().stopped_because
        assert asleep == "by hand", "an upload is detected, unless a person stopped the model"

    # ------------------------------------------------------------ the rest

    def detect(self) -> None:
        """Run the DAG of detection once."""
        self.world.run_detection()

    def episodes(self) -> Iterator[str]:
        for _ in range(EPISODES):
            kind = self.random.choice(
                [self.deploy, self.deploy, self.check, self.start_by_a_person, self.stop_by_a_person, self.sleep]
            )
            yield from kind()
            yield from self.random.choice([self.upload, lambda: iter(())])()
        yield from self.check()

    def verify(self, step: str) -> None:
        """Assert what holds after each step, and let detection look in between."""
        self.told.append(step)
        billed = self.billed()
        assert len(billed) <= 2, self.told
        if self.world.state().stopped_because is None:
            assert self.world.status(self.endpoint()) == "RUNNING", self.told
        if self.random.random() < 0.3:
            self.detect()
            assert len(self.billed()) <= 2, [*self.told, "detection looks"]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_never_more_than_two_are_paid_and_one_always_serves(
    world: World, model: Model, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("start_seconds", "stop_seconds"):
        monkeypatch.setitem(vars(world.aws.settings), name, 600.0)  # as good as for ever, until it is let settle
    world.label(TRAINING_DIGITS[:1])
    for name in NAMES[1:]:
        world.add_version(model, name, "STOPPED")
    world.set_variable("Idle-Model-Stop-Minutes", "60")
    world.set_variable("Enable-Automatic-Training", ["true", "false"][seed % 2])
    story = Story(world, seed)
    for step in story.episodes():
        story.verify(step)
    assert any("serves" in step for step in story.told)
    assert world.dead_letters() == []
