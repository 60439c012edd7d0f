"""The mutable state of a loop: the serving version, the last training attempt, how far folders were processed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from label_loop.payloads import ApprovalQuestion, Bake, FailedObject, LabelMinimums, TrainingAttempt

_MAX_COUNT_DIGITS = 15
_MAX_FAILED_IN_RECORD = 10

# The AWS sample keeps these in its system record, the first under another name; they are mirrored there.
_SAMPLE_NAMES = {
    "endpoint_arn": "rekognition_project_version_arn",
    "previous_trained_images": "previous_trained_images",
}


class Mark(StrEnum):
    """A field that records up to which moment something was done; it only moves forward."""

    UPLOADS_SEEN = "uploads_seen_until"
    """How far the uploads folder was listed, in a loop without a queue."""
    ANSWERS_SEEN = "answers_seen_until"
    UPLOADS_RECONCILED = "uploads_reconciled_until"
    """How far a listing checked for uploads without a notification, in a loop with a queue."""
    ANSWERS_RECONCILED = "answers_reconciled_until"


@dataclass(frozen=True)
class LoopState:
    """The state of a loop at one moment. Moments are ISO 8601 in UTC, or None."""

    endpoint_arn: str | None = None
    """The project version that serves; None before the first deployment."""
    endpoint_moved_at: str | None = None
    """When the current version became the endpoint; None if that was before it was recorded."""
    endpoint_started_at: str | None = None
    """When the endpoint was last started; None if this loop never started it."""
    stopped_because: str | None = None
    """Why this loop stopped the endpoint: "idle", "by hand", or None if it did not."""
    stopping_since: str | None = None
    """When its stop was requested; None once it is started again."""
    outage_reported_of: str | None = None
    """The endpoint that neither serves nor comes back by itself, if that was reported."""
    deploying_since: str | None = None
    """When the current deployment began; a crash may leave it set."""
    last_training_attempt: TrainingAttempt | None = None
    numbered_version: str | None = None
    """The name of the last version that was given a number, which is part of the name; None before the first."""
    approval_question: ApprovalQuestion | None = None
    """The last question whether to deploy a version; None if none was asked since the endpoint moved."""
    current_bake: Bake | None = None
    """The first time in service of the endpoint that the loop deployed last; None once it is over."""
    best_version_arn: str | None = None
    """Of the accepted versions the one that was right on most test images; None before the first comparison."""
    quality_reported_on: str | None = None
    """The day, such as 2026-11-29, of the latest report of quality."""
    label_minimums: LabelMinimums | None = None
    """From which confidences on labels of the endpoint reach the target precision; None if nothing was shown."""
    previous_trained_images: int = 0
    """The number of images of the last training attempt; the AWS sample records nothing else about it."""
    sampling_since: str | None = None
    """When sampling was switched on."""
    sampled_until: str | None = None
    """The time of the last detection of the last block that was sampled; None before the first check."""
    sampled_until_id: str | None = None
    """The id of that detection, which orders those of the same time; None if a check began at the time itself."""
    sampling_secret: str | None = field(default=None, repr=False)
    """What the draws depend on, so that nobody who uploads images can tell which are drawn; never in the record."""
    rescored_by: str | None = None
    """The endpoint that scores open reviews again, after it replaced another."""
    rescored_until: str | None = None
    """Up to which moment of their creation it has done so; equal to when it became the endpoint once it has ended."""
    uploads_taken_over_until: str | None = None
    """Uploads up to this moment were detected by another installation and are logged under other ids."""
    uploads_seen_until: str | None = None
    answers_seen_until: str | None = None
    uploads_reconciled_until: str | None = None
    answers_reconciled_until: str | None = None
    failed_objects: tuple[FailedObject, ...] = ()
    """What listings found and could not process, latest failure last; a bounded number."""
    revision: int = 0
    """Counts the changes, for optimistic locking."""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "LoopState":
        """Read stored values: a DynamoDB item, or the system record. What is unreadable counts as missing."""
        return cls(**{name: _parse(name, values.get(_stored_name(name))) for name in _FIELDS})

    @property
    def is_adopted(self) -> bool:
        """Whether it was taken over from another installation, together with a version that serves."""
        return self.uploads_taken_over_until is not None

    @property
    def open_question(self) -> ApprovalQuestion | None:
        """The question that is not answered yet, or None."""
        question = self.approval_question
        return question if question and not question.answer else None

    def mark(self, mark: Mark) -> str | None:
        """Return the moment of a mark."""
        moment: str | None = getattr(self, mark)
        return moment

    def advanced(self, mark: Mark, moment: str) -> "LoopState":
        """Return the state with a mark moved to a moment, or unchanged if the mark is later."""
        values: dict[str, Any] = {mark: moment}
        return self if (self.mark(mark) or "") >= moment else replace(self, **values)

    def changes_since(self, before: "LoopState") -> dict[str, Any]:
        """Return the fields to store that differ, by their stored names; None removes one."""
        changed = [name for name in _FIELDS if getattr(self, name) != getattr(before, name)]
        return {_stored_name(name): _to_json(getattr(self, name)) for name in changed}

    def compact(self) -> "LoopState":
        """Return the state as it fits into a system record of 4 KB, without its secret."""
        latest = self.failed_objects[-_MAX_FAILED_IN_RECORD:]
        shortened = tuple(replace(failed, text="") for failed in latest)
        # The record is mirrored in a Variable, which many may read.
        return replace(self, failed_objects=shortened, sampling_secret=None, label_minimums=None)

    def sample_values(self) -> dict[str, Any]:
        """Return the values that the AWS sample keeps in its system record, by the record's keys."""
        return {stored: getattr(self, name) for name, stored in _SAMPLE_NAMES.items()}


_FIELDS = tuple(field.name for field in fields(LoopState))


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "label_minimums": LabelMinimums.from_json,
    "approval_question": ApprovalQuestion.from_json,
    "current_bake": Bake.from_json,
}


def _stored_name(name: str) -> str:
    return _SAMPLE_NAMES.get(name, name)


def _to_json(value: object) -> Any:  # what DynamoDB and JSON take
    if isinstance(value, tuple):
        return [asdict(failed) for failed in value]
    if isinstance(value, ApprovalQuestion | Bake):
        return asdict(value)
    return value.to_json() if isinstance(value, TrainingAttempt | LabelMinimums) else value


def _parse(field: str, value: Any) -> Any:
    if field in {"previous_trained_images", "revision"}:
        text = str(0 if value is None else value)
        # int() raises ValueError beyond 4,300 digits.
        return int(text) if text.isdecimal() and len(text) <= _MAX_COUNT_DIGITS else 0
    if field == "failed_objects":
        found = map(FailedObject.from_json, value) if isinstance(value, list) else ()
        return tuple(failed for failed in found if failed)
    if field in _READERS:
        return _READERS[field](value)
    if field == "last_training_attempt":
        return TrainingAttempt.from_json(_plain(value)) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with DynamoDB's decimals, all whole numbers here, converted to int."""
    plain: dict[str, Any] = json.loads(json.dumps(values, default=int))
    return plain
