"""Confidence intervals of shares."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

Z_95 = 1.959964
_Z_95_ONE_SIDED = 1.644854
_STEPS = 40  # of a bisection
_FEW = 10  # draws
_RARE = 0.3  # a share
_TERMS = 40  # of a series that falls at least as fast as 0.5 to their number
_NORMAL = NormalDist()


def wilson(share: float, size: float, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson score interval (low, high) of a share of ``size`` independent draws, above 0.

    It is valid for small samples and for shares of 0 and 1 (Wilson, JASA 22, 1927). For draws of different weights,
    ``share`` is the weighted one and ``size`` their effective number, which need not be whole.
    """
    z2 = z**2
    middle = share + z2 / (2 * size)
    reach = z * math.sqrt(share * (1 - share) / size + z2 / (4 * size * size))
    low, high = (middle - reach) / (1 + z2 / size), (middle + reach) / (1 + z2 / size)
    # Floating-point rounding must not exclude the share itself.
    return min(max(low, 0.0), share), max(min(high, 1.0), share)


def rare_wilson(share: float, size: float, z: float = Z_95) -> tuple[float, float]:
    """Return ``wilson``, with the limit next to 0 or 1 moved outward where few draws differ from the others.

    Wilson's limit is too close there: of 14 draws of a share of 0.99 it misses the share in 13 % of cases (Brown, Cai
    and DasGupta, Statistical Science 16, 2001). The limit is the exact one of a Poisson count instead (Garwood,
    Biometrika 28, 1936).
    """
    low, high = wilson(share, size, z)
    return min(low, _rare_limit(share, size, z)), max(high, 1 - _rare_limit(1 - share, size, z))


def _rare_limit(share: float, size: float, z: float) -> float:
    """Return the share of which as many or more are found as seldom as ``z`` says; 1 if the share is not rare."""
    count, tail = share * size, 1 - _NORMAL.cdf(z)
    if not 0 < count <= _FEW or share > _RARE:
        return 1.0
    low, high = 0.0, count
    for _ in range(_STEPS):
        mean = (low + high) / 2
        if _poisson_tail(count, mean) < tail:
            low = mean
        else:
            high = mean
    return low / size


def _poisson_tail(count: float, mean: float) -> float:
    """Return the probability of ``count`` or more, also of a count that is not whole: the incomplete gamma function."""
    term = total = math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))
    for number in range(1, _TERMS):
        term *= mean / (count + number)
        total += term
    return total


def effective_size(weight: float, squared_weight: float) -> float:
    """Return of how many draws of one weight the variance is, from the sums of weights and squares (Kish, 1965)."""
    return weight * weight / squared_weight if squared_weight else 0.0


@dataclass(frozen=True)
class BoundedShare:
    """A share of which a part is unknown: ``right`` is known to count, ``unknown`` may; both are shares of all.

    ``part`` is its part of the whole that it belongs to, and ``size`` the effective number of draws. Without draws,
    all of it is unknown.
    """

    right: float
    unknown: float
    size: float
    part: float = 1.0


def bounded_interval(shares: Sequence[BoundedShare]) -> tuple[float, float]:
    """Return the 95 % interval (low, high) of the sum of shares by their parts, whatever the unknown would say.

    The limits of each share are Wilson's, joined by the squares of their distances (Zou and Donner, Statistics in
    Medicine 27, 2008). The interval covers the true value, which lies between two bounds that are estimated, and not
    both bounds (Imbens and Manski, Econometrica 72, 2004). Where nothing is unknown, it is the usual one.
    """
    low = sum(share.part * share.right for share in shares)
    unknown = sum(share.part * share.unknown for share in shares)
    reach = max(_reaches(shares, Z_95))
    below, above = _reaches(shares, _critical_value(unknown, reach / Z_95))
    return max(low - below, 0.0), min(low + unknown + above, 1.0)


def _reaches(shares: Sequence[BoundedShare], z: float) -> tuple[float, float]:
    """Return how far the limits lie below the lower and above the upper bound of the sum."""
    below = above = 0.0
    for share in shares:
        if share.size:
            highest = min(share.right + share.unknown, 1.0)
            below += (share.part * (share.right - rare_wilson(share.right, share.size, z)[0])) ** 2
            above += (share.part * (rare_wilson(highest, share.size, z)[1] - highest)) ** 2
    return math.sqrt(below), math.sqrt(above)


def _critical_value(width: float, error: float) -> float:
    """Return z with which the limits of bounds that far apart cover the value between them in 95 % of cases."""
    if not error:
        return Z_95
    low, high = _Z_95_ONE_SIDED, Z_95
    for _ in range(_STEPS):
        z = (low + high) / 2
        if _NORMAL.cdf(z + width / error) - _NORMAL.cdf(-z) < 0.95:
            low = z
        else:
            high = z
    return high
