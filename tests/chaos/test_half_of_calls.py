"""Half of all calls fail: nothing is lost, nothing is done twice, and all of it is done when AWS is well."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from tests.chaos.rounds import FAILED, assert_each_upload_once, send_dead_letters_again, work_on
from tests.integration import conftest
from tests.integration.model import Model
from tests.integration.pictures import TRAINING_DIGITS
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.payloads import LABELLED_FOLDER
from local_aws.rekognition.training import Trainer

WHOLE = os.environ.get("CHAOS") == "whole"
SEEDS = range(10 if WHOLE else 1)
UPLOADS = 30 if WHOLE else 6
ENDPOINT = "rekognition_project_version_arn"


@pytest.fixture
def fresh_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give clients with all their tokens: each retry takes some, and tests share clients otherwise."""
    monkeypatch.setattr(conftest, "_CLIENTS", {})


@pytest.mark.usefixtures("fresh_clients")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", [pytest.param("throttle", marks=pytest.mark.slow), "error"])
def test_where_half_of_all_calls_fail_nothing_is_lost_and_nothing_is_done_twice(
    unsure: World, kind: str, seed: int
) -> None:
    world = unsure
    world.aws.faults._random.seed(seed)
    keys = world.upload_digits(UPLOADS)
    half = {"kind": kind, "probability": 0.5}
    world.fault("*", "*", **half)
    work_on(world, "uploads", world.detect, rounds=8)
    world.heal()
    if world.dead_letters():
        send_dead_letters_again(world)
    work_on(world, "uploads", world.detect, rounds=3)
    assert_each_upload_once(world, keys)
    assert len(world.human_loops()) == UPLOADS

    for loop in world.human_loops():
        world.answer("7", loop["name"])
    world.fault("*", "*", **half)
    work_on(world, "answers", world.review, rounds=8)
    world.heal()
    if world.dead_letters("answers"):
        send_dead_letters_again(world)
    work_on(world, "answers", world.review, rounds=3)
    assert [row["HumanLabel"] for row in world.rows()] == ["7"] * UPLOADS
    assert len(world.keys(LABELLED_FOLDER)) == UPLOADS
    assert world.waiting("answers") == world.dead_letters("answers") == []


@pytest.mark.slow
@pytest.mark.usefixtures("fresh_clients")
def test_where_half_of_all_calls_fail_each_sample_is_asked_for_once(world: World) -> None:
    world.set_variable("Minimum-Label-Detection-Confidence", "0")
    world.set_variable("Human-Sampling-Interval", "3")
    world.upload_digits(9)
    world.detect()
    world.sample()  # from now on
    world.upload_digits(9)
    world.detect()
    for _ in range(8):
        world.fault("*", "*", kind="throttle", probability=0.5)
        with suppress(*FAILED):
            world.sample()
    world.heal()
    world.sample()
    sampled = [row["DetectLabelRequestId"] for row in world.rows() if row["Sampled"] == "Yes"]
    tasks = [loop["input_content"]["detectLabelRequestId"] for loop in world.human_loops()]
    assert sampled
    assert sorted(tasks) == sorted(sampled)


@pytest.mark.slow
@pytest.mark.usefixtures("fresh_clients")
def test_where_half_of_all_calls_fail_a_set_is_trained_once_and_its_version_serves(
    world: World, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "run", lambda self: model.outcome)
    world.label(TRAINING_DIGITS[:20])
    half = {"kind": "throttle", "probability": 0.5}

    def until_it_succeeds(step: Callable[[], Any]) -> Any:
        for _ in range(30):
            world.fault("*", "*", **half)
            try:
                return step()
            except FAILED:
                continue
            finally:
                world.heal()
        raise AssertionError("it never succeeded")

    attempt = until_it_succeeds(lambda: world.training().prepare(resume=False, forced=False, run_id="r"))
    name = until_it_succeeds(lambda: world.training().create_version(attempt))
    eventually(lambda: world.status(name) == "TRAINING_COMPLETED")
    assert until_it_succeeds(lambda: world.evaluation().accepts(name))
    until_it_succeeds(lambda: world.deployment().start_version(name))
    eventually(lambda: world.status(name) == "RUNNING")
    until_it_succeeds(lambda: world.deployment().smoke_test(name))
    until_it_succeeds(lambda: world.deployment().move_endpoint(name))
    eventually(lambda: not until_it_succeeds(lambda: world.serving().stop_unused()))
    assert sorted(world.version_names()) == sorted(["v1", name])
    assert world.state().endpoint_arn.split("/")[-2] == name
    eventually(lambda: world.status("v1") == "STOPPED")
