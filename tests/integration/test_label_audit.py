"""The audit of labels over a real endpoint: what a version says of images it does not know, once, and uploads first."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.site import events
from tests.integration.world import World

from label_loop.domain import pacing
from label_loop.domain.evaluated_images import EvaluatedImage
from label_loop.domain.label_audit import LabelAudit
from label_loop.domain.log_row import LogRow
from label_loop.domain.moments import timestamp
from label_loop.model_project import manifest_key
from label_loop.operators.training import AuditLabelsOperator
from label_loop.payloads import AUDIT_KEY, LABELLED_FOLDER, LabelledImage
from label_loop.workflows import label_audit
from label_loop.workflows.evaluation_snapshot import EvaluationSnapshots
from label_loop.workflows.label_audit import LabelAuditWorkflow
from label_loop.workflows.training_set import TrainingSet
from sample_images.digits import Picture

IMAGES = FRESH_DIGITS[:60]
WRONG = {picture.name for picture in IMAGES[::12]}
DETECT = "rekognition.DetectCustomLabels"


def shown_label(picture: Picture) -> str:
    """Return the label under which a picture is filed: every twelfth is wrong."""
    return str((int(picture.label) + 1) % 10) if picture.name in WRONG else picture.label


@pytest.fixture
def labelled(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Give a loop with labelled images that its serving version does not know, of which some labels are wrong."""
    for picture in IMAGES:
        world.put(f"{LABELLED_FOLDER}{shown_label(picture)}/{picture.name}", picture.body)
    trained_with(world, [LabelledImage("x", "1", "", "e", "0" * 64)])
    monkeypatch.setattr(pacing, "IMAGES_PER_SECOND_PER_UNIT", 1000.0)
    return world


def trained_with(world: World, images: Sequence[LabelledImage]) -> None:
    """Say with which images the serving version was trained."""
    TrainingSet(world.context()).write(manifest_key("v1"), images)


def prepared(world: World) -> str:
    attempt = world.training().prepare(resume=False, forced=True, run_id="a")
    assert attempt
    return attempt.version_name


def audit(world: World, name: str) -> LabelAudit:
    found = LabelAuditWorkflow(world.context()).audit(name)
    assert found
    assert found == LabelAudit.from_json(stored(world))
    return found


def stored(world: World) -> bytes:
    body: bytes = world.client("s3").get_object(Bucket=world.bucket, Key=AUDIT_KEY)["Body"].read()
    return body


def names(found: LabelAudit) -> set[str]:
    return {one.key.rpartition("/")[2] for one in found.suspects}


def of_manifest(world: World, name: str) -> list[LabelledImage]:
    return list(LabelAuditWorkflow(world.context())._images(name))


def logged(world: World, images: Sequence[LabelledImage], version: str, guess: str = "", **changes: Any) -> None:
    """Log the detections of which images are copies, made an hour ago; by default right ones."""
    then = timestamp(datetime.now(UTC) - timedelta(hours=1))
    rows = [
        LogRow(
            detection_id=f"d-{image.key}",
            detected_at=then,
            bucket=world.bucket,
            key=f"images_for_detection/{n}.png",
            etag="e",
            project_version_arn=version,
            detected_label=guess or image.label,
            confidence_percent=60.0,
            minimum_confidence_percent=70.0,
            human_label=image.label,
            copied_key=image.key,
        )
        for n, image in enumerate(images)
    ]
    world.add_rows([replace(row, **changes).to_item() for row in rows])


def test_the_serving_version_contradicts_wrong_labels_of_images_that_it_does_not_know(labelled: World) -> None:
    name = prepared(labelled)
    images = of_manifest(labelled, name)
    labelled.told()
    labelled.aws.calls.reset()
    found = audit(labelled, name)
    assert labelled.counts()[DETECT] == len(images) == found.audited
    assert found.unaudited == 0
    assert len(names(found) & WRONG) >= 3
    assert len(names(found) - WRONG) <= 2
    truth = {picture.name: picture.label for picture in IMAGES}
    likely = {one.key.rpartition("/")[2]: one.likely_label for one in found.suspects}
    assert all(likely[name] == truth[name] for name in names(found) & WRONG)
    (told,) = events(labelled.told(), "quality")
    assert told["body"]["suspects"] == len(found.suspects)
    assert told["body"]["images"][0] == found.suspects[0].key
    assert told["body"]["message"].startswith(f"{len(found.suspects)} of {found.audited} audited labels of {name}")
    again = audit(labelled, name)
    assert replace(again, at=found.at) == found
    assert events(labelled.told(), "quality") == []


def test_images_that_it_trained_with_are_unaudited_and_earlier_suspects_stay_until_they_are_moved(
    labelled: World,
) -> None:
    name = prepared(labelled)
    before = audit(labelled, name)
    images = of_manifest(labelled, name)
    trained_with(labelled, images)
    labelled.aws.calls.reset()
    found = audit(labelled, name)
    assert labelled.counts().get(DETECT, 0) == 0
    assert found.suspects == before.suspects
    assert (found.audited, found.unaudited) == (len(found.suspects), len(images) - len(found.suspects))
    moved, *others = before.suspects
    body = labelled.client("s3").get_object(Bucket=labelled.bucket, Key=moved.key)["Body"].read()
    labelled.client("s3").delete_object(Bucket=labelled.bucket, Key=moved.key)
    labelled.put(f"{LABELLED_FOLDER}{moved.likely_label}/{moved.key.rpartition('/')[2]}", body)
    assert audit(labelled, prepared(labelled)).suspects == tuple(others)


def test_what_was_logged_of_an_upload_counts_where_it_was_detected_before_it_was_labelled(labelled: World) -> None:
    name = prepared(labelled)
    images = of_manifest(labelled, name)
    trained_with(labelled, images)
    *right, wrong, later = images
    logged(labelled, right, "arn/v0/1")
    logged(labelled, [wrong], "arn/v0/1", "7" if wrong.label != "7" else "1", confidence_percent=95.0)
    logged(labelled, [later], "arn/v0/1", "7", detected_at="2100-01-01T00:00:00.000000+00:00")
    found = audit(labelled, name)
    (suspect,) = found.suspects
    assert (suspect.key, suspect.detection_id) == (wrong.key, f"d-{wrong.key}")
    assert (found.audited, found.unaudited) == (len(images) - 1, 1)


def test_what_the_serving_version_logged_itself_is_not_asked_again(labelled: World) -> None:
    name = prepared(labelled)
    images = of_manifest(labelled, name)
    logged(labelled, images[:10], str(labelled.state().endpoint_arn))
    logged(labelled, images[10:20], "arn/v0/1")
    labelled.aws.calls.reset()
    assert audit(labelled, name).audited == len(images)
    assert labelled.counts()[DETECT] == len(images) - 10


def test_what_it_said_of_its_own_test_images_counts(labelled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    name = prepared(labelled)
    images = of_manifest(labelled, name)
    wrong = images[0]
    guess = "7" if wrong.label != "7" else "1"

    def said(*_: Any) -> Iterator[EvaluatedImage]:
        yield from (EvaluatedImage(one, guess if one is wrong else one.label, 90.0) for one in images)

    monkeypatch.setattr(EvaluationSnapshots, "images", said)
    labelled.aws.calls.reset()
    assert [one.key for one in audit(labelled, name).suspects] == [wrong.key]
    assert labelled.counts().get(DETECT, 0) == 0


def test_uploads_come_first(labelled: World) -> None:
    name = prepared(labelled)
    labelled.upload("waits.png")
    found = audit(labelled, name)
    assert (found.audited, found.suspects) == (0, ())
    labelled.detect()
    assert audit(labelled, name).audited > 0


def test_as_many_are_asked_as_is_allowed_and_there_is_time_for(
    labelled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = prepared(labelled)
    monkeypatch.setattr(label_audit, "MOST_ASKED", 15)
    found = audit(labelled, name)
    assert found.audited == 15
    monkeypatch.setattr(label_audit, "MOST_SECONDS", -1.0)
    labelled.client("s3").delete_object(Bucket=labelled.bucket, Key=AUDIT_KEY)
    assert audit(labelled, name).audited == 0


@pytest.mark.parametrize("code", ["InvalidS3ObjectException", "ImageTooLargeException", "ResourceNotReadyException"])
def test_an_image_that_cannot_be_asked_about_is_unaudited(labelled: World, code: str) -> None:
    name = prepared(labelled)
    labelled.fault("rekognition", "DetectCustomLabels", code=code)
    assert audit(labelled, name).audited == 0


@pytest.mark.parametrize(
    ("service", "operation"), [("rekognition", "DetectCustomLabels"), ("s3", "PutObject"), ("dynamodb", "Query")]
)
def test_no_failure_of_the_audit_fails_a_training(labelled: World, service: str, operation: str) -> None:
    name = prepared(labelled)
    operator = AuditLabelsOperator(task_id="audit", loop_path=labelled.loop.path, aws_conn_id=None, version_name=name)
    labelled.fault(service, operation, code="AccessDenied")
    with pytest.raises(AirflowSkipException, match="AccessDenied"):
        operator.execute({})
    labelled.heal()
    assert operator.execute({}) > 0


def test_nothing_is_audited_while_no_other_version_serves(labelled: World) -> None:
    name = prepared(labelled)
    assert LabelAuditWorkflow(labelled.context()).audit("v1") is None
    labelled.set_state(endpoint_arn=None)
    assert LabelAuditWorkflow(labelled.context()).audit(name) is None


def test_without_the_manifest_of_the_serving_version_its_age_tells_what_it_knows(labelled: World) -> None:
    labelled.client("s3").delete_object(Bucket=labelled.bucket, Key=manifest_key("v1"))
    old, new = (f"{LABELLED_FOLDER}{shown_label(one)}/{one.name}" for one in IMAGES[:2])
    for picture in IMAGES:
        labelled.date(f"{LABELLED_FOLDER}{shown_label(picture)}/{picture.name}", datetime(2020, 1, 1, tzinfo=UTC))
    labelled.date(new, datetime.now(UTC) + timedelta(minutes=5))
    name = prepared(labelled)
    assert old in {image.key for image in of_manifest(labelled, name)}
    labelled.aws.calls.reset()
    assert audit(labelled, name).audited == 1
    assert labelled.counts()[DETECT] == 1


def test_the_report_of_the_day_says_what_was_found(labelled: World) -> None:
    found = audit(labelled, prepared(labelled))
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    report = labelled.quality().report(yesterday)
    assert report.label_audit == str(found)
    body = labelled.client("s3").get_object(Bucket=labelled.bucket, Key=f"quality/dt={yesterday}/report.json")["Body"]
    assert json.loads(body.read())["label_audit"] == str(found)
