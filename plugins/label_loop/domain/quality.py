"""The report of a day: how good the serving version is, and whether it drifts."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import ClassVar, Literal

from pydantic import TypeAdapter

from label_loop.domain import statistics
from label_loop.domain.drift import HISTORY_DAYS, ErrorDrift, InputDrift, error_drift, input_drift
from label_loop.domain.evaluated_set import EvaluatedSet
from label_loop.domain.insight import DailyCounts, Share, total
from label_loop.domain.learning_curve import LearningCurve
from label_loop.domain.live_accuracy import LiveAccuracy, live_accuracy
from label_loop.domain.thresholds import LabelThreshold
from label_loop.domain.version_numbers import display_name

NO_MODEL = "No model is deployed yet."
NO_STATISTICS = "The loop collects no statistics: run python -m label_loop provision for it once."
NO_STATE_TABLE = "Target-Precision has no effect: the loop has no table for its state; provision it."
NO_DETECTIONS = "The serving version has not detected anything yet."


@dataclass(frozen=True)
class DriftAlarm:
    """Drift that was found: of the error or of the input, on the report of which day, and in one sentence."""

    kind: Literal["error", "input"]
    reported_on: str
    text: str


@dataclass(frozen=True)
class QualityReport:
    """What is known of the serving version at the end of a day (UTC), such as 2026-11-29.

    ``version`` is None before the first deployment. ``missing`` says in sentences what could not be judged, and why.
    ``alarms`` are kept for as long as the version serves. ``error`` and ``input`` are the day's tests, None without
    statistics. ``thresholds`` are those of labels with enough answers, if there is a target precision.
    ``live_accuracy`` is what people's answers to drawn detections say of the version's whole life, and ``label_audit``
    what the latest audit of the labels found, in one sentence, "" without one. ``evaluated_set`` is how old its test
    images are, and how good it is on each part of them.
    """

    __pydantic_config__: ClassVar = {"extra": "ignore"}

    day: str
    version: str | None
    detections: int = 0
    missing: tuple[str, ...] = ()
    alarms: tuple[DriftAlarm, ...] = ()
    error: ErrorDrift | None = None
    input: InputDrift | None = None
    learning_curve: LearningCurve | None = None
    thresholds: tuple[LabelThreshold, ...] = ()
    live_accuracy: LiveAccuracy | None = None
    label_audit: str = ""
    evaluated_set: EvaluatedSet | None = None

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> "QualityReport | None":
        """Parse a report; None if it is none, or was written by a version of this package that is too old."""
        try:
            return _reports().validate_json(text)
        except ValueError:  # pydantic's ValidationError is one
            return None


@cache
def _reports() -> "TypeAdapter[QualityReport]":
    return TypeAdapter(QualityReport)


def quality_report(
    day: str,
    version: str | None,
    counted: Sequence[DailyCounts] | None,
    curve: LearningCurve | None,
    before: QualityReport | None,
) -> QualityReport:
    """Return the report of a day.

    ``counted`` are the daily counts until that day, oldest first, of all versions; None for a loop without statistics.
    ``before`` is the report before this one, whose alarms are kept if the same version serves.
    """
    if version is None:
        return QualityReport(day, None, missing=(NO_MODEL,), learning_curve=curve)
    kept = before.alarms if before and before.version == version else ()
    if counted is None:
        return QualityReport(day, version, missing=(NO_STATISTICS,), alarms=kept, learning_curve=curve)
    own = [one for one in counted if one.version == version and one.day <= day]
    if not any(one[statistics.DETECTIONS] for one in own):
        return QualityReport(day, version, missing=(NO_DETECTIONS,), alarms=kept, learning_curve=curve)
    error, seen = error_drift(own), input_drift(own)
    known = {alarm.kind for alarm in kept}
    new = [alarm for alarm in _alarms(day, version, error, seen) if alarm.kind not in known]
    return QualityReport(
        day=day,
        version=version,
        detections=sum(one[statistics.DETECTIONS] for one in own if one.day == day),
        missing=tuple(_missing(error, seen)),
        alarms=(*kept, *new),
        error=error,
        input=seen,
        learning_curve=curve,
        live_accuracy=live_accuracy(version, total(own)),
    )


def _missing(error: ErrorDrift, seen: InputDrift) -> list[str]:
    found = []
    if error.before is None:
        found.append("Its error cannot be watched yet: that needs answered human samples from at least two days.")
    if seen.p_value is None:
        found.append(
            f"Its input cannot be watched yet: that needs detections on {HISTORY_DAYS + 1} days, "
            f"and it has them on {seen.days}."
        )
    return found


def _alarms(day: str, version: str, error: ErrorDrift, seen: InputDrift) -> list[DriftAlarm]:
    found = []
    if error.is_alarm:
        text = (
            f"People disagree with {display_name(version)} more often since about {error.since}: "
            f"on {_of(error.after)} human samples, before that on {_of(error.before)}."
        )
        found.append(DriftAlarm("error", day, text))
    if seen.is_alarm:
        text = (
            f"What {display_name(version)} sees has changed since about {seen.since}: it accepted {_of(seen.after)} "
            f"detections, before that {_of(seen.before)}, or names other labels than before."
        )
        found.append(DriftAlarm("input", day, text))
    return found


def _of(share: Share | None) -> str:
    if share is None or share.rate is None:
        return "0 of 0"
    return f"{share.part} of {share.whole} ({100 * share.rate:.0f} %)"


def new_alarms(report: QualityReport, before: QualityReport | None) -> list[DriftAlarm]:
    """Return the alarms of a report that the one before it does not have."""
    known = before.alarms if before and before.version == report.version else ()
    return [alarm for alarm in report.alarms if alarm.kind not in {one.kind for one in known}]


def new_warnings(report: QualityReport, before: QualityReport | None) -> dict[str, str]:
    """Return what newly speaks against the test images, by kind: what the report before this one does not warn of."""
    warned, known = (one.evaluated_set.warnings() if one and one.evaluated_set else {} for one in (report, before))
    return {kind: text for kind, text in warned.items() if kind not in known}


def summary(report: QualityReport) -> str:
    """Return a report in one line."""
    version = display_name(report.version) if report.version else "no version"
    parts = [f"Quality on {report.day}: {version}, {report.detections} detections"]
    if report.error or report.input or report.alarms:
        parts.append(" ".join(alarm.text for alarm in report.alarms) or "no drift found")
    if report.live_accuracy and report.live_accuracy.accepted and report.live_accuracy.accepted.answers:
        parts.append(f"Of what it accepted, {report.live_accuracy.accepted}")
    parts += [curve_in_words(report.learning_curve)] if report.learning_curve else []
    parts += [report.label_audit] if report.label_audit else []
    return ". ".join(part.rstrip(".") for part in [*parts, *report.missing]) + "."


def curve_in_words(curve: LearningCurve) -> str:
    """Return a learning curve as a sentence."""
    return f"{curve.more_labels} more labels: about +{100 * curve.gain:.1f} points of F1"
