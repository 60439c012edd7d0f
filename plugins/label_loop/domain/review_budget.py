"""How many detections a day are sent to review, and which: a budget buys the answers that teach most.

Detections come one after the other, and nobody knows what a day will bring. What it is likely to bring is known from
the days before, so each is asked about with a chance that spends the budget evenly over the day, and not on what comes
in the morning. This is Poisson sampling (Särndal, Swensson and Wretman, "Model assisted survey sampling", 1992, section
3.5). Of the less sure half, that is the order of the desk.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from label_loop.domain import statistics
from label_loop.domain.insight import DailyCounts
from label_loop.domain.sampling import DRAWN_SHARE
from label_loop.domain.statistics import BUCKETS, bucket_counter
from label_loop.payloads import ReviewTask

DAYS = 7
"""Of which the counts say what a day is likely to bring."""
_HASHES = 2**64


@dataclass(frozen=True)
class ExpectedDay:
    """What a day is likely to bring: how many detections need review, and below which confidence half of them are."""

    unsure: float
    middle_percent: float


@dataclass(frozen=True)
class Spent:
    """The reviews of a day so far: the ids of their detections, and how many of them were not drawn."""

    ids: frozenset[str] = field(default_factory=frozenset)
    undrawn: int = 0


def expected_day(days: Iterable[DailyCounts], minimum_percent: float) -> ExpectedDay | None:
    """Return what a day is likely to bring by the counts of days before; None if none of them had unsure detections.

    Only days with detections count: a loop may rest at weekends. The middle is as precise as the counts of confidence,
    to 5 points.
    """
    by_bucket = [0] * BUCKETS
    unsure, seen = 0, set()
    for day in days:
        unsure += max(0, day[statistics.DETECTIONS] - day[statistics.ACCEPTED])
        if day[statistics.DETECTIONS]:
            seen.add(day.day)
        for bucket in range(BUCKETS):
            if 100 * bucket / BUCKETS < minimum_percent:
                by_bucket[bucket] += day[bucket_counter(bucket)]
    below, half = 0, sum(by_bucket) / 2
    for bucket, count in enumerate(by_bucket):
        below += count
        if count and below >= half:
            return ExpectedDay(unsure / len(seen), 100 * (bucket + 1) / BUCKETS) if unsure else None
    return None


def chance_to_ask(task: ReviewTask, budget: int, expected: ExpectedDay | None) -> float:
    """Return the chance, 0 to 1, with which one is asked about that was not drawn.

    The less sure half shares what those that are drawn leave; the other half what that leaves. 1 if it is unknown what
    a day brings.
    """
    if expected is None:
        return 1.0
    half = expected.unsure / 2
    left = (1 - DRAWN_SHARE) * budget
    if task.confidence_percent <= expected.middle_percent:
        return min(1.0, left / half)
    return min(1.0, max(0.0, left - half) / half)


def asked(tasks: Sequence[ReviewTask], spent: Spent, budget: int, expected: ExpectedDay | None) -> list[ReviewTask]:
    """Return the tasks that the budget of a day has room for, those that were drawn first.

    What was asked about before is so again: a run that ended early is repeated.
    """
    chosen = []
    room, undrawn_room = budget - len(spent.ids), most_undrawn(budget) - spent.undrawn
    for task in sorted(tasks, key=lambda task: (not task.is_drawn, task.confidence_percent, task.detection_id)):
        if task.detection_id in spent.ids:
            chosen.append(task)
        elif room > 0 and (task.is_drawn or (undrawn_room > 0 and _is_asked(task, budget, expected))):
            chosen.append(task)
            room -= 1
            undrawn_room -= not task.is_drawn
    return chosen


def most_undrawn(budget: int) -> int:
    """Return how many of a day's reviews may be about detections that were not drawn, at least 1."""
    return budget - int(DRAWN_SHARE * budget)


def _is_asked(task: ReviewTask, budget: int, expected: ExpectedDay | None) -> bool:
    digest = hashlib.sha256(f"budget {task.detection_id}".encode()).digest()
    return int.from_bytes(digest[:8]) < chance_to_ask(task, budget, expected) * _HASHES
