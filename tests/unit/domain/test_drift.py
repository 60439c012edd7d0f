"""Drift: what is reported, what is not, and why an alarm can be believed."""

import itertools
import math
import random
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from label_loop.domain import drift, statistics
from label_loop.domain.drift import InputDrift, error_drift, input_drift
from label_loop.domain.insight import DailyCounts, Share

FIRST = date(2026, 6, 1)  # a Monday


def day_of(number, counts, version="v1"):
    return DailyCounts((FIRST + timedelta(number)).isoformat(), version, counts)


def answers(number, wrong, answered):
    counts = {"sample_answered": answered, "sample_agreed": answered - wrong}
    return day_of(number, counts)


def detections(number, classes, labels=("cat",), seed=0, count=60):
    """Return a day on which confidences and labels are drawn from these."""
    chance = random.Random(f"{seed} {number}")
    counted = Counter({"detections": count})
    counted.update(statistics.bucket_counter(chance.choice(classes)) for _ in range(count))
    counted.update(statistics.label_counter(chance.choice(labels)) for _ in range(count))
    counted["accepted"] = sum(counted[statistics.bucket_counter(bucket)] for bucket in range(14, 20))
    return day_of(number, counted)


# ------------------------------------------------------------------------ error


def test_a_rise_of_the_error_is_reported_with_its_day():
    days = [*(answers(day, 1, 20) for day in range(40)), *(answers(day, 6, 20) for day in range(40, 60))]
    found = error_drift(days)
    assert found.is_alarm
    assert abs((date.fromisoformat(found.since) - FIRST).days - 40) <= 2
    assert found.before.rate < 0.07
    assert found.after.rate > 0.25


@pytest.mark.parametrize("wrong", [[1] * 60, [6] * 40 + [1] * 20, [0] * 60, [20] * 60])
def test_an_error_that_stays_or_falls_is_not(wrong):
    assert not error_drift([answers(day, one, 20) for day, one in enumerate(wrong)]).is_alarm


@pytest.mark.parametrize("days", [[], [answers(0, 1, 20)], [answers(0, 0, 0), answers(1, 5, 5)]])
def test_without_two_days_of_answers_there_is_nothing_to_compare(days):
    found = error_drift(days)
    assert not found.is_alarm
    assert (found.since, found.before, found.after) == (None, None, None)


def test_late_answers_count_on_the_day_of_their_detection_however_the_days_are_cut():
    days = [answers(day, day % 3, 5) for day in range(10)]
    gaps = [*days[:3], *days[5:]]
    filled = [*days[:3], answers(3, 0, 0), answers(4, 0, 0), *days[5:]]
    assert error_drift(gaps) == error_drift(filled)


@pytest.mark.parametrize("rate", [0.02, 0.2, 0.5])
def test_the_mean_evidence_of_a_constant_error_is_at_most_one(rate):
    """It is computed exactly, over all outcomes of four days with two answers each."""
    mean = 0.0
    for wrong in itertools.product(range(3), repeat=4):
        probability = math.prod(math.comb(2, one) * rate**one * (1 - rate) ** (2 - one) for one in wrong)
        mean += probability * error_drift([answers(day, one, 2) for day, one in enumerate(wrong)]).evidence
    assert 0.3 < mean <= 1


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=60))
@settings(deadline=None)
def test_evidence_is_a_finite_number(days):
    found = error_drift([answers(day, wrong, wrong + right) for day, (wrong, right) in enumerate(days)])
    assert 0 <= found.evidence < math.inf


# ------------------------------------------------------------------------ input


def test_lower_confidences_are_reported_within_days():
    steady = [detections(day, range(12, 20)) for day in range(32)]
    lower = [detections(day, range(6, 18)) for day in range(32, 36)]
    assert not input_drift(steady).is_alarm
    found = input_drift([*steady, *lower])
    assert found.is_alarm
    assert found.since == lower[0].day
    assert found.before == Share(sum(day["accepted"] for day in steady), 32 * 60)
    assert found.after.rate < found.before.rate


def test_other_labels_are_reported_too():
    steady = [detections(day, [18, 19], "abc") for day in range(32)]
    found = input_drift([*steady, *(detections(day, [18, 19], "bcd") for day in range(32, 36))])
    assert found.is_alarm


def test_one_odd_day_is_none():
    days = [detections(day, range(12, 20)) for day in range(40)]
    assert not input_drift([*days, detections(40, range(3))]).is_alarm


def test_it_needs_more_than_28_days_with_detections():
    days = [detections(day, range(12, 20)) for day in range(28)]
    empty = [day_of(day, {"failed": 3}) for day in range(28, 40)]
    assert input_drift([*days, *empty]) == InputDrift(days=28)
    assert input_drift([*days, detections(41, range(12, 20))]).p_value is not None
    assert input_drift([]) == InputDrift(days=0)


def test_where_weekdays_differ_a_weekend_is_none():
    def usual(day):
        is_weekend = day % 7 >= 5
        return detections(day, range(5, 15) if is_weekend else range(12, 20), count=20 if is_weekend else 60)

    found = input_drift([usual(day) for day in range(35)])  # until a Sunday
    assert found.matches_weekdays
    assert not found.is_alarm
    weeks = [*(usual(day) for day in range(35)), *(detections(day, range(6)) for day in range(35, 49))]
    assert input_drift(weeks).is_alarm


def test_the_same_days_give_the_same_result():
    days = [detections(day, range(10, 20), "ab") for day in range(35)]
    assert input_drift(days) == input_drift(list(days))


def test_the_shares_that_days_may_spend_add_up_to_the_rate():
    days = [detections(day, [19], count=1) for day in range(60)]
    levels = [input_drift(days[:length]).level or 0.0 for length in range(29, 61)]
    assert levels == sorted(levels, reverse=True)
    rest = 32**-0.2 / 0.2 / drift._ZETA_OF_DECAY * drift.INPUT_FALSE_ALARM_RATE  # of all later days, by an integral
    assert sum(levels) + rest == pytest.approx(drift.INPUT_FALSE_ALARM_RATE, rel=0.01)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)), min_size=29, max_size=33))
@settings(max_examples=20, deadline=None)
def test_any_counts_give_a_probability(found):
    days = [
        day_of(number, {"detections": sum(one.values()), **{statistics.label_counter(k): n for k, n in one.items()}})
        for number, one in enumerate(found)
    ]
    result = input_drift(days)
    assert result.p_value is None or 0 < result.p_value <= 1
