"""What is said of a version by the answers to drawn detections, and what is left unsaid."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain import statistics
from label_loop.domain.insight import DailyCounts, Share
from label_loop.domain.intervals import rare_wilson
from label_loop.domain.live_accuracy import by_version, live_accuracy
from label_loop.domain.log_row import LogRow
from label_loop.domain.statistics import of_row, summed

ROW = LogRow(
    "d", "2026-11-25T09:00:00.000000+00:00", "b", "k", "e", detected_label="cat", minimum_confidence_percent=70
)
SURE = replace(ROW, confidence_percent=99)
UNSURE = replace(ROW, confidence_percent=50, human_loop_name="h")


def sampled(row, weight=10, label=None):
    return replace(row, is_sampled=True, sample_weight=weight, human_label=label)


def drawn(row, label=None, chance=0.3):
    return replace(row, drawn_chance=chance, human_label=label)


def counts_of(*rows):
    counts = summed(map(of_row, rows))
    return next(counters for item, counters in counts.items() if not item.is_of_pairs)


def live(*rows):
    return live_accuracy("v1", counts_of(*rows))


def answered(make, right, wrong, **how):
    return [*[make(label="cat", **how)] * right, *[make(label="dog", **how)] * wrong]


def of_sure(**how):
    return sampled(SURE, **how)


def of_unsure(**how):
    return drawn(UNSURE, **how)


def test_the_accuracy_of_what_was_accepted_is_that_of_its_samples():
    found = live(*answered(of_sure, 45, 5), *[SURE] * 450)
    assert found.accepted.rate == pytest.approx(0.9)
    assert found.accepted.interval == pytest.approx(rare_wilson(0.9, 50), abs=1e-6)
    assert (found.accepted.answered, found.accepted.answers) == (1.0, 50)
    assert found.accepted_share == Share(500, 500)
    assert found.unsampled == 0


def test_samples_of_longer_blocks_stand_for_more():
    found = live(*answered(of_sure, 10, 0, weight=30), *answered(of_sure, 0, 10, weight=10)).accepted
    assert found.rate == pytest.approx(0.75)
    size = 400**2 / (10 * 900 + 10 * 100)
    assert found.interval == pytest.approx(rare_wilson(0.75, size), abs=1e-6)


def test_answers_to_what_was_not_drawn_estimate_nothing():
    rows = [*answered(of_unsure, 5, 5), *[replace(UNSURE, human_label="cat")] * 5, *[UNSURE] * 20]
    found = live(*rows).overall
    assert found.rate == pytest.approx(0.5)
    assert found.answers == 10


def test_where_all_that_need_review_are_answered_all_of_them_count():
    rows = [*answered(of_unsure, 5, 5), *[replace(UNSURE, human_label="cat")] * 20]
    found = live(*rows).overall
    assert found.rate == pytest.approx(25 / 30)
    assert found.interval == pytest.approx(rare_wilson(25 / 30, 30), abs=1e-6)
    assert found.answers == 30


def test_the_strata_are_weighted_by_their_detections():
    rows = [*answered(of_sure, 40, 0), *[SURE] * 860, *answered(of_unsure, 20, 20), *[UNSURE] * 60]
    found = live(*rows)
    assert found.accepted_share == Share(900, 1000)
    assert found.overall.rate == pytest.approx(0.9 * 1.0 + 0.1 * 0.5)
    assert found.accepted.rate == 1.0


def test_few_without_an_answer_widen_the_interval_and_many_leave_no_estimate():
    full = live(*answered(of_sure, 90, 10)).accepted
    few = live(*answered(of_sure, 86, 10), *[of_sure()] * 4).accepted
    many = live(*answered(of_sure, 80, 10), *[of_sure()] * 10).accepted
    assert few.rate == pytest.approx(86 / 96)
    assert many.rate is None
    assert many.answered == pytest.approx(0.9)
    assert [one.interval[0] for one in (full, few, many)] == sorted(
        (one.interval[0] for one in (full, few, many)), reverse=True
    )
    # All that were left may be right, or wrong.
    assert many.interval[0] < 0.8
    assert many.interval[1] > 0.9


def test_detections_that_need_review_and_are_sampled_too_count_by_both_draws():
    twice = [drawn(sampled(UNSURE, label="cat"), "cat")] * 4
    rows = [*twice, *answered(of_unsure, 3, 3), *[sampled(UNSURE, label="dog")] * 2, *[UNSURE] * 40]
    found = live(*rows).overall
    assert found.answers == 12
    # Six samples, of which four right, and ten drawn, of which seven right, by their numbers.
    assert found.rate == pytest.approx((6 * 4 / 6 + 10 * 7 / 10) / 16)
    low, high = found.interval
    apart = rare_wilson(found.rate, 16)
    assert high - low > apart[1] - apart[0]  # four answers are not eight


def test_detections_while_nobody_was_asked_are_a_stratum_of_their_own():
    alone = replace(UNSURE, workflow_enabled=False, human_loop_name=None)
    rows = [*answered(of_sure, 50, 0), *answered(of_unsure, 25, 25)]
    with_few = live(*rows, *[alone] * 2)
    assert with_few.overall.answered == pytest.approx(1 - 2 / 102)
    assert with_few.overall.rate == pytest.approx(0.75)
    assert live(*rows, *[alone] * 50).overall.rate is None
    known = live(*rows, *[sampled(alone, label="dog")] * 50)
    assert known.overall.rate == pytest.approx(0.5)


def test_before_anything_is_drawn_nothing_is_known():
    found = live(*[SURE] * 5, *[UNSURE] * 5)
    assert (found.accepted.interval, found.accepted.rate, found.accepted.answered) == ((0.0, 1.0), None, 0.0)
    assert found.unsampled == 10
    empty = live_accuracy("v1", {"failed": 3})
    assert (empty.accepted, empty.overall, empty.accepted_share) == (None, None, Share(0, 0))


def test_samples_of_before_have_no_weight_and_estimate_nothing():
    old = replace(SURE, is_sampled=True, human_label="cat")
    assert live(*[old] * 50).accepted.answers == 0


def test_versions_are_apart_and_the_latest_comes_first():
    counts = counts_of(*answered(of_sure, 9, 1))
    days = [
        DailyCounts("2026-11-25", "v1", counts),
        DailyCounts("2026-11-26", "v2", counts),
        DailyCounts("2026-11-26", "v1", counts_of(SURE)),
        DailyCounts("2026-11-27", "v3", {statistics.FAILED: 1}),
    ]
    v2, v1 = by_version(days)
    assert (v2.version, v2.accepted.answers) == ("v2", 10)
    assert (v1.version, v1.accepted_share) == ("v1", Share(11, 11))


ROWS = st.builds(
    lambda base, weight, chance, label: replace(
        base,
        is_sampled=weight is not None,
        sample_weight=weight,
        drawn_chance=chance if base.needs_review else None,
        human_label=label,
    ),
    st.sampled_from([SURE, UNSURE, replace(UNSURE, workflow_enabled=False)]),
    st.none() | st.integers(1, 1000),
    st.none() | st.sampled_from([0.0001, 0.3, 1.0]),
    st.sampled_from([None, "cat", "dog"]),
)


@given(st.lists(ROWS, min_size=1, max_size=30))
def test_whatever_was_counted_gives_an_estimate_within_its_interval(rows):
    found = live(*rows)
    for estimate in filter(None, (found.accepted, found.overall)):
        low, high = estimate.interval
        assert 0 <= low <= high <= 1
        assert -1e-9 <= estimate.answered <= 1 + 1e-9
        if estimate.rate is not None:
            assert low - 1e-9 <= estimate.rate <= high + 1e-9
            assert estimate.answered >= 0.95 - 1e-9
