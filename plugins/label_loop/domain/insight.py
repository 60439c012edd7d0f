"""Statistics of a model from daily counts: agreement with people, with confidence intervals.

Each figure comes with the number of answers or detections behind it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from label_loop.domain import statistics
from label_loop.domain.intervals import wilson
from label_loop.domain.log_row import agrees
from label_loop.domain.statistics import BUCKETS, bucket_counter


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
