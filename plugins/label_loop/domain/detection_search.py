"""Finding detections in the inference log: what is looked for, and why each was accepted or sent to review."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from label_loop.domain.labels import label_key
from label_loop.domain.log_row import LogRow, agrees, shown_percent
from label_loop.domain.statistics import version_name
from label_loop.payloads import UPLOADS_FOLDER

type Outcome = Literal["accepted", "in review", "reviewed", "withheld", "withdrawn", "not accepted", "failed"]
OUTCOMES: tuple[Outcome, ...] = (
    "accepted",
    "in review",
    "reviewed",
    "withheld",
    "withdrawn",
    "not accepted",
    "failed",
)
_NO_LABEL = "no label"


@dataclass(frozen=True)
class DetectionFilter:
    """Which detections are looked for; an empty value stands for all. Labels are compared as everywhere.

    ``name`` is part of the image's name, ``label`` what was detected, ``human`` what a person answered; None of the
    Above stands for no label. Confidences are percentages, both included. ``sampled`` is whether it is a human sample.
    """

    name: str = ""
    label: str = ""
    human: str = ""
    lowest_percent: float = 0.0
    highest_percent: float = 100.0
    version: str = ""
    outcome: Outcome | None = None
    sampled: bool | None = None

    @property
    def is_empty(self) -> bool:
        """Whether all detections are looked for."""
        return self == DetectionFilter()

    def matches(self, row: LogRow) -> bool:
        """Return whether a detection is one of those."""
        return (
            self.name.casefold() in image_name(row).casefold()
            and (not self.label or (row.failure is None and row.agrees_with(self.label)))
            and (not self.human or label_key(row.human_label or "") == label_key(self.human))
            and self.lowest_percent <= row.confidence_percent <= self.highest_percent
            and self.version in ("", version_name(row.project_version_arn))
            and self.outcome in (None, outcome(row))
            and self.sampled in (None, row.is_sampled)
        )


@dataclass(frozen=True)
class Found:
    """Detections that were found, newest first, how many were looked at, and where to go on; nowhere at the end."""

    rows: list[LogRow] = field(default_factory=list)
    read: int = 0
    until: str | None = None
    """The moment of the last one looked at; all newer ones were looked at, too."""
    is_all: bool = True
    last: Mapping[str, LogRow] = field(default_factory=dict)
    """The last one looked at of each part of the log."""


def search(found: Iterable[tuple[str, LogRow]], wanted: DetectionFilter, most: int, most_read: int) -> Found:
    """Return the first detections that match, at most ``most``, of the first ``most_read``.

    ``found`` are all, newest first, each with the part of the log that it is in.
    """
    rows: list[LogRow] = []
    last: dict[str, LogRow] = {}
    read, until = 0, None
    for read, (part, row) in enumerate(found, start=1):
        last[part], until = row, row.detected_at
        if wanted.matches(row):
            rows.append(row)
        if len(rows) == most or read == most_read:
            return Found(rows, read, until, is_all=False, last=last)
    return Found(rows, read, until, last=last)


def image_name(row: LogRow) -> str:
    """Return the name of a detection's image, without the folder for uploads."""
    return row.key.removeprefix(UPLOADS_FOLDER)


def outcome(row: LogRow) -> Outcome:
    """Return what became of a detection."""
    reviewed: tuple[tuple[bool, Outcome], ...] = (
        (row.failure is not None, "failed"),
        (row.is_answered, "reviewed"),
        (row.is_withdrawn, "withdrawn"),
        (row.accepted, "accepted"),
        (row.has_review and row.review_end is None, "in review"),
        (row.withheld, "withheld"),
    )
    return next((name for applies, name in reviewed if applies), "not accepted")


def why(row: LogRow) -> str:
    """Return in words what the model said of an image and why it was accepted, or people were asked."""
    if row.failure is not None:
        return f"It could not be detected: {row.failure}"
    needed = f"{shown_percent(row.minimum_confidence_percent):g} %"
    said = f"{shown_percent(row.confidence_percent):g} % {row.detected_label or _NO_LABEL}"
    verdict = f"at least {needed} is accepted" if row.accepted else f"less than the {needed} needed"
    next_ones = ((shown_percent(one.percent), one.label) for one in row.other_labels)
    others = ", ".join(f"{percent:g} % {label}" for percent, label in next_ones if percent)
    return f"{said}{f'; then {others}' if others else ''}: {verdict}"


def what_followed(row: LogRow) -> list[str]:
    """Return in sentences what happened to a detection after it was logged, or why nothing did."""
    told = []
    if row.is_sampled:
        of = f" of a block of {row.sample_weight}" if row.sample_weight else ""
        told.append(f"Drawn at random as the human sample{of}")
    if row.drawn_chance:
        told.append(f"Drawn at random, with a chance of {100 * row.drawn_chance:.3g} %, of those that need review")
    told += _of_review(row)
    if row.is_answered:
        agreed = "as the model" if agrees(row.detected_label, row.human_label or "") else "other than the model"
        told.append(f"A person answered {row.human_label}, {agreed}")
    elif row.review_end:
        told.append(f"The review ended without an answer: {row.review_end}")
    if row.copied_key:
        told.append(f"Copied to {row.copied_key}")
    elif row.copy_failure:
        told.append(f"Not copied to be trained on: {row.copy_failure}")
    return told


def _of_review(row: LogRow) -> list[str]:
    if row.has_review:
        return ["Sent to human review"]
    if row.review_failure:
        return [f"Its review could not be created: {row.review_failure}"]
    if row.withheld:
        return ["Not sent to review: the day's budget had no room for it"]
    if not (row.accepted or row.workflow_enabled or row.failure):
        return ["Not sent to review: human review was off"]
    return []


def to_json(row: LogRow) -> dict[str, Any]:
    """Return a detection as programs read it; confidences are percentages, moments ISO 8601 in UTC."""
    return {
        "detection": row.detection_id,
        "image": row.image_uri,
        "image_version": row.version_id,
        "detected_at": row.detected_at,
        "model_version": version_name(row.project_version_arn),
        "label": row.detected_label,
        "confidence": row.confidence_percent,
        "minimum_confidence": row.minimum_confidence_percent,
        "other_labels": [{"label": one.label, "confidence": one.percent} for one in row.other_labels],
        "accepted": row.accepted,
        "outcome": outcome(row),
        "failure": row.failure,
        "sampled": row.is_sampled,
        "human_label": row.human_label,
        "answered_at": row.answered_at,
        "why": why(row),
    }
