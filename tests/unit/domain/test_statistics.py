"""Counts add up to what the rows say, in whatever order their changes come and whatever is in their labels."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.strategies import HOSTILE_TEXT

from label_loop.domain import statistics
from label_loop.domain.log_row import LoggedAnswer, LogRow
from label_loop.domain.statistics import StatisticsKey, labels_in, of_answer, of_detection, of_row, of_sample, summed
from label_loop.payloads import NONE_OF_THE_ABOVE, ReviewStarted

ARN = "arn:aws:rekognition:eu-west-1:123456789012:project/p/version/v1/1763888400000"
ITEM = StatisticsKey("2026-11", "2026-11-25#v1")


def row(**changes):
    made = {
        "DetectLabelRequestId": "a",
        "DetectLabelDate": "2026-11-25T23:59:59.999999+00:00",
        "ProjectVersionArn": ARN,
        "DetectedLabel": "cat",
        "DetectedConfidenceLevel": Decimal("60"),
        "MinimumConfidenceLevel": Decimal("70"),
        "A2IEnabled": True,
        "Sampled": "No",
        **changes,
    }
    return LogRow.from_item({name: value for name, value in made.items() if value is not None})


def test_a_detection_is_counted_by_what_became_of_it():
    assert of_detection(row(HumanLoopName="h")) == {
        ITEM: {"detections": 1, "sent_to_review": 1, "confidence 12": 1, 'label ["cat"]': 1}
    }
    assert of_detection(row(DetectedConfidenceLevel=Decimal(70))) == {
        ITEM: {"detections": 1, "accepted": 1, "confidence 14": 1, 'label ["cat"]': 1}
    }
    refused = row(ReviewFailure="ReviewRefusedError")
    assert "sent_to_review" not in of_detection(refused)[ITEM]
    assert of_detection(row(Failure="x", Sampled=None)) == {ITEM: {"failed": 1}}


@pytest.mark.parametrize(
    ("confidence", "bucket"), [("0", 0), ("4.9999", 0), ("5", 1), ("99.99", 19), ("100", 19), ("-1", 0)]
)
def test_each_confidence_has_a_bucket(confidence, bucket):
    (counters,) = of_detection(row(DetectedConfidenceLevel=Decimal(confidence))).values()
    assert counters[f"confidence {bucket}"] == 1


@pytest.mark.parametrize(
    ("detected", "human", "agreed"),
    [
        ("cat", "cat", 1),
        ("cat", "dog", 0),
        ("", NONE_OF_THE_ABOVE, 1),
        ("", "cat", 0),
        ("cat", NONE_OF_THE_ABOVE, 0),
    ],
)
def test_an_answer_is_counted_with_its_pair(detected, human, agreed):
    counts = of_answer(row(DetectedLabel=detected), human)
    assert counts[ITEM]["review_answered"] == 1
    assert counts[ITEM]["review_agreed"] == agreed
    assert counts[ITEM.pairs] == {statistics.pair_counter("review", detected, human): 1}


def test_a_draw_is_counted_with_its_weight_and_again_once_it_is_answered():
    drawn = row(DrawnChance=Decimal("0.3"))
    written = of_detection(drawn)[ITEM]
    assert {name: count for name, count in written.items() if name.startswith("drawn")} == {
        "drawn unsure review rows": 1,
        "drawn unsure review weight": 3333,
        "drawn unsure review squared weight": 3333**2,
    }
    assert of_answer(drawn, "cat")[ITEM] == {
        "review_answered": 1,
        "review_agreed": 1,
        "drawn unsure review answers": 1,
        "drawn unsure review answered weight": 3333,
        "drawn unsure review right weight": 3333,
    }
    sure = row(DetectedConfidenceLevel=Decimal(99), Sampled="Yes", SampleWeight=Decimal(50))
    assert of_sample(sure)[ITEM] == {
        "sampled": 1,
        "drawn accepted sample rows": 1,
        "drawn accepted sample weight": 50,
        "drawn accepted sample squared weight": 2500,
    }
    assert "drawn accepted sample right weight" not in of_answer(sure, "dog")[ITEM]


def test_what_is_drawn_twice_is_known():
    twice = row(Sampled="Yes", SampleWeight=Decimal(50), DrawnChance=Decimal("0.5"))
    assert of_sample(twice)[ITEM]["drawn twice weight"] == 50 * 2000
    assert of_answer(twice, "cat")[ITEM]["drawn twice answers"] == 1
    assert of_sample(replace(twice, human_label="cat"))[ITEM]["drawn twice answers"] == 1


def test_a_sample_without_a_weight_estimates_nothing():
    assert of_sample(row(Sampled="Yes"))[ITEM] == {"sampled": 1}
    assert not [name for name in of_answer(row(Sampled="Yes"), "cat")[ITEM] if name.startswith("drawn")]


def test_what_nobody_would_be_asked_about_is_counted():
    assert of_detection(row(A2IEnabled=False))[ITEM]["unasked"] == 1
    assert "unasked" not in of_detection(row())[ITEM]


def test_reviews_and_samples_are_apart_and_a_detection_may_be_both():
    accepted = row(DetectedConfidenceLevel=Decimal(99))
    assert of_answer(accepted, "cat") == {}
    assert of_answer(replace(accepted, is_sampled=True), "cat")[ITEM] == {"sample_answered": 1, "sample_agreed": 1}
    both = of_answer(row(Sampled="Yes"), "dog")
    assert both[ITEM] == {"sample_answered": 1, "review_answered": 1}
    assert len(both[ITEM.pairs]) == 2


def test_a_reviewed_detection_that_is_sampled_later_is_a_sample_too():
    assert of_sample(row()) == {ITEM: {"sampled": 1}}
    assert of_sample(row(HumanLabel="cat"))[ITEM] == {"sampled": 1, "sample_answered": 1, "sample_agreed": 1}


ROWS = st.builds(
    row,
    DetectedLabel=st.sampled_from(["", "cat", "dog"]),
    DetectedConfidenceLevel=st.decimals(0, 100, places=2),
    A2IEnabled=st.booleans(),
    DrawnChance=st.sampled_from([None, Decimal("0.3"), Decimal(1)]),
    Failure=st.sampled_from([None, None, "x"]),
    DetectLabelDate=st.sampled_from(["2026-11-25T09:00:00.000Z", "2026-12-01T00:00:00.000000+00:00"]),
    ProjectVersionArn=st.sampled_from([ARN, ARN.replace("v1", "v2")]),
)
STEPS = st.permutations(["answer", "sample"]).flatmap(lambda steps: st.integers(0, 2).map(lambda n: steps[:n]))


@given(ROWS, STEPS, st.sampled_from(["cat", "dog", NONE_OF_THE_ABOVE]))
def test_what_the_changes_of_a_row_add_is_what_the_row_says_at_the_end(made, steps, human):
    made = made.with_review(ReviewStarted("h", "r")) if made.needs_review else replace(made, drawn_chance=None)
    parts = [of_detection(made)]
    for step in steps:
        if step == "answer" and made.failure is None:
            parts.append(of_answer(made, human))
            made = made.with_answer(LoggedAnswer(human, ""))
        elif made.failure is None:
            made = made.with_sample(ReviewStarted("h", None), 50)
            parts.append(of_sample(made))
    assert summed(parts) == of_row(made)


@given(HOSTILE_TEXT | st.just(""), HOSTILE_TEXT | st.just(""), st.sampled_from(["review", "sample"]))
def test_a_counter_tells_its_labels_whatever_is_in_them(detected, human, source):
    assume(max(len(detected.encode()), len(human.encode())) <= 120)
    assert labels_in(statistics.label_counter(detected)) == [detected]
    assert labels_in(statistics.pair_counter(source, detected, human)) == [source, detected, human]


@given(st.text(max_size=400), st.text(max_size=400))
def test_two_labels_share_no_counter_and_none_is_long(one, other):
    assume(one != other)
    assert statistics.label_counter(one) != statistics.label_counter(other)
    assert len(labels_in(statistics.label_counter(one))[0].encode()) <= 128


def test_a_label_cannot_pose_as_a_shortened_one():
    (short,) = labels_in(statistics.label_counter("x" * 300))
    assert labels_in(statistics.label_counter(short)) != [short]


@pytest.mark.parametrize("counter", ["detections", "confidence 3", "sample_agreed", "", "Month"])
def test_other_counters_have_no_labels(counter):
    assert labels_in(counter) == []


@pytest.mark.parametrize(
    ("arn", "name"),
    [(ARN, "v1"), ("", "unknown"), ("odd", "odd"), ("a#b", "a-b"), (f"x/version/{'v' * 999}/1", "v" * 255)],
)
def test_a_version_is_known_by_its_name(arn, name):
    item = StatisticsKey.of(row(ProjectVersionArn=arn))
    assert item.day_and_version_name == ("2026-11-25", name)
    assert item.pairs.day_and_version_name == ("2026-11-25", name)
    assert (item.is_of_pairs, item.pairs.is_of_pairs) == (False, True)


@pytest.mark.parametrize("date", [None, "", "yesterday", "2026/11/25"])
def test_a_row_without_a_day_is_not_counted(date):
    odd = row(DetectLabelDate=date, Sampled="Yes", HumanLabel="cat")
    assert of_row(odd) == {}
    assert of_answer(odd, "cat") == {}


def test_without_pairs_the_other_counts_stay():
    counts = of_answer(row(), "dog")
    assert statistics.without_pairs(counts) == {ITEM: Counter({"review_answered": 1})}
