"""How soon a reviewer whose answers cannot be trusted is reported, and how often a good one is."""

from collections.abc import Callable
from itertools import islice
from random import Random

from bench.figures import Figure
from label_loop.domain.reviewers import REPORTED_AT, evidence

RUNS = 200
_ANSWERS = 60
_LONG = 2000


def measure(runs: int) -> list[Figure]:
    """Return how many of the runs, seeds 1 to ``runs``, report each of three reviewers; one of them is bad."""
    bad = [_reported_after(seed, 0.2, _ANSWERS) for seed in range(1, runs + 1)]
    found = [after for after in bad if after is not None]
    good = _share(runs, lambda seed: _reported_after(1000 + seed, 0.05, _ANSWERS))
    ever = _share(runs, lambda seed: _reported_after(2000 + seed, 0.05, _LONG))
    better = _share(runs, lambda seed: _reported_after(3000 + seed, 0.02, _LONG))
    name = f"reviewers of {runs} reported within {_ANSWERS} gold answers"
    half = sorted(found)[len(found) // 2] if found else 0
    return [
        Figure(f"{name}: 20 % wrong", len(found), at_least=0.9 * runs, note=f"half of them after {half}"),
        Figure(f"share of {name}: 5 % wrong", good, at_most=0.05, digits=3),
        Figure(f"share of reviewers ever reported, in {_LONG}: 5 % wrong", ever, at_most=0.05, digits=3),
        Figure(f"share of reviewers ever reported, in {_LONG}: 2 % wrong", better, at_most=0.05, digits=3),
    ]


def _share(runs: int, reported: Callable[[int], int | None]) -> float:
    return sum(reported(seed) is not None for seed in range(1, runs + 1)) / runs


def _reported_after(seed: int, error: float, answers: int) -> int | None:
    """Return after how many gold answers a reviewer is reported, or None."""
    chance = Random(seed)
    right = (chance.random() >= error for _ in range(answers))
    reached = (number for number, value in enumerate(evidence(right), 1) if value >= REPORTED_AT)
    return next(islice(reached, 1), None)
