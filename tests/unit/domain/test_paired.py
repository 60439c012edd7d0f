"""How sure a difference between two versions on the same images is."""

import random
from math import comb, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.paired import loss_p_value, score_bounds, significant

COUNTS = st.integers(0, 400)


def test_the_bounds_are_those_that_are_published():
    # Fagerland, Lydersen and Laake (Statistics in Medicine 33, 2014): 1 and 7 of 21 differ, two-sided 95 %.
    low, high = score_bounds(1, 7, 21, 0.025)
    assert [low, high] == pytest.approx([-0.517, -0.026], abs=0.001)


@given(gained=COUNTS, lost=COUNTS, same=COUNTS)
def test_the_bounds_enclose_the_difference_and_turn_round_with_the_versions(gained, lost, same):
    pairs = gained + lost + same
    low, high = score_bounds(gained, lost, pairs, 0.1)
    assert -1 <= low <= high <= 1
    if pairs:
        assert low - 1e-9 <= (gained - lost) / pairs <= high + 1e-9
    assert list(score_bounds(lost, gained, pairs, 0.1)) == pytest.approx([-high, -low], abs=1e-9)


def test_without_pairs_nothing_is_known():
    assert score_bounds(0, 0, 0, 0.1) == (-1, 1)


def test_where_nothing_differs_more_images_say_more():
    few, many = score_bounds(0, 0, 20, 0.1), score_bounds(0, 0, 2000, 0.1)
    assert few[1] > 0.05
    assert 0 < many[1] < 0.001


@pytest.mark.parametrize(("pairs", "gain", "loss"), [(30, 0.1, 0.1), (100, 0.05, 0.02), (200, 0.02, 0.08), (200, 0, 0)])
def test_each_bound_is_wrong_about_as_often_as_it_says(pairs, gain, loss):
    chance, runs, wrong = random.Random(7), 1500, [0, 0]
    for _ in range(runs):
        drawn = [chance.random() for _ in range(pairs)]
        gained, lost = sum(one < gain for one in drawn), sum(gain <= one < gain + loss for one in drawn)
        low, high = score_bounds(gained, lost, pairs, 0.1)
        wrong[0] += gain - loss < low
        wrong[1] += gain - loss > high
    assert max(wrong) <= runs * (0.1 + 3 * sqrt(0.1 * 0.9 / runs) + 0.02)  # a score test of so few is not exact


@pytest.mark.parametrize(("gained", "lost", "p_value"), [(0, 0, 1), (0, 5, 1 / 32), (5, 0, 1), (3, 3, 42 / 64)])
def test_a_loss_is_as_likely_as_coins_say(gained, lost, p_value):
    assert loss_p_value(gained, lost) == pytest.approx(p_value)


def test_losses_of_many_images_are_counted_exactly():
    assert loss_p_value(400, 400) == pytest.approx(0.5 + comb(800, 400) / 2**801)


def test_of_many_names_only_what_holds_together_is_significant():
    assert significant({"a": 0.001, "b": 0.02, "c": 0.04, "d": 0.9}, 0.05) == ["a"]
    assert significant({"a": 0.001, "b": 0.016, "c": 0.024, "d": 0.04}, 0.05) == ["a", "b", "c", "d"]
    assert significant({"a": 0.06}, 0.05) == significant({}, 0.05) == []
