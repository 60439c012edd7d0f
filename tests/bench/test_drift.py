"""Drift of real streams is reported, and none where there is none: a few of the measure's histories."""

import pytest

from bench import drift


def test_a_stream_that_does_not_drift_is_not_reported() -> None:
    for draw in (drift._independent, drift._bursts):
        days = list(drift._days(0, 36, draw, drift.as_is))
        assert drift._first_alarm(days, 33) is None


@pytest.mark.parametrize(("change", "within"), [(drift._rotated, 3), (drift._thinned, 14)])
def test_a_stream_that_drifts_is_reported_in_time(change: drift.Change, within: int) -> None:
    figure = drift._reported("drift", change, histories=1, within=within)
    assert figure.holds, figure
