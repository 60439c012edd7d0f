"""What counts say, against figures known from elsewhere."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain import insight, statistics
from label_loop.domain.insight import Confusion, DailyCounts, Share, Verdict
from label_loop.domain.log_row import agrees


def counts_of(source, *pairs):
    counted = {statistics.answered_counter(source): 0, statistics.agreed_counter(source): 0}
    for detected, human, count in pairs:
        counted[statistics.pair_counter(source, detected, human)] = count
        counted[statistics.answered_counter(source)] += count
        counted[statistics.agreed_counter(source)] += count * agrees(detected, human)
    return counted


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    # Wilson's interval without continuity correction, as in Newcombe (1998), table I.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilsons(part, whole, low, high):
    share = Share(part, whole)
    assert share.rate == part / whole
    assert share.interval == pytest.approx((low, high), abs=1e-4)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_an_interval_holds_its_rate_and_stays_within_0_and_1(part, more):
    share = Share(part, part + more)
    if share.whole == 0:
        assert (share.rate, share.interval) == (None, None)
    else:
        low, high = share.interval
        assert 0 <= low <= share.rate <= high <= 1


def test_agreement_is_told_overall_and_by_label_from_one_source_only():
    counts = {
        **counts_of("sample", ("cat", "cat", 8), ("cat", "dog", 2), ("dog", "dog", 3), ("", "None of the Above", 1)),
        **counts_of("review", ("cat", "dog", 100)),
    }
    found = insight.agreement(counts, "sample")
    assert found.overall == Share(12, 14)
    assert found.by_label == {"cat": Share(8, 10), "dog": Share(3, 3), "": Share(1, 1)}
    assert list(found.by_label) == ["cat", "dog", ""]
    assert found.confusions[0] == Confusion("cat", "cat", 8)
    assert found.unpaired == 0


def test_answers_without_their_pair_are_in_the_overall_share():
    counts = {**counts_of("sample", ("a", "a", 2)), "sample_answered": 5, "sample_agreed": 3}
    found = insight.agreement(counts, "sample")
    assert (found.overall, found.unpaired) == (Share(3, 5), 3)


def test_nothing_counted_is_no_agreement():
    assert insight.agreement({}, "sample") == insight.Agreement(Share(0, 0), {}, [], 0)
    assert insight.review_share({}).rate is None


def test_days_add_up():
    days = [
        DailyCounts("2026-11-25", "v1", {"detections": 2, "confidence 3": 2}),
        DailyCounts("2026-11-26", "v2", {"detections": 1}),
    ]
    total = insight.total(days)
    assert total["detections"] == 3
    assert insight.histogram(total) == [0, 0, 0, 2, *[0] * 16]
    assert days[0]["failed"] == 0


def spread(day, n, seed, *, low=0, high=19, version="v1"):
    chosen = random.Random(seed)
    counted = {"detections": n}
    for _ in range(n):
        name = statistics.bucket_counter(chosen.randint(low, high))
        counted[name] = counted.get(name, 0) + 1
    return DailyCounts(f"2026-11-{day:02}", version, counted)


def test_alike_spread_days_are_steady_and_others_are_not():
    same = [spread(day, 500, day) for day in range(1, 21)]
    steady = insight.drift(same, "v1")
    assert steady.verdict == Verdict.STEADY
    assert steady.index < 0.05
    assert steady.earlier_days == [f"2026-11-{day:02}" for day in range(1, 8)]
    assert steady.recent_days == [f"2026-11-{day:02}" for day in range(14, 21)]
    assert (steady.earlier_detections, steady.recent_detections) == (3500, 3500)
    lower = same[:10] + [spread(day, 500, day, high=9) for day in range(11, 21)]
    assert insight.drift(lower, "v1").verdict == Verdict.LARGE


def test_chance_alone_is_seldom_taken_for_drift_where_there_are_few():
    verdicts = [insight.drift([spread(1, 210, seed), spread(2, 210, 1000 + seed)], "v1").verdict for seed in range(200)]
    assert verdicts.count(Verdict.STEADY) >= 180


@pytest.mark.parametrize("days", [[], [1], [1, 2]])
def test_too_few_detections_say_nothing(days):
    found = insight.drift([spread(day, 150, day) for day in days], "v1")
    assert (found.verdict, found.index) == (Verdict.UNKNOWN, None)


def test_other_versions_are_no_part_of_a_versions_drift():
    days = [spread(day, 500, day) for day in range(1, 5)]
    others = [spread(day, 500, day, high=3, version="v2") for day in range(1, 5)]
    assert insight.drift([*others, *days], "v1") == insight.drift(days, "v1")


@given(st.lists(st.integers(0, 500), min_size=20, max_size=20), st.lists(st.integers(0, 500), min_size=20, max_size=20))
def test_the_index_is_finite_never_negative_and_the_same_both_ways(one, other):
    index = insight.stability_index(one, other)
    assert 0 <= index < 100
    assert insight.stability_index(one, one) == 0
    assert index == pytest.approx(insight.stability_index(other, one))
