"""How good a version is on what it detects, estimated from people's answers to drawn detections.

Only drawn detections estimate it, since which others are answered depends on how hard they are. Those without an answer
are not taken to be like the answered ones: they widen the interval, and if they are more than a few, there is no point
estimate. Versions are never pooled.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from label_loop.domain import statistics
from label_loop.domain.draws import (
    TWICE_ANSWERS,
    TWICE_WEIGHT,
    UNASKED_ROWS,
    Draw,
    Figure,
    Stratum,
    draw_counter,
)
from label_loop.domain.insight import DailyCounts, Share, total
from label_loop.domain.intervals import Z_95, BoundedShare, bounded_interval, effective_size

_MOST_UNANSWERED = 0.05  # with a point estimate
_ANSWERED = (statistics.answered_counter, statistics.agreed_counter)


@dataclass(frozen=True)
class Estimate:
    """An accuracy: its 95 % interval, the share of the drawn that are answered, and from how many answers it is.

    ``rate`` is the point estimate, or None if too few of the drawn are answered.
    """

    interval: tuple[float, float]
    rate: float | None
    answered: float
    answers: int

    def __str__(self) -> str:
        if not self.answers:
            return "not known yet, since no detection that was drawn for it has an answer"
        low, high = (f"{100 * limit:.1f} %" for limit in self.interval)
        answers = f"{self.answers:,} answer" + "s" * (self.answers != 1)
        # Rounded down, so that 100 % is all; what is missing in the last digits of a sum is no answer.
        return f"{low} to {high} is right ({answers}, {math.floor(100 * self.answered + 1e-6)} % answered)"


@dataclass(frozen=True)
class LiveAccuracy:
    """The estimates of one version; None where there was nothing to draw from.

    ``unsampled`` is the number of detections that are in no closed block: in the last one, which is still open, logged
    after it was closed, or from a time without sampling. Blocks do not end with a version, so it is approximate.
    """

    version: str
    accepted_share: Share
    accepted: Estimate | None
    overall: Estimate | None
    unsampled: int


@dataclass(frozen=True)
class _Measured:
    share: BoundedShare
    answers: int


def live_accuracy(version: str, counts: Mapping[str, int]) -> LiveAccuracy:
    """Return the estimates from the counters of one version."""
    rows = _rows(counts)
    detections = sum(rows.values())
    strata = {
        stratum: _measured(counts, stratum, rows[stratum] / detections, rows[stratum])
        for stratum in Stratum
        if rows[stratum]
    }
    sampled = sum(counts.get(draw_counter(stratum, Draw.SAMPLE, Figure.WEIGHT), 0) for stratum in Stratum)
    return LiveAccuracy(
        version=version,
        accepted_share=Share(rows[Stratum.ACCEPTED], detections),
        accepted=_estimate([strata[Stratum.ACCEPTED]]) if rows[Stratum.ACCEPTED] else None,
        overall=_estimate(strata.values()) if strata else None,
        unsampled=max(detections - sampled, 0),
    )


def by_version(days: Iterable[DailyCounts]) -> list[LiveAccuracy]:
    """Return the estimates of each version with detections, the one that detected last first."""
    own: dict[str, list[DailyCounts]] = {}
    for day in sorted(days, key=lambda day: (day.day, day[statistics.DETECTIONS])):
        if day[statistics.DETECTIONS]:
            own[day.version] = [*own.pop(day.version, []), day]
    return [live_accuracy(version, total(some)) for version, some in reversed(own.items())]


def _rows(counts: Mapping[str, int]) -> dict[Stratum, int]:
    accepted, unasked = counts.get(statistics.ACCEPTED, 0), counts.get(UNASKED_ROWS, 0)
    unsure = counts.get(statistics.DETECTIONS, 0) - accepted - unasked
    return {Stratum.ACCEPTED: accepted, Stratum.UNSURE: max(unsure, 0), Stratum.UNASKED: unasked}


def _measured(counts: Mapping[str, int], stratum: Stratum, part: float, rows: int) -> _Measured:
    sample, review = (_drawn(counts, stratum, draw) for draw in Draw)
    is_unsure = stratum is Stratum.UNSURE
    share = _joined(sample, review, counts.get(TWICE_WEIGHT, 0) if is_unsure else 0)
    answers = sum(counts.get(draw_counter(stratum, draw, Figure.ANSWERS), 0) for draw in Draw)
    drawn = _Measured(replace(share, part=part), answers - (counts.get(TWICE_ANSWERS, 0) if is_unsure else 0))
    if not is_unsure:
        return drawn
    # All that people answered of it is another way to know it: those without an answer are unknown, whyever.
    answered, agreed = (counts.get(counter(statistics.REVIEWS), 0) for counter in _ANSWERED)
    everything = _Measured(BoundedShare(agreed / rows, max(rows - answered, 0) / rows, rows, part), answered)
    return min(drawn, everything, key=lambda measured: _widest(measured.share))


def _widest(share: BoundedShare) -> float:
    """Return the width of the interval of a share if it is near a half, so that a choice does not depend on answers."""
    return share.unknown + (Z_95 / math.sqrt(share.size) if share.size else 0.0)


@dataclass(frozen=True)
class _Drawn:
    """The sums of the weights of one draw in one stratum."""

    weight: int
    squared_weight: int
    answered: int
    right: int

    @property
    def size(self) -> float:
        return effective_size(self.weight, self.squared_weight)


def _drawn(counts: Mapping[str, int], stratum: Stratum, draw: Draw) -> _Drawn:
    figures = (Figure.WEIGHT, Figure.SQUARED_WEIGHT, Figure.ANSWERED, Figure.RIGHT)
    return _Drawn(*(counts.get(draw_counter(stratum, draw, figure), 0) for figure in figures))


def _joined(one: _Drawn, other: _Drawn, both_weight: int) -> BoundedShare:
    """Return the share of two draws together, each counting by its effective size.

    A detection that was drawn twice counts twice, and the size is less for it: ``both_weight`` is the sum of the
    products of the weights of such detections.
    """
    size = one.size + other.size
    if not size:
        return BoundedShare(0.0, 1.0, 0.0)
    draws = [(draw, draw.size / size) for draw in (one, other) if draw.size]
    variance = 1 / size  # of shares that differ only by chance, times that of one draw
    if len(draws) > 1:
        variance += 2 * draws[0][1] * draws[1][1] * both_weight / (one.weight * other.weight)
    right = sum(part * draw.right / draw.weight for draw, part in draws)
    answered = sum(part * draw.answered / draw.weight for draw, part in draws)
    return BoundedShare(right, max(1 - answered, 0.0), 1 / variance)


def _estimate(strata: Iterable[_Measured]) -> Estimate:
    measured = list(strata)
    parts = sum(one.share.part for one in measured)
    shares = [BoundedShare(s.right, s.unknown, s.size, s.part / parts) for s in (one.share for one in measured)]
    unknown = sum(share.part * share.unknown for share in shares)
    rate = None
    if unknown <= _MOST_UNANSWERED:
        # As if the few without an answer were like the others of their stratum.
        known = [share for share in shares if share.unknown < 1]
        rate = sum(one.part * one.right / (1 - one.unknown) for one in known) / sum(one.part for one in known)
    return Estimate(bounded_interval(shares), rate, 1 - unknown, sum(one.answers for one in measured))
