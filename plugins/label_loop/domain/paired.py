"""Statistics of two versions on the same images: how sure a difference is, and which labels are worse.

On each image a version is right or wrong. Images on which both agree say nothing about which one is better, so all that
counts is on how many only the one, and on how many only the other was right.
"""

import math
from collections.abc import Mapping
from statistics import NormalDist

_STEPS = 60  # of a bisection of an interval of width 2, far below any figure that is shown


def score_bounds(gained: int, lost: int, pairs: int, one_sided: float) -> tuple[float, float]:
    """Return the lower and the upper bound of the difference in accuracy, -1 to 1, each with this error rate.

    ``gained`` of the pairs only the new version was right on, ``lost`` only the old one. The bounds are those of the
    score test (Tango, Statistics in Medicine 17, 1998), which hold for small samples and where nothing differs. Without
    pairs they are -1 and 1.
    """
    if not pairs:
        return -1.0, 1.0
    z = NormalDist().inv_cdf(1 - one_sided)
    return _root(gained, lost, pairs, z), _root(gained, lost, pairs, -z)


def _root(gained: int, lost: int, pairs: int, z: float) -> float:
    """Return the difference at which the score is ``z``; the score falls as the difference grows."""
    low, high = -1.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _score(gained, lost, pairs, middle) > z:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _score(gained: int, lost: int, pairs: int, difference: float) -> float:
    """Return the score of a difference: how many standard errors the observed one lies above it."""
    # The share of pairs that only the old version is right on, as likely as can be under the difference.
    a = 2 * pairs
    b = -gained - lost + (2 * pairs - gained + lost) * difference
    c = -lost * difference * (1 - difference)
    share = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    variance = pairs * (2 * share + difference * (1 - difference))
    above = gained - lost - pairs * difference
    if variance <= 0:
        return math.copysign(math.inf, above) if above else 0.0
    return above / math.sqrt(variance)


def loss_p_value(gained: int, lost: int) -> float:
    """Return the probability of at least so many losses among the differing images if both versions were equally good.

    It is the one-sided exact test of McNemar (Psychometrika 12, 1947).
    """
    differing = gained + lost
    ways = sum(math.comb(differing, k) for k in range(lost, differing + 1))
    return ways / (1 << differing)


def significant(p_values: Mapping[str, float], level: float) -> list[str]:
    """Return the names whose p-values are significant together, smallest first, by the method of Holm (1979).

    Among names of which none is worse, one is returned with a probability of at most ``level``.
    """
    found = []
    for number, (name, p_value) in enumerate(sorted(p_values.items(), key=lambda item: (item[1], item[0]))):
        if p_value > level / (len(p_values) - number):
            break
        found.append(name)
    return found
