from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.detection_search import OUTCOMES, DetectionFilter, outcome, search, what_followed, why
from label_loop.domain.log_row import LogRow, OtherLabel

ARN = "arn:aws:rekognition:eu-west-1:123456789012:project/p/version/v1/1763888400000"
CAT = LogRow(
    "id",
    "2026-11-25T09:00:00.000000+00:00",
    "b",
    "images_for_detection/Cat at home.png",
    "e",
    project_version_arn=ARN,
    detected_label="cat",
    confidence_percent=62.58,
    minimum_confidence_percent=70,
    other_labels=(OtherLabel("dog", 31.0), OtherLabel("cow", 0.04)),
)


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        ({"name": "AT HOME"}, True),
        ({"name": "images_for"}, False),
        ({"label": "CAT"}, True),
        ({"label": "dog"}, False),
        ({"label": "None of the Above"}, False),
        ({"human": "cat"}, False),
        ({"lowest_percent": 62.58, "highest_percent": 62.58}, True),
        ({"lowest_percent": 63.0}, False),
        ({"highest_percent": 62.0}, False),
        ({"version": "v1"}, True),
        ({"version": "v"}, False),
        ({"outcome": "not accepted"}, True),
        ({"outcome": "accepted"}, False),
        ({"sampled": False}, True),
        ({"sampled": True}, False),
        ({}, True),
    ],
)
def test_each_filter_alone(wanted: dict[str, Any], matches: bool) -> None:
    assert DetectionFilter(**wanted).matches(CAT) is matches


def test_no_label_is_found_as_none_of_the_above_and_a_failed_detection_has_none() -> None:
    empty = replace(CAT, detected_label="", confidence_percent=0)
    assert DetectionFilter(label="none of the above").matches(empty)
    assert not DetectionFilter(label="none of the above").matches(replace(empty, failure="x"))
    assert DetectionFilter(human="None of the Above").matches(replace(CAT, human_label="None of the Above"))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (CAT, "not accepted"),
        (replace(CAT, confidence_percent=70), "accepted"),
        (replace(CAT, confidence_percent=70, human_label="dog"), "reviewed"),
        (replace(CAT, human_loop_name="h"), "in review"),
        (replace(CAT, human_loop_name="h", review_end="Failed: x"), "not accepted"),
        (replace(CAT, human_loop_name="h", review_end="Withdrawn: x"), "withdrawn"),
        (replace(CAT, withheld=True), "withheld"),
        (replace(CAT, failure="x"), "failed"),
    ],
)
def test_what_became_of_it(row: LogRow, expected: str) -> None:
    assert outcome(row) == expected
    assert expected in OUTCOMES


def test_why_it_was_accepted_or_not() -> None:
    assert why(CAT) == "62.5 % cat; then 31 % dog: less than the 70 % needed"
    assert why(replace(CAT, confidence_percent=93, other_labels=())) == "93 % cat: at least 70 % is accepted"
    assert why(replace(CAT, confidence_percent=69.99)).startswith("69.9 % cat")
    assert why(replace(CAT, detected_label="", confidence_percent=0)).startswith("0 % no label")
    assert why(replace(CAT, failure="X: too large")) == "It could not be detected: X: too large"


def test_what_followed_is_told_in_order() -> None:
    answered = replace(
        CAT, is_sampled=True, sample_weight=40, human_loop_name="h", human_label="dog", copied_key="images/dog/c.png"
    )
    assert what_followed(answered) == [
        "Drawn at random as the human sample of a block of 40",
        "Sent to human review",
        "A person answered dog, other than the model",
        "Copied to images/dog/c.png",
    ]
    assert what_followed(replace(CAT, workflow_enabled=False)) == ["Not sent to review: human review was off"]
    assert what_followed(replace(CAT, confidence_percent=80, workflow_enabled=False)) == []


@given(st.lists(st.sampled_from(["cat", "dog"]), max_size=30), st.integers(1, 5), st.integers(1, 12))
def test_going_on_finds_each_match_once(labels: list[str], most: int, most_read: int) -> None:
    rows = (replace(CAT, detection_id=str(n), detected_label=label) for n, label in enumerate(labels))
    log = [("No" if n % 3 else "Yes", row) for n, row in enumerate(rows)]
    found, start, wanted = [], 0, DetectionFilter(label="dog")
    while True:
        page = search(log[start:], wanted, most, most_read)
        assert len(page.rows) <= most
        assert page.read <= most_read
        found += [row.detection_id for row in page.rows]
        start += page.read
        if page.is_all:
            break
        assert {row.detection_id for row in page.last.values()} <= {row.detection_id for _, row in log[:start]}
    assert found == [str(n) for n, label in enumerate(labels) if label == "dog"]
