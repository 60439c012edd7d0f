"""How often the former version returns: where the new one fails more often, and where it does not.

It is looked at after each upload, more often than the loop does. Seeds are fixed: bake n draws with seed n.
"""

from collections.abc import Sequence
from statistics import median

import numpy as np

from bench.figures import Figure
from label_loop.domain.bake import FEWEST_UPLOADS, Share, is_higher

EQUAL_RATES = (0.0, 0.005, 0.05)
UPLOADS = ((100, 700), (2000, 700))
"""Of the new version, and of the former one in the days before."""
FAILING = 0.3
_FALSE = 0.002
_FOUND = 0.99


def measure(bakes: int) -> list[Figure]:
    """Return the share of bakes that end with a return, for each rate of failures."""
    figures = []
    for rate in EQUAL_RATES:
        for uploads, before in UPLOADS:
            found = [_returns_after(seed, rate, rate, uploads, before) for seed in range(1, bakes + 1)]
            returned = sum(after is not None for after in found) / bakes
            name = f"equal failures of {100 * rate:g} %, {uploads} uploads after {before}: the former version returns"
            figures.append(Figure(name, returned, at_most=_FALSE, digits=4, note=f"of {bakes} bakes"))
    return [*figures, *(_detection(bakes, rate) for rate in (0.0, 0.05))]


def _detection(bakes: int, rate: float) -> Figure:
    uploads, before = UPLOADS[0]
    found = [_returns_after(seed, FAILING, rate, uploads, before) for seed in range(1, bakes + 1)]
    after: Sequence[int] = [one for one in found if one is not None]
    return Figure(
        f"{100 * FAILING:g} % of {uploads} uploads fail, {100 * rate:g} % before: the former version returns",
        len(after) / bakes,
        at_least=_FOUND,
        digits=4,
        note=f"of {bakes} bakes, after {median(after):g} uploads in the median" if after else "",
    )


def _returns_after(seed: int, rate: float, former_rate: float, uploads: int, before: int) -> int | None:
    """Return after how many uploads the former version returns, or None."""
    chance = np.random.default_rng(seed)
    former = Share(int((chance.random(before) < former_rate).sum()), before)
    fails = chance.random(uploads) < rate
    failed = np.cumsum(fails)
    # A success makes no return likelier, but for the upload from which on there are enough.
    looked_at = sorted({FEWEST_UPLOADS, *(int(number) + 1 for number in np.flatnonzero(fails))})
    for number in looked_at:
        if is_higher(Share(int(failed[number - 1]), number), former):
            return number
    return None
