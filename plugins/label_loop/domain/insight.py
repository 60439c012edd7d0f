"""What daily counts say of a model: how often people agree with it, how sure that is, and whether it drifts.

Each figure comes with the number of answers or detections that it rests on.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from label_loop.domain import statistics
from label_loop.domain.log_row import agrees
from label_loop.domain.statistics import BUCKETS, bucket_counter

_Z_95 = 1.959964
_CHI_SQUARE_95 = 30.144  # for BUCKETS - 1 degrees of freedom
_NOTABLE_SHIFT = 0.1
_LARGE_SHIFT = 0.25
_FEWEST_FOR_DRIFT = 200
_DRIFT_DAYS = 7


@dataclass(frozen=True)
class Day:
    """The counts of one project version on one day (2026-11-25)."""

    day: str
    version: str
    counts: Mapping[str, int]

    def __getitem__(self, counter: str) -> int:
        return self.counts.get(counter, 0)


@dataclass(frozen=True)
class Share:
    """A part of a whole, with its Wilson interval of 95 %, from 0 to 1; None where the whole is nothing."""

    part: int
    whole: int

    @property
    def rate(self) -> float | None:
        """The part of the whole."""
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the true rate lies, if the whole is a random sample. Also right for few, and for none or all."""
        if not self.whole:
            return None
        n, p, z2 = self.whole, self.part / self.whole, _Z_95**2
        middle = p + z2 / (2 * n)
        reach = _Z_95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        low, high = (middle - reach) / (1 + z2 / n), (middle + reach) / (1 + z2 / n)
        # Rounding must not put the rate itself outside.
        return min(max(low, 0.0), p), max(min(high, 1.0), p)


@dataclass(frozen=True)
class Confusion:
    """How often the model said one label and a person another, or the same. An empty label is none."""

    detected: str
    human: str
    count: int

    @property
    def agrees(self) -> bool:
        """Whether both said the same."""
        return agrees(self.detected, self.human)


@dataclass(frozen=True)
class Agreement:
    """What people said of detections, from one source.

    ``by_label`` is by detected label, most answers first; ``unpaired`` counts the answers whose pair of labels was
    not kept, which are in ``overall`` only.
    """

    overall: Share
    by_label: Mapping[str, Share]
    confusions: Sequence[Confusion]
    unpaired: int


class Verdict(StrEnum):
    """What a population stability index means."""

    STEADY = "steady"
    NOTABLE = "notable"
    LARGE = "large"
    UNKNOWN = "not enough data"


@dataclass(frozen=True)
class Drift:
    """Whether the confidences of a version's recent days are spread as on earlier days.

    ``days`` and ``detections`` are of the earlier days and the recent ones. ``index`` is None where there are too few.
    """

    version: str
    verdict: Verdict
    index: float | None
    earlier_days: Sequence[str]
    recent_days: Sequence[str]
    earlier_detections: int
    recent_detections: int


def total(days: Iterable[Day]) -> Counter[str]:
    """Return the sum of all counters."""
    counted: Counter[str] = Counter()
    for day in days:
        counted.update(day.counts)
    return counted


def histogram(counts: Mapping[str, int]) -> list[int]:
    """Return how many detections were in each bucket of confidence, the least sure first."""
    return [counts.get(bucket_counter(bucket), 0) for bucket in range(BUCKETS)]


def review_share(counts: Mapping[str, int]) -> Share:
    """Return the share of detections that were sent to review because the model was unsure."""
    return Share(counts.get(statistics.SENT_TO_REVIEW, 0), counts.get(statistics.DETECTIONS, 0))


def agreement(counts: Mapping[str, int], source: str) -> Agreement:
    """Return how often people agreed, in the answers of ``statistics.REVIEWS`` or ``statistics.SAMPLES``."""
    answered = counts.get(statistics.answered_counter(source), 0)
    confusions = _confusions(counts, source)
    by_label: dict[str, Share] = {}
    for one in confusions:
        share = by_label.get(one.detected, Share(0, 0))
        by_label[one.detected] = Share(share.part + one.count * one.agrees, share.whole + one.count)
    return Agreement(
        overall=Share(counts.get(statistics.agreed_counter(source), 0), answered),
        by_label=dict(sorted(by_label.items(), key=lambda item: (-item[1].whole, item[0]))),
        confusions=confusions,
        unpaired=answered - sum(one.count for one in confusions),
    )


def _confusions(counts: Mapping[str, int], source: str) -> list[Confusion]:
    """Return the pairs of labels, the most frequent first."""
    parts = ((statistics.labels_in(counter), count) for counter, count in counts.items())
    pairs = [Confusion(part[1], part[2], count) for part, count in parts if len(part) == 3 and part[0] == source]
    return sorted(pairs, key=lambda one: (-one.count, one.detected, one.human))


def drift(days: Collection[Day], version: str) -> Drift:
    """Compare a version's last days with its first ones among those given, seven at most of each and none in both."""
    own = sorted(
        (day for day in days if day.version == version and day[statistics.DETECTIONS]), key=lambda day: day.day
    )
    recent = own[len(own) // 2 :][-_DRIFT_DAYS:]
    earlier = own[: len(own) // 2][:_DRIFT_DAYS]
    before, now = histogram(total(earlier)), histogram(total(recent))
    index, verdict = None, Verdict.UNKNOWN
    if min(sum(before), sum(now)) >= _FEWEST_FOR_DRIFT:
        index = stability_index(before, now)
        verdict = _verdict(index, sum(before), sum(now))
    spans = [[day.day for day in span] for span in (earlier, recent)]
    return Drift(version, verdict, index, spans[0], spans[1], sum(before), sum(now))


def stability_index(before: Sequence[int], now: Sequence[int]) -> float:
    """Return the population stability index of two histograms: 0 where both are spread alike."""
    # Half a detection more in each bucket keeps an empty one from making the index infinite.
    smooth_before = [(count + 0.5) / (sum(before) + len(before) / 2) for count in before]
    smooth_now = [(count + 0.5) / (sum(now) + len(now) / 2) for count in now]
    return sum((b - a) * math.log(b / a) for a, b in zip(smooth_before, smooth_now, strict=True))


def _verdict(index: float, before: int, now: int) -> Verdict:
    # Of two samples of one distribution the index is about chi-square times this, which for small ones is no drift.
    by_chance = _CHI_SQUARE_95 * (1 / before + 1 / now)
    if index < _NOTABLE_SHIFT or index <= by_chance:
        return Verdict.STEADY
    return Verdict.LARGE if index >= _LARGE_SHIFT else Verdict.NOTABLE
