"""Deploying a version by hand over a real endpoint: forward, back, stopped and started again, always blue-green."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.integration.model import Model
from tests.integration.pictures import FRESH_DIGITS, TRAINING_DIGITS
from tests.integration.site import events
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.domain.training import ACCEPTED, DEPLOYED
from label_loop.exceptions import (
    NoServingModelError,
    RunningLimitError,
    SmokeTestFailedError,
    VersionNotDeployableError,
)
from label_loop.payloads import LABELLED_FOLDER, MANIFESTS_FOLDER, TrainingAttempt
from label_loop.triggers.serving import ServingModelTrigger

ATTEMPT = TrainingAttempt("v1", f"{MANIFESTS_FOLDER}v1.manifest", 20, "f", "2026-11-23T09:00:00.000000+00:00")


@pytest.fixture
def labelled(world: World) -> World:
    """Give a loop with labelled images, whose model v1 serves."""
    world.label(TRAINING_DIGITS[:2])
    return world


@contextmanager
def always_served(world: World) -> Iterator[None]:
    """Fail where there is a moment in which the endpoint does not run."""
    gaps: list[str] = []
    ended = threading.Event()
    looks = 0

    def look() -> None:
        nonlocal looks
        while not ended.is_set():
            endpoint = world.state().endpoint_arn
            status = world.status(endpoint)
            if status != "RUNNING" and world.state().endpoint_arn == endpoint:
                gaps.append(f"{endpoint} is {status}")
            looks += 1
            time.sleep(0.005)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    assert looks > 5
    assert gaps == []


def deploy(world: World, name: str) -> None:
    """Do what the DAG does for a run with ``version``: each step with a state of its own."""
    assert world.deployment().decide(name, asked_by="alice").action == "deploy"
    world.deployment().start_version(name)
    eventually(lambda: world.status(name) == "RUNNING")
    world.deployment().smoke_test(name)
    world.deployment().move_endpoint(name)
    eventually(lambda: not world.serving().stop_unused())


def test_a_rollback_serves_without_a_gap_and_stops_what_served(labelled: World, model: Model) -> None:
    old = labelled.add_version(model, "v0", "STOPPED")
    new = labelled.state().endpoint_arn
    before = datetime.now(UTC)
    with always_served(labelled):
        deploy(labelled, "v0")
    assert labelled.state().endpoint_arn == old
    assert before < datetime.fromisoformat(labelled.state().endpoint_moved_at) < datetime.now(UTC)
    assert labelled.status(new) in {"STOPPING", "STOPPED"}
    texts = [one["body"]["message"] for one in events(labelled.told(), "model_status")]
    assert any("v0" in text and "requested by alice" in text for text in texts)
    assert not any("arn:" in text for text in texts)
    eventually(lambda: labelled.status(new) == "STOPPED")
    deploy(labelled, "v1")  # and forward again
    assert labelled.state().endpoint_arn == new


def test_more_inference_units_are_had_without_a_gap_in_the_way_that_is_told(labelled: World, model: Model) -> None:
    labelled.add_version(model, "v0", "STOPPED")
    labelled.set_variable("Minimum-Inference-Units", "3")
    decision = labelled.deployment().decide("v1", asked_by="alice")
    assert decision.action == "none"
    assert "deploy v0 (F1 1.000), then v1 again" in decision.reason
    with always_served(labelled):
        deploy(labelled, "v0")
        eventually(lambda: labelled.status("v1") == "STOPPED")
        deploy(labelled, "v1")
    assert labelled.deployment().version("v1").inference_units == 3
    assert labelled.deployment().decide("v1", asked_by="alice").reason == "it already serves"


def test_every_step_of_a_rollback_can_be_repeated(labelled: World, model: Model) -> None:
    labelled.add_version(model, "v0", "STOPPED")
    for _ in range(2):
        labelled.deployment().start_version("v0")
    eventually(lambda: labelled.status("v0") == "RUNNING")
    for _ in range(2):
        labelled.deployment().smoke_test("v0")
    labelled.deployment().move_endpoint("v0")
    moved_at = labelled.state().endpoint_moved_at
    labelled.deployment().move_endpoint("v0")
    assert labelled.state().endpoint_moved_at == moved_at


@pytest.mark.parametrize("outcome", [ACCEPTED, DEPLOYED, "rejected: F1 0.7, minimum 0.8"])
def test_the_next_check_does_not_undo_a_rollback_and_new_images_still_train(
    labelled: World, model: Model, outcome: str
) -> None:
    labelled.add_version(model, "v0", "STOPPED")
    labelled.set_state(last_training_attempt=replace(ATTEMPT, outcome=outcome))
    deploy(labelled, "v0")
    assert labelled.training().check(forced=False).action == "none"
    labelled.label(TRAINING_DIGITS[2:20])
    assert labelled.training().check(forced=False).action == "train"


def test_an_unknown_version_starts_nothing(labelled: World) -> None:
    with pytest.raises(VersionNotDeployableError, match=r"'v9' is not a version of this project.*newest first: v1"):
        labelled.deployment().decide("v9", asked_by="alice")
    assert labelled.version_names() == ["v1"]


def test_a_failed_smoke_test_leaves_the_old_one_serving_and_nothing_idle_running(labelled: World, model: Model) -> None:
    labelled.add_version(model, "v0", "STOPPED")
    before = labelled.state()
    labelled.deployment().start_version("v0")
    eventually(lambda: labelled.status("v0") == "RUNNING")
    labelled.fault("rekognition", "DetectCustomLabels", code="ResourceNotReadyException")
    with pytest.raises(SmokeTestFailedError, match="endpoint was not moved"):
        labelled.deployment().smoke_test("v0")
    labelled.heal()
    assert labelled.state().endpoint_arn == before.endpoint_arn
    assert labelled.serving().stop_unused() == []
    assert replace(labelled.state(), revision=0) == replace(before, revision=0)
    assert labelled.status("v0") in {"STOPPING", "STOPPED"}
    assert labelled.status(before.endpoint_arn) == "RUNNING"


def test_a_third_version_that_runs_idle_makes_room_first(labelled: World, model: Model) -> None:
    idle = labelled.add_version(model, "idle", "RUNNING")
    labelled.add_version(model, "v0", "STOPPED")
    labelled.fault("rekognition", "StartProjectVersion", code="LimitExceededException")
    with pytest.raises(RunningLimitError, match="v0 was not started"):
        labelled.deployment().start_version("v0")
    assert labelled.status(idle) in {"STOPPING", "STOPPED"}
    labelled.heal()
    labelled.deployment().start_version("v0")  # the task is tried again
    assert labelled.status("v0") in {"STARTING", "RUNNING"}
    assert labelled.status(labelled.state().endpoint_arn) == "RUNNING"


def test_a_third_version_that_cannot_stop_yet_is_waited_for(labelled: World, model: Model) -> None:
    """An account's limit may be higher than two: the bound is ours."""
    left = labelled.add_version(model, "left", "STARTING", stays=True)
    labelled.add_version(model, "v0", "STOPPED")
    with pytest.raises(RunningLimitError, match="at most 2 versions may be billed"):
        labelled.deployment().start_version("v0")
    assert labelled.status("v0") == "STOPPED"
    labelled.set_status(left, "RUNNING")
    labelled.deployment().start_version("v0")
    assert labelled.status("left") in {"STOPPING", "STOPPED"}


@pytest.mark.parametrize(
    ("maximum", "most", "told"),
    [
        ("0", None, "starting with 2 inference unit(s)"),
        ("2", None, "starting with 2 inference unit(s)"),
        ("4", 4, "starting with 2 to 4 inference units"),
        ("1", None, "Maximum-Inference-Units (1) is below Minimum-Inference-Units (2), so autoscaling is off"),
    ],
)
def test_a_model_is_started_with_the_units_that_both_parameters_ask_for(
    labelled: World, model: Model, maximum: str, most: int | None, told: str
) -> None:
    labelled.add_version(model, "v0", "STOPPED")
    labelled.set_variable("Minimum-Inference-Units", "2")
    labelled.set_variable("Maximum-Inference-Units", maximum)
    labelled.deployment().start_version("v0")
    version = labelled.deployment().version("v0")
    assert (version.inference_units, version.maximum_inference_units) == (2, most)
    assert any(told in one["body"]["message"] for one in events(labelled.told(), "model_status"))


# --- the image of the smoke test


def detected(world: World, name: str) -> str:
    """Return the key of the image that a smoke test detects."""
    world.aws.calls.reset()
    state = world.deployment()
    seen: list[str] = []
    detect = state.context.clients.rekognition.detect
    state.context.clients.rekognition.detect = lambda arn, upload: seen.append(upload.key) or detect(arn, upload)  # type: ignore[method-assign]
    state.smoke_test(name)
    return seen[-1]  # those before are gone


def test_a_version_is_tested_on_an_image_that_it_knows(world: World) -> None:
    world.label(TRAINING_DIGITS[:12])
    pictures = sorted(f"{LABELLED_FOLDER}{p.label}/{p.name}" for p in TRAINING_DIGITS[:12])
    images = {image.key: image for image in world.training().training_set.listed(LABELLED_FOLDER).images}
    last = f"{MANIFESTS_FOLDER}last.manifest"
    world.training().training_set.write(f"{MANIFESTS_FOLDER}v1.manifest", [images[key] for key in pictures[2:6]])
    world.training().training_set.write(last, [images[key] for key in pictures[6:9]])
    world.set_state(last_training_attempt=replace(ATTEMPT, version_name="last", manifest_key=last))

    def delete(keys: list[str]) -> None:
        for key in keys:
            world.client("s3").delete_object(Bucket=world.bucket, Key=key)

    assert detected(world, "v1") == pictures[2]
    delete(pictures[2:3])  # an image of an old manifest may be gone
    assert detected(world, "v1") == pictures[3]
    delete([f"{MANIFESTS_FOLDER}v1.manifest"])
    assert detected(world, "v1") == pictures[6]
    delete([last])
    assert detected(world, "v1") == pictures[0]
    delete(pictures)
    with pytest.raises(SmokeTestFailedError, match="Add an image there"):
        world.deployment().smoke_test("v1")


def test_images_that_cannot_be_read_do_not_keep_a_version_from_serving(world: World) -> None:
    for number in range(19):
        world.put(f"{LABELLED_FOLDER}0/{number:02}.png", b"no image")
    world.put(f"{LABELLED_FOLDER}0/19.png", TRAINING_DIGITS[0].body)
    world.deployment().smoke_test("v1")


def test_a_version_is_not_tested_on_images_without_end(world: World) -> None:
    for number in range(21):
        world.put(f"{LABELLED_FOLDER}0/{number:02}.png", b"no image")
    world.aws.calls.reset()
    with pytest.raises(SmokeTestFailedError, match=r"no readable image.*; 20 not a readable PNG or JPEG image"):
        world.deployment().smoke_test("v1")
    assert world.counts()["rekognition.DetectCustomLabels"] == 20


# --- stopping what serves


def test_uploads_wait_for_a_stopped_model_and_are_detected_once_it_is_started_again(labelled: World) -> None:
    endpoint = labelled.state().endpoint_arn
    assert labelled.serving().stop_by_hand(asked_by="alice") == "v1"
    assert any("stopped by alice" in one["body"]["message"] for one in events(labelled.told(), "model_status"))
    assert labelled.state().endpoint_arn == endpoint
    labelled.upload("a.png", FRESH_DIGITS[0].body)
    for _ in range(7):  # more often than a message may be received
        assert isinstance(labelled.run_detection().trigger, ServingModelTrigger)
    assert labelled.dead_letters() == []
    eventually(lambda: labelled.status("v1") == "STOPPED")
    deploy(labelled, "v1")
    assert labelled.state().endpoint_moved_at is None
    assert labelled.run_detection()["detected"] == 1
    assert labelled.waiting() == []


def test_an_upload_that_comes_while_the_model_stops_is_not_lost(labelled: World) -> None:
    context: Any = labelled.context()
    state = labelled.detection(context)
    labelled.upload("a.png", FRESH_DIGITS[0].body)
    labelled.serving().stop_by_hand(asked_by="alice")
    with pytest.raises(Exception, match="failed and will be retried"):
        state.drain()
    assert len(labelled.waiting()) == 1
    assert labelled.dead_letters() == []


@pytest.mark.parametrize("status", ["STARTING", "STOPPING", "STOPPED", "FAILED"])
def test_only_what_runs_is_stopped(world: World, status: str) -> None:
    world.set_status(world.state().endpoint_arn, status, stays=True)
    with pytest.raises(NoServingModelError, match="v1 is"):
        world.serving().stop_by_hand(asked_by="alice")


def test_there_may_be_nothing_to_stop(bare: World) -> None:
    with pytest.raises(NoServingModelError, match="no deployed model"):
        bare.serving().stop_by_hand(asked_by="alice")
