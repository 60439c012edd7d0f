"""Intervals of shares against figures known from elsewhere, and how often they cover."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.intervals import BoundedShare, bounded_interval, effective_size, rare_wilson, wilson


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    # Newcombe (Statistics in Medicine 17, 1998), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval(part, whole, low, high):
    assert wilson(part / whole, whole) == pytest.approx((low, high), abs=1e-4)


def test_near_an_end_the_limit_is_that_of_a_poisson_count():
    low, high = rare_wilson(1 / 14, 14)
    assert low == pytest.approx(-math.log(0.975) / 14, rel=1e-4)  # P(at least one) = 2.5 %
    assert high == wilson(1 / 14, 14)[1]
    assert rare_wilson(13 / 14, 14) == pytest.approx((1 - high, 1 - low))
    assert rare_wilson(0.5, 14) == wilson(0.5, 14)
    assert rare_wilson(0.0, 14) == wilson(0.0, 14)


def coverage(interval, share, size):
    """Return how often the interval of a binomial share covers it, exactly."""
    chances = [math.comb(size, k) * share**k * (1 - share) ** (size - k) for k in range(size + 1)]
    covers = [interval(k / size, size) for k in range(size + 1)]
    return sum(chance for chance, (low, high) in zip(chances, covers, strict=True) if low <= share <= high)


@pytest.mark.parametrize("size", [14, 40, 140, 500])
def test_a_share_near_one_is_covered_where_wilsons_interval_misses_it(size):
    shares = [1 - errors / 50 / size for errors in range(1, 100)]
    assert min(coverage(rare_wilson, share, size) for share in shares) >= 0.945
    assert min(coverage(wilson, share, size) for share in shares) < 0.87


def test_weights_that_differ_make_a_sample_smaller():
    assert effective_size(10 * 7, 10 * 49) == pytest.approx(10)
    assert effective_size(5 * 1 + 5 * 9, 5 * 1 + 5 * 81) == pytest.approx(2500 / 410)
    assert effective_size(0, 0) == 0


def test_one_share_that_is_known_whole_has_the_usual_interval():
    assert bounded_interval([BoundedShare(0.8, 0.0, 100)]) == pytest.approx(rare_wilson(0.8, 100), abs=1e-6)


def test_parts_are_joined_by_the_squares_of_their_distances():
    shares = [BoundedShare(0.95, 0.0, 50, 0.7), BoundedShare(0.5, 0.0, 200, 0.3)]
    (l1, u1), (l2, u2) = rare_wilson(0.95, 50), rare_wilson(0.5, 200)
    rate = 0.7 * 0.95 + 0.3 * 0.5
    low = rate - math.hypot(0.7 * (0.95 - l1), 0.3 * (0.5 - l2))
    high = rate + math.hypot(0.7 * (u1 - 0.95), 0.3 * (u2 - 0.5))
    assert bounded_interval(shares) == pytest.approx((low, high), abs=1e-6)


def test_far_bounds_are_covered_one_sided():
    """Imbens and Manski: at a distance either limit is wrong in 5 % of cases alone, not in 2.5 %."""
    low, high = bounded_interval([BoundedShare(0.4, 0.3, 1000)])
    assert low == pytest.approx(wilson(0.4, 1000, 1.644854)[0], abs=1e-5)
    assert high == pytest.approx(wilson(0.7, 1000, 1.644854)[1], abs=1e-5)


def test_nothing_drawn_is_nothing_known():
    assert bounded_interval([BoundedShare(0.0, 1.0, 0.0)]) == (0.0, 1.0)
    low, high = bounded_interval([BoundedShare(0.0, 1.0, 0.0, 0.2), BoundedShare(0.9, 0.0, 10_000, 0.8)])
    assert 0.70 < low < 0.72
    assert 0.92 < high < 0.94


SHARES = st.builds(
    lambda right, unknown, size, part: BoundedShare(right * (1 - unknown), unknown, size, part),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0.5, 1e6),
    st.floats(0.01, 1),
)


@given(st.lists(SHARES, min_size=1, max_size=3))
def test_an_interval_holds_its_bounds_and_stays_within_0_and_1(shares):
    parts = sum(share.part for share in shares)
    shares = [BoundedShare(one.right, one.unknown, one.size, one.part / parts) for one in shares]
    low, high = bounded_interval(shares)
    bound = sum(one.part * one.right for one in shares)
    assert 0 <= low <= bound + 1e-9
    assert bound + sum(one.part * one.unknown for one in shares) - 1e-9 <= high <= 1
