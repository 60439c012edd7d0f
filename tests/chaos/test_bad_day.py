"""AWS having a bad day: what fails comes again or is given up with its reason, and is done once when AWS is well."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.retries.standard import ExponentialBackoff
from tests.integration import conftest
from tests.integration.world import FRESH_DIGITS, TRAINING_DIGITS, Model, SharedSession, World
from tests.waiting import eventually

from label_loop.exceptions import UnfinishedWorkError
from label_loop.hooks.retries import PATIENT
from label_loop.operators.inbox import HumanReviewApplyAnswersOperator, RekognitionDetectUploadsOperator
from label_loop.payloads import LABELLED_FOLDER
from label_loop.provisioning.dead_letters import dead_letters, send_again
from label_loop.provisioning.site import Options, Site
from label_loop.states.context import LoopContext
from label_loop.states.detection import DetectionState
from label_loop.states.inbox import QueueInbox
from local_aws.rekognition.training import Outcome, Trainer

WHOLE = os.environ.get("CHAOS") == "whole"
SEEDS = range(10 if WHOLE else 1)
UPLOADS = 30 if WHOLE else 6
ENDPOINT = "rekognition_project_version_arn"
# What a task fails with, after which Airflow tries it again.
FAILED = (ClientError, BotoCoreError, UnfinishedWorkError)
HASTY = PATIENT.merge(Config(read_timeout=3))
LASTING = {"code": "InternalServerError", "status": 500}
REAL_DELAY = ExponentialBackoff.delay_amount  # the tests' surroundings let retries cost no time


@pytest.fixture
def fresh_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give clients with all their tokens: each retry takes some, and tests share clients otherwise."""
    monkeypatch.setattr(conftest, "_CLIENTS", {})


def work_on(world: World, purpose: str, work: Callable[[], Any], rounds: int) -> None:
    """Run a task again and again, as Airflow does, until its queue is empty or it was tried often enough."""
    for _ in range(rounds):
        with suppress(*FAILED):
            work()
        with suppress(*FAILED):  # the look at the queue's name may fail as well
            if not world.come_again(purpose):
                return


def send_dead_letters_again(world: World) -> int:
    """Do what the command does; return how many there were."""
    site = Site(world.loop, Options(), SharedSession(world.aws.url), print)  # type: ignore[arg-type]
    return len(list(send_again(site, dead_letters(site))))


def assert_each_upload_once(world: World, keys: list[str]) -> None:
    rows = world.rows()
    assert sorted(row["S3ObjectKey"] for row in rows) == sorted(keys)
    tasks = [loop["input_content"]["detectLabelRequestId"] for loop in world.human_loops()]
    assert sorted(tasks) == sorted(row["DetectLabelRequestId"] for row in rows if "HumanLoopName" in row)
    assert world.waiting() == world.dead_letters() == []


@pytest.mark.usefixtures("fresh_clients")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["throttle", "error"])
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


def test_retries_back_off_with_jitter_and_have_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[list[float]] = []

    def noted(backoff: Any, context: Any) -> float:
        waits[-1].append(REAL_DELAY(backoff, context))
        return 0.0

    monkeypatch.setattr(ExponentialBackoff, "delay_amount", noted)
    world.fault("rekognition", "DescribeProjectVersions", **LASTING)
    for _ in range(4):
        waits.append([])
        world.aws.calls.reset()
        with pytest.raises(ClientError):
            world.context().serves()
        assert world.counts()["rekognition.DescribeProjectVersions"] == 8
    assert {len(some) for some in waits} == {7}
    assert all(0 <= wait <= min(2**n, 20) for some in waits for n, wait in enumerate(some))
    assert len({some[-1] for some in waits}) == 4  # clients that failed together do not come back together


def test_answers_that_come_too_late_are_not_done_twice(unsure: World) -> None:
    """A call that the client gives up is done by AWS all the same, after the one that repeats it."""
    world = unsure
    keys = world.upload_digits(4)
    for service, operation in (
        ("sagemaker-a2i-runtime", "StartHumanLoop"),
        ("dynamodb", "TransactWriteItems"),
        ("rekognition", "DetectCustomLabels"),
        ("sqs", "DeleteMessageBatch"),
    ):
        world.upload(f"{operation}.png", FRESH_DIGITS[9].body)
        keys.append(f"images_for_detection/{operation}.png")
        world.fault(service, operation, kind="latency", seconds=6, count=1)
        context = LoopContext(world.loop, aws_conn_id=None, config=HASTY)
        inbox = QueueInbox(context, context.record.require("uploads_queue_url"))
        world.aws.calls.reset()
        DetectionState(context, inbox).drain()
        assert world.counts()[f"{service}.{operation}"] >= 2, (operation, world.counts())
        assert world.aws.faults.describe() == []
    assert_each_upload_once(world, keys)


def test_expired_credentials_touch_no_message_and_work_goes_on_with_new_ones(unsure: World) -> None:
    world = unsure
    keys = world.upload_digits(3)
    for purpose, kind, work in (
        ("uploads", RekognitionDetectUploadsOperator, world.detect),
        ("answers", HumanReviewApplyAnswersOperator, world.review),
    ):
        if purpose == "answers":
            for loop in world.human_loops():
                world.answer("7", loop["name"])
        waiting = len(world.waiting(purpose))
        world.fault("*", "*", code="ExpiredTokenException")
        for _ in range(7):  # more often than a message may be received
            with pytest.raises(ClientError, match="ExpiredTokenException"):
                kind(task_id="t", loop_path=world.loop.path, aws_conn_id=None).execute({})
        world.heal()
        assert len(world.waiting(purpose)) == waiting >= 3
        work()
    assert_each_upload_once(world, keys)
    assert [row["HumanLabel"] for row in world.rows()] == ["7"] * 3


def test_a_table_that_throttles_for_long_asks_for_one_review_and_writes_one_row(unsure: World) -> None:
    world = unsure
    keys = world.upload_digits(3)
    for _ in range(3):
        world.fault("dynamodb", "*", kind="throttle")
        with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
            world.detect()
        world.fault("dynamodb", "TransactWriteItems", kind="throttle")
        world.come_again()
        with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
            world.detect()
        world.heal()
        if len(world.human_loops()) == 3:
            break
    work_on(world, "uploads", world.detect, rounds=3)
    assert_each_upload_once(world, keys)
    assert len(world.human_loops()) == 3


def test_work_goes_on_without_its_topic_and_the_log_tells_it(unsure: World, caplog: pytest.LogCaptureFixture) -> None:
    world = unsure
    world.set_record(**{"sns-topic": f"{world.record()['sns-topic']}-gone"})
    keys = world.upload_digits(2)
    with caplog.at_level(logging.WARNING):
        assert world.detect().sent_to_review == 2
        assert "events of" in caplog.text
        assert "could not be published" in caplog.text
    world.answer("7", world.human_loops()[0]["name"])
    assert world.review().answered == 1
    world.training().check(forced=False)
    world.deployment().stop_idle_versions()
    assert_each_upload_once(world, keys)


def test_what_failed_for_good_is_counted_and_one_command_sends_it_again(world: World) -> None:
    from label_loop.states.health import backlog

    keys = world.upload_digits(3)
    world.fault("rekognition", "DetectCustomLabels", code="AccessDeniedException")
    work_on(world, "uploads", world.detect, rounds=6)
    assert backlog(world.context()).dead_letters == 3
    assert world.rows() == []
    # Sent again before its cause is mended, it comes back, and is still not lost.
    assert send_dead_letters_again(world) == 3
    work_on(world, "uploads", world.detect, rounds=6)
    assert len(world.dead_letters()) == 3
    world.heal()
    assert send_dead_letters_again(world) == 3
    assert world.detect().detected == 3
    assert_each_upload_once(world, keys)
    assert backlog(world.context()).dead_letters == 0


def test_a_version_without_a_score_is_not_deployed(world: World, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    assert model.outcome
    unscored: Outcome = replace(model.outcome, f1_score=None)
    monkeypatch.setattr(Trainer, "run", lambda self: unscored)
    world.label(TRAINING_DIGITS[:20])
    old = world.record()[ENDPOINT]
    attempt = world.training().prepare(resume=False, forced=False, run_id="r")
    assert attempt
    name = world.training().create_version(attempt)
    eventually(lambda: world.status(name) == "TRAINING_COMPLETED")
    assert not world.training().passes_gate(name)
    assert world.training().check(forced=False).action == "none"
    assert (world.record()[ENDPOINT], world.status(old)) == (old, "RUNNING")


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
    assert until_it_succeeds(lambda: world.training().passes_gate(name))
    until_it_succeeds(lambda: world.deployment().start_version(name))
    eventually(lambda: world.status(name) == "RUNNING")
    until_it_succeeds(lambda: world.deployment().smoke_test(name))
    until_it_succeeds(lambda: world.deployment().move_endpoint(name))
    eventually(lambda: not until_it_succeeds(lambda: world.deployment().stop_idle_versions()))
    assert sorted(world.version_names()) == sorted(["v1", name])
    assert world.record()[ENDPOINT].split("/")[-2] == name
    eventually(lambda: world.status("v1") == "STOPPED")


def test_throttled_detection_slows_down(world: World) -> None:
    world.upload_digits(2)
    state = world.detection()
    assert state._pacer._pace == 1.0
    world.fault("rekognition", "DetectCustomLabels", kind="throttle", count=1)
    assert state.drain().detected == 2
    assert state._pacer._pace == 0.5


def test_the_pace_follows_the_units_that_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.set_variable("Minimum-Inference-Units", "5")  # not in force before the next start
    paced: list[float] = []
    drain = DetectionState.drain

    def noted(state: DetectionState, *deliveries: Any) -> Any:
        paced.append(state._pacer.interval_seconds)
        return drain(state, *deliveries)

    monkeypatch.setattr(DetectionState, "drain", noted)
    world.upload("a.png")
    RekognitionDetectUploadsOperator(task_id="t", loop_path=world.loop.path, aws_conn_id=None).execute({})
    assert paced[0] == pytest.approx(1 / 5, rel=0.1)
