"""The daily report over a real endpoint: written once a day, announced once, and whole whatever is missing."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.integration.model import Model
from tests.integration.pictures import FRESH_DIGITS, TRAINING_DIGITS
from tests.integration.world import World

from label_loop.domain import statistics
from label_loop.domain.dataset_version import dataset_key
from label_loop.domain.evaluated_images import EvaluatedImage
from label_loop.domain.quality import NO_DETECTIONS, NO_MODEL, NO_STATE_TABLE, NO_STATISTICS
from label_loop.operators.quality import QualityReportOperator
from label_loop.payloads import LABELLED_FOLDER, LabelledImage, LabelMinimums
from label_loop.workflows.evaluation_snapshot import EvaluationSnapshots

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


def fill(world: World, days: int, *, changed: int = 0) -> None:
    """Put the statistics of days that end yesterday; on the last ``changed`` of them confidences are low."""
    items: list[dict[str, Any]] = []
    for ago in range(1, days + 1):
        day = (YESTERDAY - timedelta(days=ago - 1)).isoformat()
        counts = {"detections": 50, "accepted": 50, statistics.bucket_counter(3 if ago <= changed else 18): 50}
        items.append({"Month": day[:7], "DayAndVersion": f"{day}#v1", **counts})
    world.add_items("statistics_table", items)


def run(world: World) -> str:
    operator = QualityReportOperator(task_id="report", loop_path=world.loop.path, aws_conn_id=None)
    return operator.execute({})


def stored(world: World) -> dict[str, Any]:
    body = world.client("s3").get_object(Bucket=world.bucket, Key=f"quality/dt={YESTERDAY}/report.json")["Body"].read()
    found: dict[str, Any] = json.loads(body)
    return found


def told(world: World) -> list[dict[str, Any]]:
    return [one["body"] for one in world.told() if one["attributes"]["event"] == "quality"]


def test_drift_is_published_once_and_the_report_once_a_day(world: World, model: Model) -> None:
    world.deploy(model)
    fill(world, 40, changed=5)
    assert run(world) == YESTERDAY.isoformat()
    report = stored(world)
    assert report["version"] == "v1"
    assert [alarm["kind"] for alarm in report["alarms"]] == ["input"]
    drift, daily = told(world)
    assert drift["drift"] == "input"
    assert drift["message"].startswith("What v1 sees has changed since about")
    assert daily["report"] == f"s3://{world.bucket}/quality/dt={YESTERDAY}/report.json"
    run(world)
    assert stored(world) == report
    world.quality().report(YESTERDAY + timedelta(days=1))
    (daily,) = told(world)
    assert daily["day"] == (YESTERDAY + timedelta(days=1)).isoformat()
    assert "drift" not in daily


def test_a_report_that_was_not_written_is_written_and_published_by_the_next_try(world: World, model: Model) -> None:
    world.deploy(model)
    fill(world, 40, changed=5)
    for service, operation in (("s3", "PutObject"), ("dynamodb", "UpdateItem")):
        world.fault(service, operation, code="AccessDenied")
        with pytest.raises(ClientError):
            run(world)
        world.heal()
        assert told(world) == []
    run(world)
    assert len(told(world)) == 2


def test_it_takes_few_calls(world: World, model: Model) -> None:
    world.deploy(model)
    fill(world, 40)
    run(world)
    calls = world.calls(lambda: run(world))
    assert sum(calls.values()) <= 25, calls  # of which 13 are a year of statistics


def test_a_loop_without_a_model_is_reported_as_that(world: World) -> None:
    world.set_state(endpoint_arn=None)
    run(world)
    assert stored(world)["missing"] == [NO_MODEL]


@pytest.mark.parametrize("table", [None, "gone"])
def test_a_loop_without_statistics_is_reported_as_that(world: World, model: Model, table: str | None) -> None:
    world.deploy(model)
    world.set_record(statistics_table=table)
    run(world)
    assert stored(world)["missing"] == [NO_STATISTICS]


def test_a_loop_that_keeps_its_state_in_its_record_is_reported(world: World, model: Model) -> None:
    world.set_record(state_table=None)
    world.deploy(model)
    run(world)
    run(world)
    assert stored(world)["missing"] == [NO_DETECTIONS]
    assert len(told(world)) == 1


def test_a_report_before_that_is_gone_or_broken_does_no_harm(world: World, model: Model) -> None:
    world.deploy(model)
    fill(world, 40)
    world.set_state(quality_reported_on="2026-01-01")
    run(world)
    assert stored(world)["alarms"] == []
    world.put(f"quality/dt={YESTERDAY}/report.json", b"{")
    run(world)
    assert stored(world)["version"] == "v1"


# --- thresholds


def test_detection_accepts_a_label_from_the_confidence_on_that_reaches_the_target(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    truths = [LabelledImage(f"{n}", "7" if n >= 50 else "1", "") for n in range(300)]
    sevens = [EvaluatedImage(truth, "7", 70 + n / 10) for n, truth in enumerate(truths)]
    monkeypatch.setattr(EvaluationSnapshots, "images", lambda *_: iter(sevens))
    world.set_variable("Target-Precision", "0.95")
    run(world)
    (threshold,) = stored(world)["thresholds"]
    assert threshold["label"] == "7"
    assert 73 <= threshold["minimum_percent"] <= 75
    minimums = world.state().label_minimums
    assert minimums == LabelMinimums(world.state().endpoint_arn, {"7": threshold["minimum_percent"]})
    assert minimums_in_force(world) == {"7": threshold["minimum_percent"], "1": 70}
    world.set_variable("Minimum-Label-Detection-Confidence", "90")
    assert minimums_in_force(world) == {"7": 90, "1": 90}
    world.set_variable("Minimum-Label-Detection-Confidence", "70")
    world.set_variable("Target-Precision", "0")
    assert minimums_in_force(world) == {"7": 70, "1": 70}
    run(world)
    assert world.state().label_minimums is None


def test_another_version_has_no_thresholds_yet(world: World) -> None:
    world.set_variable("Target-Precision", "0.95")
    world.set_state(label_minimums=LabelMinimums("another", {"7": 99.0}))
    assert minimums_in_force(world) == {"7": 70, "1": 70}


def test_a_target_without_a_state_table_is_reported(world: World) -> None:
    world.set_record(state_table=None)
    world.set_state(endpoint_arn=world.context().store.state.endpoint_arn)
    world.set_variable("Target-Precision", "0.95")
    run(world)
    assert NO_STATE_TABLE in stored(world)["missing"]


def test_a_real_snapshot_is_read(world: World) -> None:
    world.set_variable("Target-Precision", "0.5")
    run(world)
    assert stored(world)["thresholds"] == []  # a dozen test images of a label show nothing
    assert world.state().label_minimums is not None


def minimums_in_force(world: World) -> dict[str, float]:
    """Return the minimum of the rows of a 7 and a 1 that are detected now."""
    before = {row["DetectLabelRequestId"] for row in world.rows()}
    for label in "71":
        world.upload(f"{len(before)}-{label}.png", next(one.body for one in FRESH_DIGITS if one.label == label))
    world.detect()
    rows = [row for row in world.rows() if row["DetectLabelRequestId"] not in before]
    return {row["DetectedLabel"]: float(row["MinimumConfidenceLevel"]) for row in rows}


# --- the test images


def test_old_test_images_are_reported_once_with_how_good_the_version_is_on_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ago = (datetime.now(UTC) - timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    held_out = [EvaluatedImage(LabelledImage(f"{LABELLED_FOLDER}7/{n}", "7", ago), "71"[n % 2], 90) for n in range(10)]
    monkeypatch.setattr(EvaluationSnapshots, "images", lambda *_: iter(held_out))
    run(world)
    (part,) = stored(world)["evaluated_set"]["parts"]
    assert (part["name"], part["images"], part["right"]) == ("test/held-out", 10, 5)
    assert 398 <= part["median_age_days"] <= 400
    warning, _ = told(world)
    assert warning["warning"] == "age of the test images"
    world.quality().report(YESTERDAY + timedelta(days=1))
    assert len(told(world)) == 1


def test_many_decisions_on_the_same_test_images_are_reported(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    new = EvaluatedImage(LabelledImage(f"{LABELLED_FOLDER}7/a", "7", datetime.now(UTC).isoformat()), "7", 90)
    monkeypatch.setattr(EvaluationSnapshots, "images", lambda *_: iter([new]))
    world.label(TRAINING_DIGITS[:60])
    attempt = world.training().prepare(resume=False, forced=True, run_id="r")
    assert attempt
    world.set_state(last_training_attempt=attempt)
    run(world)
    assert stored(world)["evaluated_set"]["decisions"] == 1
    told(world)
    body = world.client("s3").get_object(Bucket=world.bucket, Key=dataset_key(1))["Body"].read()
    text = gzip.decompress(body).replace(b'"tests":1', b'"tests":20')
    world.put(dataset_key(1), gzip.compress(text))
    world.quality().report(YESTERDAY + timedelta(days=1))
    assert told(world)[0]["warning"] == "decisions by the test images"
