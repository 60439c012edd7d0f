"""Drift of one project version: whether its error has risen, and whether what it sees has changed.

Both are tested anew every day of a version's life, and each has a rate of false alarms for that whole life, however
long it is.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from operator import mul

from label_loop.domain import statistics
from label_loop.domain.insight import DailyCounts, Share

ERROR_ALARM_EVIDENCE = 20.0  # reached in at most 1 / 20 of lives in which the error does not rise
INPUT_FALSE_ALARM_RATE = 0.03  # of lives in which the input does not change
HISTORY_DAYS = 28
RECENT_DAYS = 14

_GRID = 50  # error rates that the mixture consists of
_DECAY = 1.2  # of the share of the false alarm rate that each day may spend
_ZETA_OF_DECAY = 5.5915824  # the sum of all day ** -_DECAY
_ENOUGH_EXCEEDANCES = 10
_MOST_PERMUTATIONS = 200_000
_PERMUTATIONS_PER_LEVEL = 5
_WEEKDAY_PERMUTATIONS = 199
_WEEKDAYS_DIFFER = 0.025  # at most; below this, days are only compared with days of the same weekday


# ------------------------------------------------------------------------ error


@dataclass(frozen=True)
class ErrorDrift:
    """Whether people disagree more often with the human samples of recent days than with those before.

    ``evidence`` exceeds 20 with a probability of at most 5 % if the error never rose. ``since`` is the most likely day
    of the rise, ``before`` and ``after`` the wrong samples until and since that day; they are None without a day to
    compare.
    """

    evidence: float
    since: str | None
    before: Share | None
    after: Share | None

    @property
    def is_alarm(self) -> bool:
        """Whether the error has risen."""
        return self.evidence >= ERROR_ALARM_EVIDENCE


def error_drift(days: Sequence[DailyCounts]) -> ErrorDrift:
    """Return whether the error in the human samples of a version has risen.

    ``days`` are those of the version's whole life, oldest first. For each day, the hypothesis that the error rose on
    that day is a mixture of pairs of error rates (Jeffreys' prior, the later rate being higher), and its evidence is
    the likelihood of that mixture over the highest likelihood of any constant rate: an e-process for an unknown rate,
    by universal inference (Wasserman, Ramdas and Balakrishnan, 2020; for binary data Ramdas, Ruf, Larsson and Koolen,
    2022). The k-th day has the weight 1 / (k (k + 1)). The weighted sum is an e-process as well, and exceeds 20 with a
    probability of at most 5 % at any time (Ville, 1939). The order in which answers arrive does not change it, so late
    answers do no harm.
    """
    counted = _answers(days)
    wrong, answered = [0, *accumulate(one for one, _ in counted)], [0, *accumulate(one for _, one in counted)]
    total = Share(wrong[-1], answered[-1])
    constant = _highest_log_likelihood(total)
    evidence, best = 1 / max(len(counted), 1), (0.0, 0)
    for day in range(1, len(counted)):
        before = Share(wrong[day], answered[day])
        after = Share(total.part - before.part, total.whole - before.whole)
        if not before.whole or not after.whole:
            weighted = 1.0
        else:
            weighted = math.exp(min(_log_mixture(before, after) - constant, 600))
        weighted /= day * (day + 1)
        evidence += weighted
        if before.whole and after.whole:
            best = max(best, (weighted, day))
    if not best[1]:
        return ErrorDrift(evidence, None, None, None)
    day = best[1]
    since = date.fromordinal(date.fromisoformat(days[0].day).toordinal() + day).isoformat()
    before = Share(wrong[day], answered[day])
    return ErrorDrift(evidence, since, before, Share(total.part - before.part, total.whole - before.whole))


def _answers(days: Sequence[DailyCounts]) -> list[tuple[int, int]]:
    """Return the wrong and all answered samples of each calendar day from the first to the last."""
    if not days:
        return []
    first = date.fromisoformat(days[0].day).toordinal()
    found = [(0, 0)] * (date.fromisoformat(days[-1].day).toordinal() - first + 1)
    for day in days:
        answered = day[statistics.answered_counter(statistics.SAMPLES)]
        agreed = day[statistics.agreed_counter(statistics.SAMPLES)]
        found[date.fromisoformat(day.day).toordinal() - first] = (answered - agreed, answered)
    return found


# Equally likely error rates by Jeffreys' prior, Beta(1/2, 1/2), whose quantiles are those of the arcsine law.
_RATES = [math.sin(math.pi * (n + 0.5) / (2 * _GRID)) ** 2 for n in range(_GRID)]
_LOGS = [(math.log(rate), math.log1p(-rate)) for rate in _RATES]
_LOG_PAIRS = math.log(_GRID * (_GRID - 1) / 2)


def _log_mixture(before: Share, after: Share) -> float:
    """Return the log likelihood of the mixture of all pairs of rates of which the second is higher."""
    lows, highs = _log_likelihoods(before), _log_likelihoods(after)
    top_low, top_high = max(lows), max(highs)
    higher, total = 0.0, 0.0
    for low, high in zip(reversed(lows), reversed(highs), strict=True):
        total += math.exp(low - top_low) * higher
        higher += math.exp(high - top_high)
    return (math.log(total) if total else -math.inf) + top_low + top_high - _LOG_PAIRS


def _log_likelihoods(share: Share) -> list[float]:
    part, rest = share.part, share.whole - share.part
    return [part * log_rate + rest * log_rest for log_rate, log_rest in _LOGS]


def _highest_log_likelihood(share: Share) -> float:
    parts = (share.part, share.whole - share.part)
    return sum(part * math.log(part / share.whole) for part in parts if part)


# ------------------------------------------------------------------------ input


@dataclass(frozen=True)
class InputDrift:
    """Whether a version's latest detections differ from those before, in confidence or in the labels detected.

    ``p_value`` is that of the latest day, and ``level`` what it must not exceed for an alarm; both are None until a
    version has detections on more than 28 days. ``since`` is the first of the days that differ most from those before,
    ``before`` and ``after`` the accepted detections until and since that day. ``matches_weekdays``: weekdays differ, so
    days were only compared with days of the same weekday.
    """

    days: int
    p_value: float | None = None
    level: float | None = None
    since: str | None = None
    before: Share | None = None
    after: Share | None = None
    matches_weekdays: bool = False

    @property
    def is_alarm(self) -> bool:
        """Whether the input has changed."""
        return self.p_value is not None and self.level is not None and self.p_value <= self.level


def input_drift(days: Sequence[DailyCounts]) -> InputDrift:
    """Return whether what a version detects has changed within the last 14 days.

    ``days`` are those of the version's whole life that are complete, oldest first; days without detections are left
    out. Images of one day are alike more often than those of different days, so the days are exchanged, not the
    detections: a permutation test over days, whose statistic is the largest deviation of the last 1 to 14 days from all
    others (Antoch and Hušková, 2001), in counts by confidence class and by label. It ends early where there is nothing
    to find (Besag and Clifford, 1991). The k-th tested day may spend a share of the false alarm rate that falls with k,
    as in LOND before its first discovery (Javanmard and Montanari, 2018), so that the rate holds for all days of a life
    together, whatever their dependence. The test is deterministic: chance is seeded by version and day.
    """
    used = [day for day in days if day[statistics.DETECTIONS]]
    tested = len(used) - HISTORY_DAYS
    if tested <= 0:
        return InputDrift(len(used))
    profiles = _Profiles(used)
    chance = random.Random(f"{used[-1].version} {used[-1].day}")
    strata = profiles.weekdays if profiles.weekdays_differ(chance) else [0] * len(used)
    level = INPUT_FALSE_ALARM_RATE * tested**-_DECAY / _ZETA_OF_DECAY
    latest = list(range(len(used)))[: -RECENT_DAYS - 1 : -1]
    observed, length = profiles.largest_deviation(latest)
    p_value = _p_value(
        lambda: profiles.largest_deviation(_drawn(strata, latest, chance))[0] >= observed * (1 - 1e-9),
        min(_MOST_PERMUTATIONS, math.ceil(_PERMUTATIONS_PER_LEVEL / level)),
    )
    return InputDrift(
        days=len(used),
        p_value=p_value,
        level=level,
        since=used[-length].day,
        before=_accepted(used[:-length]),
        after=_accepted(used[-length:]),
        matches_weekdays=any(strata),
    )


def _accepted(days: Sequence[DailyCounts]) -> Share:
    return Share(*(sum(day[counter] for day in days) for counter in (statistics.ACCEPTED, statistics.DETECTIONS)))


def _p_value(is_exceeded: Callable[[], bool], most: int) -> float:
    """Return the p-value of a permutation test; ``is_exceeded`` draws a permutation and compares it."""
    exceeded = 0
    for drawn in range(1, most + 1):
        exceeded += is_exceeded()
        if exceeded == _ENOUGH_EXCEEDANCES:
            return exceeded / drawn
    return (exceeded + 1) / (most + 1)


def _drawn(strata: Sequence[int], latest: Sequence[int], chance: random.Random) -> list[int]:
    """Return days in place of the latest ones, each of the same stratum."""
    drawn: dict[int, list[int]] = {}
    for stratum in sorted({strata[day] for day in latest}):
        members = [day for day, of in enumerate(strata) if of == stratum]
        drawn[stratum] = chance.sample(members, sum(strata[day] == stratum for day in latest))
    return [drawn[strata[day]].pop() for day in latest]


class _Profiles:
    """The days as vectors of standardized counts, and the inner products of these, which all deviations consist of.

    A day's vector is its counts less what the shares of all days make expected, over the root of those shares, so that
    the squared length of a sum is a chi-square statistic. Confidence and labels have the same weight, however many
    labels there are.
    """

    def __init__(self, days: Sequence[DailyCounts]) -> None:
        self.sizes = [day[statistics.DETECTIONS] for day in days]
        self.total = sum(self.sizes)
        self.weekdays = [date.fromisoformat(day.day).weekday() for day in days]
        vectors = [list(parts) for parts in zip(*map(self._standardized, _blocks(days)), strict=True)]
        flat = [[value for part in parts for value in part] for parts in vectors]
        lower = [[sum(map(mul, one, other)) for other in flat[: n + 1]] for n, one in enumerate(flat)]
        self.products = [[*row, *(lower[m][n] for m in range(n + 1, len(flat)))] for n, row in enumerate(lower)]

    def _standardized(self, block: Sequence[Mapping[str, int]]) -> list[list[float]]:
        counted: dict[str, int] = {}
        for day in block:
            for name, count in day.items():
                counted[name] = counted.get(name, 0) + count
        shares = {name: count / self.total for name, count in counted.items()}
        freedom = max(len(shares) - 1, 1)
        scales = {name: 1 / math.sqrt(math.sqrt(freedom) * share) for name, share in shares.items()}
        return [
            [(day.get(name, 0) - size * share) * scales[name] for name, share in shares.items()]
            for day, size in zip(block, self.sizes, strict=True)
        ]

    def largest_deviation(self, days: Sequence[int]) -> tuple[float, int]:
        """Return the largest deviation of the first 1, 2, … days from all others, and of how many days it is."""
        size, length, largest = 0, 0.0, (-1.0, 0)
        products, sizes, total = self.products, self.sizes, self.total
        for count, day in enumerate(days):
            of_day = products[day]
            length += of_day[day] + 2 * sum([of_day[other] for other in days[:count]])
            size += sizes[day]
            deviation = length / (size * (1 - size / total))
            if deviation > largest[0]:
                largest = deviation, count + 1
        return largest

    def weekdays_differ(self, chance: random.Random) -> bool:
        """Return whether weekdays differ in what is detected or in how much, by a permutation test.

        Permuting within weekdays does not change the answer, so it takes nothing from the validity of that test.
        """
        order = list(self.weekdays)
        observed, exceeded = self._weekday_differences(order), [0, 0]
        for _ in range(_WEEKDAY_PERMUTATIONS):
            chance.shuffle(order)
            for kind, difference in enumerate(self._weekday_differences(order)):
                exceeded[kind] += difference >= observed[kind] * (1 - 1e-9)
            if min(exceeded) + 1 > _WEEKDAYS_DIFFER * (_WEEKDAY_PERMUTATIONS + 1):
                return False
        return True

    def _weekday_differences(self, weekdays: Sequence[int]) -> tuple[float, float]:
        groups: dict[int, list[int]] = {}
        for day, weekday in enumerate(weekdays):
            groups.setdefault(weekday, []).append(day)
        profile = amount = 0.0
        for members in groups.values():
            size = sum(self.sizes[day] for day in members)
            length = sum(sum([self.products[day][other] for other in members]) for day in members)
            profile += length / size
            amount += size**2 / len(members)
        return profile, amount


def _blocks(days: Sequence[DailyCounts]) -> list[list[Mapping[str, int]]]:
    """Return the counts by confidence class of each day, and those by label."""
    prefixes = ("confidence ", "label ")
    return [
        [{name: count for name, count in day.counts.items() if name.startswith(prefix)} for day in days]
        for prefix in prefixes
    ]
