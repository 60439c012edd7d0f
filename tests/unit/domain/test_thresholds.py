"""Thresholds: what precision is shown, by how much evidence, and where nothing can be shown."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from label_loop.domain.thresholds import JudgedDetection, answers_needed, label_thresholds, minimums_of
from label_loop.payloads import LabelMinimums


def judged(label, *parts, weight=1.0):
    """Return detections of parts (count, from, to, wrong), of which the first ones are wrong."""
    found = []
    for count, low, high, wrong in parts:
        step = (high - low) / count
        found += [JudgedDetection(label, low + n * step, n >= wrong, weight) for n in range(count)]
    return found


@pytest.mark.parametrize(("target", "needed"), [(0.5, 30), (0.9, 36), (0.95, 72), (0.98, 183), (0.99, 368)])
def test_the_answers_needed_are_those_that_show_the_target_if_all_are_right(target, needed):
    assert answers_needed(target) == needed
    assert label_thresholds(judged("a", (needed - 1, 80, 100, 0)), target, 70) == []
    (found,) = label_thresholds(judged("a", (needed, 80, 100, 0)), target, 70)
    assert (found.minimum_percent, found.answers, found.accepted_share) == (70, needed, 1)


def test_perfection_is_never_shown():
    assert label_thresholds(judged("a", (1000, 80, 100, 0)), 1.0, 70) == []


def test_the_threshold_lies_above_where_it_is_often_wrong():
    (found,) = label_thresholds(judged("a", (200, 90, 100, 2), (100, 70, 80, 100)), 0.95, 70)
    assert 79 <= found.minimum_percent <= 90
    assert 0.66 <= found.accepted_share <= 0.70


def test_it_is_never_below_the_minimum():
    (found,) = label_thresholds(judged("a", (100, 90, 100, 0), (100, 40, 90, 0)), 0.95, 75)
    assert found.minimum_percent == 75


def test_where_no_precision_is_shown_nothing_is_accepted():
    found = label_thresholds(judged("a", (100, 80, 100, 30)), 0.95, 70)
    assert [(one.minimum_percent, one.accepted_share) for one in found] == [(None, 0)]
    assert minimums_of(found, "arn") == LabelMinimums("arn", {"a": 100.0})


def test_labels_are_apart_and_no_label_has_none():
    answers = [*judged("a", (100, 80, 100, 0)), *judged("b", (20, 80, 100, 0)), *judged("", (100, 0, 10, 100))]
    assert [one.label for one in label_thresholds(answers, 0.95, 70)] == ["a"]


def test_equal_confidences_stay_together():
    tied = [JudgedDetection("a", 90.0, n >= 40) for n in range(140)]
    assert label_thresholds(tied, 0.9, 70)[0].minimum_percent is None
    assert label_thresholds([*tied, *judged("a", (100, 95, 100, 0))], 0.9, 70)[0].minimum_percent == 95


def test_weights_that_differ_are_worth_fewer_answers():
    even = judged("a", (80, 80, 100, 0), weight=10.0)
    assert label_thresholds(even, 0.95, 70)[0].minimum_percent == 70
    uneven = [*judged("a", (40, 80, 100, 0), weight=10.0), *judged("a", (40, 80, 100, 0), weight=1.0)]
    assert label_thresholds(uneven, 0.95, 70)[0].minimum_percent is None


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 100), st.booleans()), max_size=200), st.floats(0, 1))
@settings(deadline=None)
def test_thresholds_are_within_the_minimum_and_100(answers, target):
    for one in label_thresholds((JudgedDetection(*answer) for answer in answers), target or 0.5, 60):
        assert one.minimum_percent is None or 60 <= one.minimum_percent <= 100
        assert 0 <= one.accepted_share <= 1


def test_the_order_of_answers_does_not_matter():
    answers = judged("a", (200, 60, 100, 12))
    shuffled = random.Random(1).sample(answers, len(answers))
    assert label_thresholds(shuffled, 0.9, 70) == label_thresholds(answers, 0.9, 70)
