"""The charts of the page Insight, as specifications for ``static/charts.js``."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from label_loop.domain import insight, statistics
from label_loop.domain.insight import DailyCounts
from label_loop.domain.thresholds import LabelThreshold

type Chart = dict[str, Any]

_MOST_VERSIONS = 5
_MOST_LABELS = 8
_MOST_DAILY = 92  # longer periods are grouped by week


def detections_over_time(days: Sequence[DailyCounts], first: date, last: date) -> Chart:
    """Return the number of detections per period, by outcome."""
    periods = _periods(days, first, last)
    kinds = (
        ("accepted", "good", lambda counts: counts[statistics.ACCEPTED]),
        ("sent to review", "accent", lambda counts: counts[statistics.SENT_TO_REVIEW]),
        ("not accepted, not sent to review", "warn", _left_alone),
        ("failed", "bad", lambda counts: counts[statistics.FAILED]),
    )
    series = [
        {"name": name, "tone": tone, "values": [count(counts) for counts in periods.values()]}
        for name, tone, count in kinds
    ]
    return {"type": "bar", "stacked": True, "labels": list(periods), "series": series}


def review_share_over_time(days: Sequence[DailyCounts], first: date, last: date) -> Chart:
    """Return the share of detections (0 to 1) sent to review per period; None in a period without detections."""
    periods = _periods(days, first, last)
    values = [insight.review_share(counts).rate for counts in periods.values()]
    series = [{"name": "sent to review", "tone": "accent", "values": values}]
    return {"type": "line", "percent": True, "min": 0, "labels": list(periods), "series": series}


def confidence_by_version(days: Sequence[DailyCounts]) -> Chart:
    """Return the confidence distribution of the versions with the most detections, as shares (0 to 1) per bucket."""
    detections: Counter[str] = Counter()
    for day in days:
        detections[day.version] += day[statistics.DETECTIONS]
    width = 100 // statistics.BUCKETS
    labels = [f"{low}–{low + width}" for low in range(0, 100, width)]
    series = []
    for version, whole in detections.most_common(_MOST_VERSIONS):
        spread = insight.histogram(insight.total(day for day in days if day.version == version))
        series.append({"name": version, "values": [round(count / max(whole, 1), 4) for count in spread]})
    return {"type": "bar", "percent": True, "min": 0, "labels": labels, "series": series}


def reliability_by_label(thresholds: Sequence[LabelThreshold]) -> Chart:
    """Return the share (0 to 1) of right test images by confidence, of the labels with the most test images."""
    labels = [f"{low}–{low + 10}" for low in range(0, 100, 10)]
    shown = sorted(thresholds, key=lambda one: (-one.answers, one.label))[:_MOST_LABELS]
    series = [{"name": one.label, "values": [share.rate for share in one.reliability]} for one in shown]
    return {"type": "line", "percent": True, "min": 0, "max": 1, "labels": labels, "series": series}


def _left_alone(counts: Counter[str]) -> int:
    return counts[statistics.DETECTIONS] - counts[statistics.ACCEPTED] - counts[statistics.SENT_TO_REVIEW]


def _periods(days: Sequence[DailyCounts], first: date, last: date) -> dict[str, Counter[str]]:
    """Return the counts by day, or by the Monday of each week in a long period; days without counts are included."""
    length = (last - first).days + 1
    weekly = length > _MOST_DAILY

    def period(day: date) -> str:
        return (day - timedelta(days=day.weekday() if weekly else 0)).isoformat()

    periods: dict[str, Counter[str]] = {period(first + timedelta(days=n)): Counter() for n in range(length)}
    for one in days:
        periods[period(date.fromisoformat(one.day))].update(one.counts)
    return periods
