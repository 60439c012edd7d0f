"""AWS having a bad day: what fails comes again or is given up with its reason, and is done once when AWS is well."""

import logging
import os
import time
from dataclasses import replace
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.retries.standard import ExponentialBackoff
from tests.chaos.rounds import assert_each_upload_once, send_dead_letters_again, work_on
from tests.integration.model import Model
from tests.integration.pictures import FRESH_DIGITS, TRAINING_DIGITS
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.context import LoopContext
from label_loop.hooks.retries import PATIENT
from label_loop.inbox.sources import uploads_inbox
from label_loop.model_project import ModelProject
from label_loop.workflows.detection import DetectionWorkflow
from local_aws.rekognition.training import Trainer, TrainingOutcome

WHOLE = os.environ.get("CHAOS") == "whole"
LATENCY_SECONDS = 30 if WHOLE else 0.1
ENDPOINT = "rekognition_project_version_arn"
HASTY = PATIENT.merge(Config(read_timeout=1.5))
LASTING = {"code": "InternalServerError", "status": 500}
REAL_DELAY = ExponentialBackoff.delay_amount  # the tests' surroundings let retries cost no time


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
            ModelProject(world.context()).is_serving()
        assert world.counts()["rekognition.DescribeProjectVersions"] == 8
    assert {len(some) for some in waits} == {7}
    assert all(0 <= wait <= min(2**n, 20) for some in waits for n, wait in enumerate(some))
    assert len({some[-1] for some in waits}) == 4  # clients that failed together do not come back together


@pytest.mark.slow
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
        world.fault(service, operation, kind="latency", seconds=3, count=1)
        context = LoopContext.of(world.loop, aws_conn_id=None, config=HASTY)
        inbox = uploads_inbox(context)
        world.aws.calls.reset()
        DetectionWorkflow(context, inbox).drain()
        assert world.counts()[f"{service}.{operation}"] >= 2, (operation, world.counts())
        assert world.aws.faults.describe() == []
    assert_each_upload_once(world, keys)


def test_where_every_call_takes_long_work_is_done_once(unsure: World) -> None:
    world = unsure
    keys = world.upload_digits(2)
    world.fault("*", "*", kind="latency", seconds=LATENCY_SECONDS)
    began = time.monotonic()
    assert world.detect().sent_to_review == 2
    world.heal()
    assert time.monotonic() - began > 6 * LATENCY_SECONDS  # one call waits for another
    for loop in world.human_loops():
        world.answer("7", loop["name"])
    world.fault("*", "*", kind="latency", seconds=LATENCY_SECONDS)
    assert world.review().answered == 2
    world.heal()
    assert_each_upload_once(world, keys)
    assert [row["HumanLabel"] for row in world.rows()] == ["7"] * 2
    assert world.waiting("answers") == world.dead_letters("answers") == []


def test_expired_credentials_touch_no_message_and_work_goes_on_with_new_ones(unsure: World) -> None:
    world = unsure
    keys = world.upload_digits(3)
    for purpose, run, work in (
        ("uploads", world.run_detection, world.detect),
        ("answers", world.run_review, world.review),
    ):
        if purpose == "answers":
            for loop in world.human_loops():
                world.answer("7", loop["name"])
        waiting = len(world.waiting(purpose))
        world.fault("*", "*", code="ExpiredTokenException")
        for _ in range(7):  # more often than a message may be received
            with pytest.raises(ClientError, match="ExpiredTokenException"):
                run()
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
        assert "Could not publish" in caplog.text
    world.answer("7", world.human_loops()[0]["name"])
    assert world.review().answered == 1
    world.training().check(forced=False)
    world.serving().stop_unused()
    assert_each_upload_once(world, keys)


def test_what_failed_for_good_is_counted_and_one_command_sends_it_again(world: World) -> None:
    from label_loop.console.health import backlog

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
    unscored: TrainingOutcome = replace(model.outcome, f1_score=None)
    monkeypatch.setattr(Trainer, "run", lambda self: unscored)
    world.label(TRAINING_DIGITS[:20])
    old = world.state().endpoint_arn
    attempt = world.training().prepare(resume=False, forced=False, run_id="r")
    assert attempt
    name = world.training().create_version(attempt)
    eventually(lambda: world.status(name) == "TRAINING_COMPLETED")
    assert not world.evaluation().accepts(name)
    assert world.training().check(forced=False).action == "none"
    assert (world.state().endpoint_arn, world.status(old)) == (old, "RUNNING")


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
    drain = DetectionWorkflow.drain

    def noted(state: DetectionWorkflow, *deliveries: Any) -> Any:
        paced.append(state._pacer.interval_seconds)
        return drain(state, *deliveries)

    monkeypatch.setattr(DetectionWorkflow, "drain", noted)
    world.upload("a.png")
    world.run_detection()
    assert paced[0] == pytest.approx(1 / 5, rel=0.1)
