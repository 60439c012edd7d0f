"""What a detection means."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.testing.settings import DEFAULTS

from label_loop.domain.detections import UNDETECTABLE, failed, to_log_row
from label_loop.domain.log_row import LogRow
from label_loop.domain.moments import timestamp
from label_loop.payloads import S3Upload

UPLOAD = S3Upload("b", "images_for_detection/a b+ü%.png", "e1", version_id="v1")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def detect(labels, **settings):
    return to_log_row(
        UPLOAD, labels, settings=replace(DEFAULTS, **settings), project_version_arn="arn:v", detected_at=NOW
    )


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
        # A version that has learned images that no label fits.
        ([label("None of the Above", 93.0), label("cat", 7.0)], 70.0, True, ("", 93.0, True, False)),
        ([label("None of the Above", 60.0), label("cat", 40.0)], 70.0, True, ("", 60.0, False, True)),
        ([label("dog", 20.0), label("cat", 90.0)], 70.0, True, ("cat", 90.0, True, False)),
        ([label("cat", 90.0), label("dog", 20.0)], 70.0, True, ("cat", 90.0, True, False)),
        ([{**label("cat", 90.0), "Geometry": {}}], 70.0, True, ("cat", 90.0, True, False)),
    ],
)
def test_decide(labels, minimum, workflow, expected):
    detection = detect(labels, minimum_label_detection_confidence_percent=minimum, enable_a2i_workflow=workflow)
    found = (detection.detected_label, detection.confidence_percent, detection.accepted, detection.needs_review)
    assert found == expected
    assert isinstance(detection.confidence_percent, float)


def test_a_decision_keeps_what_it_was_made_by():
    detection = detect([label("cat", 80.0)], minimum_label_detection_confidence_percent=75.0)
    assert detection == LogRow(
        detection_id=UPLOAD.detection_id,
        detected_at="2026-11-23T09:00:00.000000+00:00",
        bucket="b",
        key="images_for_detection/a b+ü%.png",
        etag="e1",
        version_id="v1",
        project_version_arn="arn:v",
        detected_label="cat",
        confidence_percent=80.0,
        minimum_confidence_percent=75.0,
        workflow_enabled=True,
    )


@pytest.mark.parametrize("code", UNDETECTABLE)
def test_a_failed_detection_has_its_reason_and_goes_to_nobody(code):
    detection = failed(detect([]), code, UNDETECTABLE[code])
    assert detection.failure == f"{code}: {UNDETECTABLE[code]}"
    assert not detection.accepted
    assert not detection.needs_review


@pytest.mark.parametrize(
    "code",
    [
        "InvalidImageFormatException",
        "ImageTooLargeException",
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
        "InvalidS3ObjectException",  # also if the role may read no object
    ],
)
def test_what_a_repetition_can_detect_is_not_given_up(code):
    assert code not in UNDETECTABLE


ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=ZONES)


@given(one=MOMENTS, two=MOMENTS)
def test_timestamps_sort_as_text_in_the_order_of_time(one, two):
    assert (timestamp(one) < timestamp(two)) == (one < two)
    assert len(timestamp(one)) == len(timestamp(two))
    assert datetime.fromisoformat(timestamp(one)) == one
