"""What the AWS sample gets wrong when it runs side by side, measured at the endpoint; it does not happen here."""

import itertools
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.integration.model import Model
from tests.integration.pictures import FRESH_DIGITS, TRAINING_DIGITS
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.domain import pacing
from label_loop.inbox.base import Delivery
from label_loop.payloads import LABELLED_FOLDER, UPLOADS_FOLDER
from label_loop.triggers.serving import ServingModelTrigger
from label_loop.variables import read_settings
from label_loop.workflows.detection import DetectionWorkflow
from local_aws.rekognition import detection as local_detection


def fail_to_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail when the package, or a client for it, sleeps; the endpoint's threads may."""
    sleep = time.sleep

    def watched(seconds: float) -> None:
        caller = sys._getframe(1).f_globals["__name__"]
        assert not caller.startswith(("label_loop", "botocore", "tenacity")), f"{caller} sleeps {seconds} s"
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", watched)


def log_rows(count: int, *, tied: bool = False) -> list[dict[str, Any]]:
    start = datetime(2026, 11, 23, 9, tzinfo=UTC)
    moments = (start + timedelta(seconds=0 if tied else n) for n in range(count))
    return [
        {
            "DetectLabelRequestId": f"{n:08x}-0000-0000-0000-000000000000",
            "DetectLabelDate": moment.isoformat(timespec="microseconds"),
            "S3Bucket": "b",
            "S3ObjectKey": f"images_for_detection/{n}.png",
            "S3ObjectEtag": "e",
            "ProjectVersionArn": "arn",
            "DetectedLabel": "1",
            "DetectedConfidenceLevel": Decimal("99.5"),
            "MinimumConfidenceLevel": Decimal(70),
            "A2IEnabled": True,
            "Sampled": "No",
        }
        for n, moment in enumerate(moments)
    ]


def test_a_hundred_uploads_at_once_on_one_unit_lose_none(
    bare: World, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "IMAGES_PER_SECOND_PER_UNIT", 50.0)  # both sides ten times as fast as in AWS
    bare.deploy(model, units=1, unit=50.0)
    keys = bare.upload_digits(100)
    summary = bare.detect()
    assert (summary.detected, summary.failed, summary.unfinished, summary.problems) == (100, 0, 0, [])
    assert sorted(row["S3ObjectKey"] for row in bare.rows()) == sorted(keys)
    assert len(bare.human_loops()) == summary.sent_to_review
    assert bare.waiting() == []
    assert bare.dead_letters() == []


@pytest.mark.parametrize("tied", [False, True], ids=["timestamps differ", "all timestamps tie"])
def test_twenty_samples_of_a_thousand_take_few_calls_and_no_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch, tied: bool
) -> None:
    world.set_variable("Human-Sampling-Interval", "50")
    world.set_state(sampling_since="2026-11-01T00:00:00.000000+00:00")
    rows = log_rows(1000, tied=tied)
    world.add_rows(rows)
    fail_to_sleep(monkeypatch)
    counts = world.calls(world.sample)
    numbers = {row["DetectLabelRequestId"]: number for number, row in enumerate(rows)}
    sampled = [numbers[row["DetectLabelRequestId"]] // 50 for row in world.rows() if row["Sampled"] == "Yes"]
    assert sorted(sampled) == list(range(20))
    assert len(world.human_loops()) == 20
    assert sum(counts.values()) <= 45, counts


def test_a_training_check_costs_the_same_beside_ten_thousand_uploads(world: World) -> None:
    world.label(TRAINING_DIGITS[:20])
    before = world.calls(lambda: world.training().check(forced=False))
    world.fill(UPLOADS_FOLDER, 10_000)
    after = world.calls(lambda: world.training().check(forced=False))
    assert after == before
    assert sum(after.values()) <= 10


def test_a_rejected_model_is_not_trained_again_by_later_checks(bare: World) -> None:
    bare.set_variable("Minimum-F1-Score", "1")
    bare.label(TRAINING_DIGITS[:40])
    bare.aws.calls.reset()
    assert bare.training().check(forced=False).action == "train"
    attempt = bare.training().prepare(resume=False, forced=False, run_id="first")
    assert attempt
    name = bare.training().create_version(attempt)
    eventually(lambda: bare.status(name) == "TRAINING_COMPLETED")
    assert not bare.evaluation().accepts(name)
    decisions = [bare.training().check(forced=False).action for _ in range(5)]
    assert decisions == ["none"] * 5
    assert bare.counts()["rekognition.CreateProjectVersion"] == 1


def test_a_check_beside_a_running_training_starts_no_second_one(bare: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bare.label(TRAINING_DIGITS[:20])
    decisions = [bare.training().check(forced=False).action for _ in range(2)]
    assert decisions == ["train", "train"]  # both looked before either began
    attempt = bare.training().prepare(resume=False, forced=False, run_id="first")
    assert attempt
    name = bare.training().create_version(attempt)
    assert bare.training().check(forced=False).action == "resume"
    assert bare.training().check(forced=True).action == "resume"
    resumed = bare.training().prepare(resume=True, forced=False, run_id="second")
    assert resumed == attempt
    assert bare.training().create_version(resumed) == name
    assert bare.version_names() == [name]


def test_a_check_holds_back_while_a_person_trains_a_version(world: World, model: Model) -> None:
    world.label(TRAINING_DIGITS[:20])
    world.add_version(model, "by-hand", "TRAINING_IN_PROGRESS", stays=True)
    assert world.training().check(forced=False).action == "none"
    assert world.training().check(forced=True).action == "none"


def assert_once(world: World) -> None:
    assert len(world.rows()) == 1
    assert len(world.human_loops()) == 1
    assert world.waiting() == []


def test_an_event_twice_in_one_batch_is_one_row_and_one_task(unsure: World) -> None:
    unsure.upload("a.png")
    unsure.send(unsure.waiting()[0].body)
    unsure.detect()
    assert_once(unsure)


def test_an_event_twice_in_one_message_is_one_row_and_one_task(unsure: World) -> None:
    unsure.upload("a.png")
    event = json.loads(unsure.waiting()[0].body)
    unsure._queue("uploads")._messages.clear()
    unsure.send(json.dumps({"Records": event["Records"] * 2}))
    unsure.detect()
    assert_once(unsure)


def test_an_event_again_in_a_later_batch_or_run_is_one_row_and_one_task(unsure: World) -> None:
    unsure.upload("a.png")
    body = unsure.waiting()[0].body
    state = unsure.detection()
    receive, rounds = state.inbox.receive, itertools.count(1)

    def receive_again(wait_seconds: int) -> Any:
        if next(rounds) == 2:
            unsure.send(body)
        return receive(wait_seconds)

    state.inbox.receive = receive_again  # type: ignore[method-assign]
    assert state.drain().repeated == 1
    unsure.come_again()  # the second message of a row that was being written is left until it is read back
    unsure.send(body)
    assert unsure.detect().repeated == 1
    assert_once(unsure)
    assert unsure.counts()["rekognition.DetectCustomLabels"] == 1


def test_an_event_that_two_runs_work_on_at_once_is_one_row_and_one_task(unsure: World) -> None:
    unsure.upload("a.png")
    first, second = unsure.detection(), unsure.detection()
    held = first.inbox.receive(1)
    unsure.come_again()
    also_held = second.inbox.receive(1)
    # Both have looked into the log before either writes.
    _let_work_in_between(first, second, also_held)
    first.drain(held)
    assert_once(unsure)


def _let_work_in_between(first: DetectionWorkflow, second: DetectionWorkflow, deliveries: list[Delivery]) -> None:
    """Let the second do its work right after the first has looked into the log."""
    look = first.context.clients.log.rows

    def look_and_wait(ids: Any) -> Any:
        found = look(ids)
        first.context.clients.log.rows = look  # type: ignore[method-assign]
        second.drain(deliveries)
        return found

    first.context.clients.log.rows = look_and_wait  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "name",
    [
        "with space.png",
        "a+b.png",
        "grün.png",
        "100%.png",
        "a%20b.png",
        "R&D.png",
        "日本 語.png",
        "x=1?y#z.png",
        "deep/er/a.png",
    ],
)
def test_any_key_is_detected_reviewed_and_copied(world: World, name: str) -> None:
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    key = world.upload(name)
    assert world.detect().sent_to_review == 1
    assert world.row()["S3ObjectKey"] == key
    assert world.human_loop()["input_content"]["taskObject"] == f"s3://{world.bucket}/{key}"
    world.answer("7")
    assert world.review().copied == 1
    assert world.row()["CopiedS3ObjectKey"] in world.keys(LABELLED_FOLDER)


def test_an_image_without_a_label_is_a_detection_that_goes_to_review(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_detection, "_labels", lambda *_: [])
    world.set_variable("Minimum-Label-Detection-Confidence", "0")
    world.upload("a.png")
    summary = world.detect()
    assert (summary.detected, summary.accepted, summary.sent_to_review) == (1, 0, 1)
    row = world.row()
    assert (row["DetectedLabel"], row["DetectedConfidenceLevel"]) == ("", 0)
    world.answer("7")
    assert world.review().copied == 1


def test_an_empty_answer_crashes_nothing(unsure: World) -> None:
    unsure.upload("a.png")
    unsure.detect()
    unsure.answer_with({})
    assert unsure.review().refused == 1
    assert "HumanLabel" not in unsure.row()


def test_uploads_before_the_first_model_wait_untouched_and_are_then_detected(bare: World, model: Model) -> None:
    keys = [bare.upload(f"{n}.png", FRESH_DIGITS[n].body) for n in range(2)]
    assert isinstance(bare.run_detection().trigger, ServingModelTrigger)
    assert [message.approximate_receive_count for message in bare.waiting()] == [0, 0]
    bare.deploy(model)
    assert bare.run_detection()["detected"] == 2
    assert sorted(row["S3ObjectKey"] for row in bare.rows()) == sorted(keys)


def test_a_deployed_model_that_does_not_run_yet_is_waited_for_as_well(world: World) -> None:
    world.set_status(world.state().endpoint_arn, "STOPPED")
    world.upload("a.png")
    assert isinstance(world.run_detection().trigger, ServingModelTrigger)
    assert [message.approximate_receive_count for message in world.waiting()] == [0]


@pytest.mark.parametrize("text", ["True", "TRUE", "yes", "1", " true "])
def test_a_boolean_as_people_write_it_is_understood(unsure: World, text: str) -> None:
    unsure.set_variable("Enable-A2I-Workflow", text)
    unsure.upload("a.png")
    assert unsure.detect().sent_to_review == 1


def test_a_number_with_a_comma_stops_no_detection(world: World) -> None:
    world.set_variable("Minimum-Label-Detection-Confidence", "70,0")
    assert read_settings(world.loop).minimum_label_detection_confidence_percent == 70.0
    world.upload("a.png")
    assert world.detect().detected == 1
    assert world.row()["MinimumConfidenceLevel"] == 70
