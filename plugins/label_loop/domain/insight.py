"""Statistics of a model from daily counts: agreement with people, with confidence intervals, and drift.

Each figure comes with the number of answers or detections behind it.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from label_loop.domain import statistics
from label_loop.domain.intervals import wilson
from label_loop.domain.log_row import agrees
from label_loop.domain.statistics import BUCKETS, bucket_counter

_CHI_SQUARE_95 = 30.144  # for BUCKETS - 1 degrees of freedom
_NOTABLE_SHIFT = 0.1
_LARGE_SHIFT = 0.25
_MIN_DETECTIONS_FOR_DRIFT = 200
_DRIFT_DAYS = 7


@dataclass(frozen=True)
class DailyCounts:
    """The counts of one project version on one day, such as 2026-11-25 in UTC."""

    day: str
    version: str
    counts: Mapping[str, int]

    def __getitem__(self, counter: str) -> int:
        return self.counts.get(counter, 0)


@dataclass(frozen=True)
class Share:
    """A proportion, 0 to 1, with its 95 % Wilson score interval (Wilson, 1927); both are None if the whole is 0."""

    part: int
    whole: int

    @property
    def rate(self) -> float | None:
        """The proportion."""
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The Wilson score interval (low, high) of the true rate, valid for small samples and for rates of 0 and 1."""
        if not self.whole:
            return None
        return wilson(self.part / self.whole, self.whole)


@dataclass(frozen=True)
class Confusion:
    """The number of answers with a pair of detected and human label; an empty label means no label."""

    detected: str
    human: str
    count: int

    @property
    def agrees(self) -> bool:
        """Whether the two labels agree."""
        return agrees(self.detected, self.human)


@dataclass(frozen=True)
class Agreement:
    """Agreement of people with the model, from one source.

    ``by_label`` is keyed by detected label, most answers first. ``unpaired`` counts the answers without a recorded pair
    of labels; they are part of ``overall`` only.
    """

    overall: Share
    by_label: Mapping[str, Share]
    confusions: Sequence[Confusion]
    unpaired: int


class Verdict(StrEnum):
    """The interpretation of a population stability index."""

    STEADY = "steady"
    NOTABLE = "notable"
    LARGE = "large"
    UNKNOWN = "not enough data"


@dataclass(frozen=True)
class Drift:
    """A comparison of the distribution of a version's confidences on recent and on earlier days.

    ``index`` is None if either side has too few detections.
    """

    version: str
    verdict: Verdict
    index: float | None
    earlier_days: Sequence[str]
    recent_days: Sequence[str]
    earlier_detections: int
    recent_detections: int


def total(days: Iterable[DailyCounts]) -> Counter[str]:
    """Return the sum of all counters."""
    counted: Counter[str] = Counter()
    for day in days:
        counted.update(day.counts)
    return counted


def histogram(counts: Mapping[str, int]) -> list[int]:
    """Return the number of detections in each of the 20 buckets of confidence, lowest first."""
    return [counts.get(bucket_counter(bucket), 0) for bucket in range(BUCKETS)]


def review_share(counts: Mapping[str, int]) -> Share:
    """Return the share of detections sent to review because of low confidence."""
    return Share(counts.get(statistics.SENT_TO_REVIEW, 0), counts.get(statistics.DETECTIONS, 0))


def agreement(counts: Mapping[str, int], source: str) -> Agreement:
    """Return the agreement in the answers of a source: ``statistics.REVIEWS`` or ``statistics.SAMPLES``."""
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
    """Return the pairs of labels of a source, most frequent first."""
    parts = ((statistics.labels_in(counter), count) for counter, count in counts.items())
    pairs = [Confusion(part[1], part[2], count) for part, count in parts if len(part) == 3 and part[0] == source]
    return sorted(pairs, key=lambda one: (-one.count, one.detected, one.human))


def drift(days: Collection[DailyCounts], version: str) -> Drift:
    """Compare the last days of a version with the first ones given: at most seven each, without overlap."""
    own = sorted(
        (day for day in days if day.version == version and day[statistics.DETECTIONS]), key=lambda day: day.day
    )
    recent = own[len(own) // 2 :][-_DRIFT_DAYS:]
    earlier = own[: len(own) // 2][:_DRIFT_DAYS]
    before, now = histogram(total(earlier)), histogram(total(recent))
    index, verdict = None, Verdict.UNKNOWN
    if min(sum(before), sum(now)) >= _MIN_DETECTIONS_FOR_DRIFT:
        index = stability_index(before, now)
        verdict = _verdict(index, sum(before), sum(now))
    spans = [[day.day for day in span] for span in (earlier, recent)]
    return Drift(version, verdict, index, spans[0], spans[1], sum(before), sum(now))


def stability_index(before: Sequence[int], now: Sequence[int]) -> float:
    """Return the population stability index of two histograms, sum((b - a) ln(b / a)): 0 for equal distributions."""
    # Adding half a detection to each bucket keeps the index finite for empty ones.
    smooth_before = [(count + 0.5) / (sum(before) + len(before) / 2) for count in before]
    smooth_now = [(count + 0.5) / (sum(now) + len(now) / 2) for count in now]
    return sum((b - a) * math.log(b / a) for a, b in zip(smooth_before, smooth_now, strict=True))


def _verdict(index: float, before: int, now: int) -> Verdict:
    # For two samples of one distribution the index is about chi-square times (1/n + 1/m) (Yurdakul, 2018): a small
    # sample exceeds the fixed thresholds by chance.
    by_chance = _CHI_SQUARE_95 * (1 / before + 1 / now)
    if index < _NOTABLE_SHIFT or index <= by_chance:
        return Verdict.STEADY
    return Verdict.LARGE if index >= _LARGE_SHIFT else Verdict.NOTABLE
