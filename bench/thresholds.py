"""Whether accepted detections are right as often as a target asks for, and how many are accepted.

The population is what a real model of the local endpoint says of digits that it was not trained with; its precision at
a threshold is known exactly. Each run draws a test set from it, with replacement; run n draws with seed n.
"""

from collections.abc import Iterator

import numpy as np

from bench.drift import Detected, uploads
from bench.figures import Figure
from label_loop.domain.thresholds import JudgedDetection, LabelThreshold, label_thresholds

LOWEST_PERCENT = 50.0
CASES = ((0.9, 1000), (0.95, 1000), (0.95, 5000), (0.98, 5000))  # target precision, test images


def measure(runs: int) -> list[Figure]:
    """Return, for each target and size of the test set, in how many runs the worst label reaches the target."""
    detected = uploads(seed=1)
    return [figure for target, tested in CASES for figure in _of_case(detected, target, tested, runs)]


def _of_case(detected: Detected, target: float, tested: int, runs: int) -> Iterator[Figure]:
    reached: dict[str, list[bool]] = {}
    accepted: list[float] = []
    for run in range(runs):
        found = {one.label: one for one in _thresholds(detected, target, tested, run)}
        accepted.append(_accepted(detected, found))
        for label, threshold in found.items():
            reached.setdefault(label, []).append(_precision(detected, threshold) >= target)
    name = f"target precision {target:g}, {tested} test images of 10 labels"
    worst = min((sum(ones) + runs - len(ones) for ones in reached.values()), default=runs)
    yield Figure(f"{name}: runs of {runs} in which the worst label reaches it", worst, at_least=0.95 * runs)
    plain = float((detected.confidences >= LOWEST_PERCENT / 100).mean())
    note = f"{len(reached)} labels have enough; {plain:.2f} at {LOWEST_PERCENT:g} % alone"
    yield Figure(f"{name}: share accepted", float(np.mean(accepted)), note=note)


def _thresholds(detected: Detected, target: float, tested: int, run: int) -> list[LabelThreshold]:
    chosen = np.random.default_rng(run).integers(0, len(detected.truth), tested)
    judged = (
        JudgedDetection(
            str(detected.labels[index]),
            100 * float(detected.confidences[index]),
            bool(detected.labels[index] == detected.truth[index]),
        )
        for index in chosen
    )
    return label_thresholds(judged, target, LOWEST_PERCENT)


def _minimum(threshold: LabelThreshold | None) -> float:
    if threshold is None:
        return LOWEST_PERCENT
    return 100.0 if threshold.minimum_percent is None else threshold.minimum_percent


def _precision(detected: Detected, threshold: LabelThreshold) -> float:
    """Return the precision of the detections that a threshold accepts; 1 if it accepts none."""
    accepted = (detected.labels == threshold.label) & (100 * detected.confidences >= _minimum(threshold))
    right = accepted & (detected.labels == detected.truth)
    return float(right.sum() / accepted.sum()) if accepted.any() else 1.0


def _accepted(detected: Detected, thresholds: dict[str, LabelThreshold]) -> float:
    minimums = np.array([_minimum(thresholds.get(str(label))) for label in detected.labels])
    return float((100 * detected.confidences >= minimums).mean())
