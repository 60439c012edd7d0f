"""What a detection means, and its row in the inference log."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.detections import UNDETECTABLE, decide, failed, review_task, to_row
from label_loop.domain.moments import timestamp
from label_loop.parameters import FIELDS, PARAMETERS, Settings
from label_loop.payloads import Detection, ReviewTask, S3Upload

UPLOAD = S3Upload("b", "images_for_detection/a b+ü%.png", "e1", version_id="v1")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DEFAULTS = Settings(**{FIELDS[name]: parameter.parse(parameter.default) for name, parameter in PARAMETERS.items()})


def detect(labels, **settings):
    return decide(UPLOAD, labels, settings=replace(DEFAULTS, **settings), project_version_arn="arn:v", detected_at=NOW)


def label(name, confidence):
    return {"Name": name, "Confidence": confidence}


@pytest.mark.parametrize(
    ("labels", "minimum", "workflow", "expected"),
    [
        # labels found,                           minimum, workflow, (label, confidence, accepted, needs review)
        ([label("cat", 99.5)], 70.0, True, ("cat", 99.5, True, False)),
        ([label("cat", 70.0)], 70.0, True, ("cat", 70.0, True, False)),
        ([label("cat", 69.99)], 70.0, True, ("cat", 69.99, False, True)),
        ([label("cat", 69.99)], 70.0, False, ("cat", 69.99, False, False)),
        ([], 70.0, True, ("", 0.0, False, True)),
        ([], 70.0, False, ("", 0.0, False, False)),
        ([], 0.0, True, ("", 0.0, False, True)),
        ([label("cat", 0.0)], 0.0, True, ("cat", 0.0, True, False)),
        ([label("cat", 100)], 100.0, True, ("cat", 100.0, True, False)),
        ([label("dog", 20.0), label("cat", 90.0)], 70.0, True, ("cat", 90.0, True, False)),
        ([label("cat", 90.0), label("dog", 20.0)], 70.0, True, ("cat", 90.0, True, False)),
        ([{**label("cat", 90.0), "Geometry": {}}], 70.0, True, ("cat", 90.0, True, False)),
    ],
)
def test_decide(labels, minimum, workflow, expected):
    detection = detect(labels, minimum_label_detection_confidence_percent=minimum, enable_a2i_workflow=workflow)
    found = (detection.label, detection.confidence_percent, detection.accepted, detection.needs_review)
    assert found == expected
    assert isinstance(detection.confidence_percent, float)


def test_a_decision_keeps_what_it_was_made_by():
    detection = detect([label("cat", 80.0)], minimum_label_detection_confidence_percent=75.0)
    assert detection == Detection(UPLOAD, NOW, "arn:v", "cat", 80.0, 75.0, True)
    assert detection.id == UPLOAD.detection_id


@pytest.mark.parametrize("code", UNDETECTABLE)
def test_a_failed_detection_has_its_reason_and_goes_to_nobody(code):
    detection = failed(detect([]), code)
    assert detection.failure.startswith(f"{code}: ")
    assert not detection.accepted
    assert not detection.needs_review


@pytest.mark.parametrize(
    "code",
    [
        "InvalidImageFormatException",
        "ImageTooLargeException",
        "InvalidS3ObjectException",
        "InvalidParameterException",
    ],
)
def test_what_no_repetition_can_detect_is_known(code):
    assert code in UNDETECTABLE


@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "ResourceNotReadyException",
        "ResourceNotFoundException",
        "AccessDeniedException",
        "InternalServerError",
        "LimitExceededException",
    ],
)
def test_what_a_repetition_can_detect_is_not_given_up(code):
    assert code not in UNDETECTABLE


def test_a_reviewer_is_asked_about_the_image_and_its_label():
    detection = detect([label("cat", 42.5)])
    assert review_task(detection) == ReviewTask(
        detection.id, "A2I Workflow", "s3://b/images_for_detection/a b+ü%.png", "cat", 42.5, "v1"
    )


def test_a_row_has_the_samples_attributes():
    detection = replace(detect([label("cat", 42.5)]), human_loop_name="label-loop-1", human_loop_request_id="r1")
    assert to_row(detection) == {
        "DetectLabelRequestId": UPLOAD.detection_id,
        "DetectLabelDate": "2026-11-23T09:00:00.000000+00:00",
        "S3Bucket": "b",
        "S3ObjectKey": "images_for_detection/a b+ü%.png",
        "S3ObjectEtag": "e1",
        "S3ObjectVersionId": "v1",
        "ProjectVersionArn": "arn:v",
        "DetectedLabel": "cat",
        "DetectedConfidenceLevel": Decimal("42.5"),
        "MinimumConfidenceLevel": Decimal("70.0"),
        "A2IEnabled": True,
        "Sampled": "No",
        "HumanLoopName": "label-loop-1",
        "HumanLoopRequestId": "r1",
    }


def test_a_row_has_no_attribute_without_a_value():
    row = to_row(replace(detect([]), upload=replace(UPLOAD, version_id=None)))
    assert row.keys().isdisjoint(
        {"S3ObjectVersionId", "HumanLoopName", "HumanLoopRequestId", "ReviewFailure", "Failure"}
    )
    assert (row["DetectedLabel"], row["DetectedConfidenceLevel"]) == ("", Decimal("0.0"))


def test_a_review_that_could_not_start_is_in_the_row():
    row = to_row(replace(detect([]), review_failure="A2I takes no tasks"))
    assert row["ReviewFailure"] == "A2I takes no tasks"
    assert row["Sampled"] == "No"


def test_a_failed_detection_is_in_no_sample():
    row = to_row(failed(detect([]), "InvalidImageFormatException"))
    assert "Sampled" not in row
    assert row["Failure"] == "InvalidImageFormatException: not a readable PNG or JPEG image"


@given(confidence=st.floats(0, 100), minimum=st.floats(0, 100))
def test_any_confidence_is_a_row_that_dynamodb_takes(confidence, minimum):
    row = to_row(replace(detect([label("cat", confidence)]), minimum_confidence_percent=minimum))
    for value in row.values():
        TypeSerializer().serialize(value)
    assert float(row["DetectedConfidenceLevel"]) == pytest.approx(confidence, abs=1e-4)
    assert float(row["MinimumConfidenceLevel"]) == pytest.approx(minimum, abs=1e-4)


ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=ZONES)


@given(one=MOMENTS, two=MOMENTS)
def test_timestamps_sort_as_text_in_the_order_of_time(one, two):
    assert (timestamp(one) < timestamp(two)) == (one < two)
    assert len(timestamp(one)) == len(timestamp(two))
    assert datetime.fromisoformat(timestamp(one)) == one
