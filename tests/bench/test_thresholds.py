"""Accepted detections are right as often as the target asks for: a few of the measure's runs."""

import pytest
from bench.drift import uploads

from bench import thresholds


@pytest.mark.parametrize(("target", "tested"), [(0.9, 1000), (0.98, 5000)])
def test_a_target_is_reached(target: float, tested: int) -> None:
    reached, accepted = thresholds._of_case(uploads(seed=0), target, tested, runs=5)
    assert reached.value >= 4, reached
    assert accepted.value > 0.5
