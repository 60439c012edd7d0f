"""A row of the inference log: what it decides, how it is rounded, and that any writer's item can be read."""

from dataclasses import replace
from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON, HOSTILE_TEXT

from label_loop.domain.log_row import Attribute, Copy, LoggedAnswer, LogRow, agrees, shown_percent
from label_loop.payloads import (
    LABELLED_FOLDER,
    NONE_FOLDER,
    NONE_OF_THE_ABOVE,
    SAMPLING_SOURCE,
    TEST_FOLDER,
    WORKFLOW_SOURCE,
    ReviewStarted,
    ReviewTask,
)

ROW = LogRow(
    detection_id="d1",
    detected_at="2026-11-23T09:00:00.000000+00:00",
    bucket="b",
    key="images_for_detection/a b+ü%.png",
    etag="e1",
    version_id="v1",
    project_version_arn="arn:v",
    detected_label="cat",
    confidence_percent=80.0,
    minimum_confidence_percent=70.0,
)
ITEM = {
    "DetectLabelRequestId": "d1",
    "DetectLabelDate": "2026-11-23T09:00:00.000000+00:00",
    "S3Bucket": "b",
    "S3ObjectKey": "images_for_detection/a b+ü%.png",
    "S3ObjectEtag": "e1",
    "S3ObjectVersionId": "v1",
    "ProjectVersionArn": "arn:v",
    "DetectedLabel": "cat",
    "DetectedConfidenceLevel": Decimal(80),
    "MinimumConfidenceLevel": Decimal(70),
    "A2IEnabled": True,
    "Sampled": "No",
}


# --- what it decides


@pytest.mark.parametrize(
    ("changes", "accepted", "needs_review"),
    [
        ({}, True, False),
        ({"confidence_percent": 70.0}, True, False),
        ({"confidence_percent": 69.9999}, False, True),
        ({"confidence_percent": 69.9999, "workflow_enabled": False}, False, False),
        ({"detected_label": "", "confidence_percent": 0.0}, False, True),
        ({"detected_label": "", "confidence_percent": 0.0, "minimum_confidence_percent": 0.0}, False, True),
        ({"minimum_confidence_percent": 0.0, "confidence_percent": 0.0}, True, False),
        ({"failure": "InvalidImageFormatException: not an image"}, False, False),
        ({"workflow_enabled": False}, True, False),
    ],
)
def test_acceptance_and_review(changes, accepted, needs_review):
    row = replace(ROW, **changes)
    assert (row.accepted, row.needs_review) == (accepted, needs_review)


UNSURE = {"confidence_percent": 10.0, "human_loop_name": "h1"}


@pytest.mark.parametrize(
    ("changes", "source"),
    [
        ({}, None),
        ({**UNSURE, "human_loop_name": None}, None),
        (UNSURE, WORKFLOW_SOURCE),
        ({**UNSURE, "is_sampled": True}, WORKFLOW_SOURCE),  # a sample of what is in review already asks nobody again
        ({"human_loop_name": "h1"}, SAMPLING_SOURCE),
        ({**UNSURE, "workflow_enabled": False}, SAMPLING_SOURCE),
        ({**UNSURE, "review_failure": "ReviewRefusedError"}, SAMPLING_SOURCE),
    ],
)
def test_the_row_tells_why_people_were_asked(changes, source):
    assert replace(ROW, **changes).review_source == source


@pytest.mark.parametrize(
    ("changes", "folder", "folder_of_samples"),
    [
        ({"human_label": "cat"}, LABELLED_FOLDER, LABELLED_FOLDER),
        ({}, None, None),
        ({"human_label": ""}, None, None),
        ({"human_label": NONE_OF_THE_ABOVE}, None, NONE_FOLDER),
        ({"human_label": "none of the above", "is_sampled": True}, None, None),
        ({"human_label": "cat", "copied_key": "copy", "is_sampled": True}, None, None),
        ({"human_label": "cat", "copy_failure": "gone"}, None, None),
        ({"human_label": "cat", "confidence_percent": 99.0, "is_sampled": True}, None, TEST_FOLDER),
        ({"human_label": "cat", "is_sampled": True}, LABELLED_FOLDER, TEST_FOLDER),  # an unsure one
    ],
)
def test_an_answered_image_is_copied_once_to_train_or_to_test(changes, folder, folder_of_samples):
    row = replace(ROW, **{**UNSURE, **changes})
    assert row.awaited_copy(files_samples=False, files_none=False) == folder
    assert row.awaited_copy(files_samples=True, files_none=True) == folder_of_samples


@pytest.mark.parametrize(
    ("detected", "human", "expected"),
    [
        ("cat", "cat", True),
        ("cat", "dog", False),
        ("cat", NONE_OF_THE_ABOVE, False),
        ("", NONE_OF_THE_ABOVE, True),
        ("", "cat", False),
        ("", "", False),
    ],
)
def test_a_person_agrees_with_a_label_or_that_there_is_none(detected, human, expected):
    assert replace(ROW, detected_label=detected).agrees_with(human) is expected
    assert agrees(detected, human) is expected


def test_a_reviewer_is_asked_about_the_image_and_its_label():
    task = ReviewTask("d1", "Human Sampling", "s3://b/images_for_detection/a b+ü%.png", "cat", 80.0, "v1")
    assert ROW.review_task("Human Sampling") == task
    assert replace(ROW, drawn_chance=0.3).review_task("Human Sampling") == replace(task, is_drawn=True)


# --- how it is rounded


@pytest.mark.parametrize(
    ("confidence", "minimum", "rounded", "accepted"),
    [
        (69.99994, 70.0, (69.9999, 70.0), False),
        (69.99996, 70.0, (69.9999, 70.0), False),
        (69.99999999999999, 70.0, (69.9999, 70.0), False),
        (70.0, 70.0, (70.0, 70.0), True),
        (70.00004, 70.0, (70.0, 70.0), True),
        (70.1, 70.1, (70.1, 70.1), True),
        (70.00002, 70.00004, (70.0, 70.0001), False),
        (99.99996, 99.99999, (99.9999, 100.0), False),
        (100.0, 99.99999, (100.0, 100.0), True),
    ],
)
def test_rounding_never_lifts_a_confidence_to_the_minimum(confidence, minimum, rounded, accepted):
    row = replace(ROW, confidence_percent=confidence, minimum_confidence_percent=minimum)
    assert (row.confidence_percent, row.minimum_confidence_percent) == rounded
    assert row.accepted is accepted


PERCENTS = st.floats(0, 100) | st.integers(0, 1_000_000).map(lambda n: n / 10_000)


@given(PERCENTS, PERCENTS)
def test_what_is_accepted_was_accepted_before_it_was_rounded(confidence, minimum):
    row = replace(ROW, confidence_percent=confidence, minimum_confidence_percent=minimum)
    assert not row.accepted or confidence >= minimum


@given(PERCENTS, st.integers(0, 1_000_000).map(lambda n: n / 10_000))
def test_with_a_minimum_of_four_decimals_rounding_changes_no_answer(confidence, minimum):
    row = replace(ROW, confidence_percent=confidence, minimum_confidence_percent=minimum)
    assert row.accepted == (confidence >= minimum)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_rounded_stays_as_it_is(number):
    once = replace(ROW, confidence_percent=number, minimum_confidence_percent=number)
    assert replace(once) == once


@pytest.mark.parametrize(("percent", "shown"), [(69.9999, 69.9), (70.0, 70.0), (0.0, 0.0), (100.0, 100.0), (8.2, 8.2)])
def test_people_see_one_decimal_that_is_never_above_the_number(percent, shown):
    assert shown_percent(percent) == shown


# --- as an item


def test_an_item_has_the_samples_attributes_and_none_without_a_value():
    assert ROW.to_item() == ITEM
    assert "S3ObjectVersionId" not in replace(ROW, version_id=None).to_item()


def test_a_failed_detection_is_in_no_sample():
    item = replace(ROW, failure="InvalidImageFormatException: no image").to_item()
    assert item["Sampled"] == "Failed"
    assert item["Failure"] == "InvalidImageFormatException: no image"


def test_the_names_of_the_changes_are_those_of_the_sample():
    changed = ROW.with_sample(ReviewStarted("h1", "r1"), 50).with_answer(LoggedAnswer("dog", "today"))
    changed = changed.with_copy(Copy("copy", "gone"))
    assert ROW.changes_to(changed) == {
        "Sampled": "Yes",
        "SampleWeight": 50,
        "HumanLoopName": "h1",
        "HumanLoopRequestId": "r1",
        "HumanLabel": "dog",
        "HumanLoopCompletionDate": "today",
        "CopiedS3ObjectKey": "copy",
        "CopyFailure": "gone",
    }
    assert ROW.changes_to(ROW) == {}


def test_a_review_that_had_been_started_before_keeps_the_id_of_its_request():
    assert (
        ROW.with_review(ReviewStarted("h1", "r1")).with_review(ReviewStarted("h1", None)).human_loop_request_id == "r1"
    )
    assert ROW.with_sample(None, 7) == replace(ROW, is_sampled=True, sample_weight=7)


OPTIONAL = st.none() | HOSTILE_TEXT
ROWS = st.builds(
    LogRow,
    detection_id=HOSTILE_TEXT,
    detected_at=st.just("") | HOSTILE_TEXT,
    bucket=HOSTILE_TEXT,
    key=HOSTILE_TEXT,
    etag=HOSTILE_TEXT,
    version_id=OPTIONAL,
    project_version_arn=st.just("") | HOSTILE_TEXT,
    detected_label=st.just("") | HOSTILE_TEXT,
    confidence_percent=st.floats(0, 100),
    minimum_confidence_percent=st.floats(0, 100),
    workflow_enabled=st.booleans(),
    failure=OPTIONAL,
    is_sampled=st.booleans(),
    sample_weight=st.none() | st.integers(1, 10**15),
    drawn_chance=st.none() | st.integers(1, 10_000).map(lambda n: n / 10_000),
    human_loop_name=OPTIONAL,
    human_loop_request_id=OPTIONAL,
    review_failure=OPTIONAL,
    review_end=OPTIONAL,
    human_label=OPTIONAL,
    answered_at=OPTIONAL,
    copied_key=OPTIONAL,
    copy_failure=OPTIONAL,
)


@given(ROWS)
def test_a_row_is_the_same_after_dynamodb_has_kept_it(row):
    kept = {name: TypeSerializer().serialize(value) for name, value in row.to_item().items()}
    assert LogRow.from_item({name: TypeDeserializer().deserialize(value) for name, value in kept.items()}) == row


def test_a_row_of_the_sample_is_read():
    item = {
        "DetectLabelRequestId": "11111111-1111-4111-8111-111111111111",
        "DetectLabelDate": "2026-11-22T09:00:00.000Z",
        "S3Bucket": "b",
        "S3ObjectKey": "images_for_detection/old.png",
        "S3ObjectEtag": "e",
        "ProjectVersionArn": "arn:v",
        "DetectedLabel": "cat",
        "DetectedConfidenceLevel": Decimal("69.99995422363281"),
        "MinimumConfidenceLevel": Decimal("70"),
        "A2IEnabled": "True",
        "Sampled": "Yes",
        "HumanLoopName": "2f3e",
        "HumanLoopRequestId": "r",
        "HumanLabel": "cat",
        "HumanLableCompletedDate": "2026-11-22T10:00:00.000Z",
    }
    row = LogRow.from_item(item)
    assert (row.accepted, row.needs_review, row.is_sampled, row.has_review, row.is_answered) == (
        False,
        True,
        True,
        True,
        True,
    )
    assert row.answered_at == "2026-11-22T10:00:00.000Z"
    assert row.confidence_percent == 69.9999
    assert LogRow.from_item(item | {"HumanLoopCompletionDate": "ours"}).answered_at == "ours"


@pytest.mark.parametrize(
    ("written", "enabled"),
    [(True, True), ("true", True), ("True", True), (False, False), ("False", False), ("", False), (None, False)],
)
def test_the_switch_is_read_however_it_was_written(written, enabled):
    assert LogRow.from_item(ITEM | {"A2IEnabled": written}).workflow_enabled is enabled


@pytest.mark.parametrize(
    ("written", "percent"),
    [
        (Decimal("42.5"), 42.5),
        ("42.5", 42.5),
        (42, 42.0),
        ("", 0.0),
        ("NaN", 0.0),
        ("inf", 0.0),
        (None, 0.0),
        ([], 0.0),
    ],
)
def test_a_confidence_is_read_however_it_was_written(written, percent):
    assert LogRow.from_item(ITEM | {"DetectedConfidenceLevel": written}).confidence_percent == percent


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ((Decimal(50), Decimal("0.3")), (50, 0.3)),
        (("x", []), (None, None)),
        ((-5, -1), (None, None)),
        ((0, 0), (None, None)),
        ((1, 7), (1, None)),
        ((Decimal("1e40"), Decimal("1e-40")), (None, None)),
    ],
)
def test_what_a_row_weighs_is_read_however_it_was_written(written, read):
    row = LogRow.from_item(ITEM | {"SampleWeight": written[0], "DrawnChance": written[1]})
    assert (row.sample_weight, row.drawn_chance) == read


def test_an_item_that_has_only_its_key_is_a_row_that_means_nothing():
    row = LogRow.from_item({"DetectLabelRequestId": "d1"})
    assert not (row.accepted or row.needs_review or row.is_sampled or row.has_review or row.is_answered)


@given(st.dictionaries(st.sampled_from([str(name) for name in Attribute]), ARBITRARY_JSON))
def test_any_item_with_a_key_can_be_read_and_decided_on(item):
    row = LogRow.from_item({**item, "DetectLabelRequestId": "d1"})
    assert row.accepted in (True, False)
    assert row.is_answered == ("HumanLabel" in item)
