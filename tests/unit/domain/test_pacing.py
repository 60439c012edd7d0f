"""Pacing: a steady rate, that no burst breaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.pacing import IMAGES_PER_SECOND_PER_UNIT, Pacer


@pytest.mark.parametrize("units", [1, 2, 5])
def test_the_rate_is_what_the_units_serve_or_just_below(units):
    pacer = Pacer(units)
    delays = [pacer.delay_seconds(100.0) for _ in range(1000)]
    assert delays[0] == 0
    assert delays == sorted(delays)
    rate = (len(delays) - 1) / (delays[-1] + 1.0)
    assert 0.95 * IMAGES_PER_SECOND_PER_UNIT * units <= rate <= IMAGES_PER_SECOND_PER_UNIT * units * 1.001


@given(units=st.integers(1, 5), pauses=st.lists(st.sampled_from([0.0, 0.01, 0.2, 1.0, 7.0, 3600.0]), max_size=80))
def test_no_window_has_more_calls_than_the_rate_and_one_seconds_burst(units, pauses):
    pacer, now, starts = Pacer(units), 1000.0, []
    for pause in pauses:
        now += pause
        starts.append(now + pacer.delay_seconds(now))
    assert starts == sorted(starts)
    rate = IMAGES_PER_SECOND_PER_UNIT * units
    for first, start in enumerate(starts):
        for count, end in enumerate(starts[first:], 1):
            assert count <= rate * (end - start) + rate + 1 + 1e-6


@given(units=st.integers(1, 5), gap=st.floats(0, 10))
def test_calls_slower_than_the_rate_never_wait(units, gap):
    pacer, now = Pacer(units), 0.0
    for _ in range(20):
        assert pacer.delay_seconds(now) < 1e-6
        now += pacer.interval_seconds + gap


def test_a_caller_that_waits_as_told_uses_what_it_pays():
    pacer, now = Pacer(1), 0.0
    for _ in range(500):
        now += pacer.delay_seconds(now)
    assert 0.95 * IMAGES_PER_SECOND_PER_UNIT <= 500 / now <= 1.02 * IMAGES_PER_SECOND_PER_UNIT


def calls_within(pacer, since, seconds):
    """Return how many calls start, by a caller that waits as told."""
    now, calls = since, 0
    while now < since + seconds:
        now += pacer.delay_seconds(now)
        calls += 1
    return calls


def test_throttling_halves_the_pace_and_it_recovers_slowly():
    pacer = Pacer(2)
    before = calls_within(pacer, 100.0, 2)
    pacer.throttled(102.0)
    assert calls_within(pacer, 102.0, 2) == pytest.approx(before / 2, abs=2)
    assert before * 0.7 < calls_within(pacer, 108.0, 2) < before
    assert calls_within(pacer, 112.0, 2) == pytest.approx(before, abs=1)


def test_calls_that_are_throttled_together_are_one_sign():
    one, many = Pacer(1), Pacer(1)
    one.throttled(50.0)
    for n in range(16):
        many.throttled(50.0 + n / 100)
    assert calls_within(one, 51.0, 4) == calls_within(many, 51.0, 4)


def test_throttling_without_end_slows_down_to_an_eighth_and_never_stops():
    pacer = Pacer(5)
    for n in range(100):
        pacer.throttled(float(n))
    assert calls_within(pacer, 99.0, 4) == pytest.approx(4 * 5 * IMAGES_PER_SECOND_PER_UNIT / 5, rel=0.4)
    assert pacer.delay_seconds(99.0) <= 8 * pacer.interval_seconds + 4
