"""Ten challengers in a row, each truly one point worse than what serves: how much a loop loses in all."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from bench.figures import Figure
from bench.honesty import SETTINGS
from label_loop.domain.comparison import Comparison, LabelComparison, judge, without_a_person

CHALLENGERS, WORSE = 10, 0.01
TURNOVERS = (0.01, 0.03, 0.06)  # the share of images on which a challenger differs from what serves
TESTED, IMAGES, LABELS, ACCURACY = 200, 20_000, 10, 0.92
_MOST, _FEW = 0.03, 0.05
type Right = np.ndarray[tuple[int], np.dtype[np.bool_]]  # on which images a version is right


@dataclass
class _Serving:
    version: Right
    best: Right | None = None  # None before the first comparison


def measure(runs: int) -> list[Figure]:
    """Return in which share of the runs ten challengers cost more than 3 points."""
    figures = []
    for turnover in TURNOVERS:
        lost = [_lost(seed, turnover) for seed in range(1, runs + 1)]
        figures.append(
            Figure(
                f"ten challengers, each 1 point worse, {100 * turnover:.0f} % of answers differ: > 3 points lost",
                mean(one > _MOST for one in lost),
                at_most=_FEW,
                note=f"of {runs} runs; {100 * mean(lost):.1f} points in the mean, {100 * max(lost):.0f} at worst. "
                f"The same {TESTED} images judge all ten, and some are lucky: more test images are what helps",
            )
        )
    return figures


def _lost(seed: int, turnover: float) -> float:
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, LABELS, IMAGES)
    tested = chance.choice(IMAGES, TESTED, replace=False)  # what is held out stays held out
    first = chance.random(IMAGES) < ACCURACY
    serving = _Serving(first)
    for _ in range(CHALLENGERS):
        challenger = _worse(serving.version, turnover, chance)
        compared = _compared(challenger, serving.version, labels, tested)
        best = None
        if serving.best is not None and serving.best is not serving.version:
            best = _compared(challenger, serving.best, labels, tested)
        verdict = without_a_person(judge(compared, best, SETTINGS), compared, best)
        serving.best = serving.version if serving.best is None else serving.best
        if verdict.action == "deploy":
            if compared.gained >= compared.lost and (best is None or best.gained > best.lost):
                serving.best = challenger
            serving.version = challenger
    return float(first.mean() - serving.version.mean())


def _worse(version: Right, turnover: float, chance: np.random.Generator) -> Right:
    """Return a version that differs on a share of all images and is truly 1 point worse."""
    changed = version.copy()
    for was_right, share in ((True, (turnover + WORSE) / 2), (False, (turnover - WORSE) / 2)):
        candidates = np.flatnonzero(version == was_right)
        chosen = chance.choice(candidates, round(share * IMAGES), replace=False)
        changed[chosen] = not was_right
    return changed


def _compared(challenger: Right, other: Right, labels: Sequence[int], tested: Sequence[int]) -> Comparison:
    by_label = {}
    of = np.asarray(labels)[tested]
    new, old = challenger[tested], other[tested]
    for label in range(LABELS):
        mine = of == label
        gained, lost = int((new & ~old & mine).sum()), int((old & ~new & mine).sum())
        by_label[str(label)] = LabelComparison(gained, lost, int(mine.sum()), int((old & mine).sum()))
    return Comparison(by_label)
