"""What counts say, against figures known from elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain import insight, statistics
from label_loop.domain.insight import Confusion, DailyCounts, Share
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
