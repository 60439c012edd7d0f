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
