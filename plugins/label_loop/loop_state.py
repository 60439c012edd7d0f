"""What changes while a loop runs: which version serves, the last training attempt, how far the folders were seen."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from label_loop.payloads import TrainingAttempt

_LONGEST_COUNT = 15

# The AWS sample has these in its system record, the first under another name; they are mirrored there.
_SAMPLE_NAMES = {
    "endpoint_arn": "rekognition_project_version_arn",
    "previous_trained_images": "previous_trained_images",
}


class Mark(StrEnum):
    """A field that says up to which moment something was done; it only moves on."""

    UPLOADS_SEEN = "uploads_seen_until"
    """How far the folder of uploads was listed, where the loop has no queue."""
    ANSWERS_SEEN = "answers_seen_until"
    UPLOADS_RECONCILED = "uploads_reconciled_until"
    """How far a listing looked for uploads that no notification named, where the loop has a queue."""
    ANSWERS_RECONCILED = "answers_reconciled_until"


@dataclass(frozen=True)
class LoopState:
    """The state of a loop at one moment. Moments are ISO 8601 in UTC; None: there is none."""

    endpoint_arn: str | None = None
    """The project version that serves; None before the first deployment."""
    endpoint_moved_at: str | None = None
    """When another version began to serve; None where that was before it was recorded."""
    endpoint_started_at: str | None = None
    """When the endpoint was last started; None where nothing of this loop started it."""
    stopped_because: str | None = None
    """Why the endpoint was stopped: "idle", "by hand", or None where it was not, or by others."""
    stopping_since: str | None = None
    """When its stop was asked for; None once a start was."""
    deploying_since: str | None = None
    """When the deployment under way began; a crash may leave it."""
    last_training_attempt: TrainingAttempt | None = None
    previous_trained_images: int = 0
    """How many images the last training attempt had; the AWS sample records no more than this."""
    sampling_since: str | None = None
    """Since when detections are sampled."""
    uploads_taken_over_until: str | None = None
    """Uploads up to this moment are in the log under other ids: another installation detected them."""
    uploads_seen_until: str | None = None
    answers_seen_until: str | None = None
    uploads_reconciled_until: str | None = None
    answers_reconciled_until: str | None = None
    revision: int = 0
    """Counts the changes, so that one which relied on an older state is refused."""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "LoopState":
        """Read stored values: a DynamoDB item, or the system record. What is unreadable counts as missing."""
        return cls(**{name: _parse(name, values.get(_stored_name(name))) for name in _FIELDS})

    def mark(self, mark: Mark) -> str | None:
        """Return the moment of a mark."""
        moment: str | None = getattr(self, mark)
        return moment

    def advanced(self, mark: Mark, moment: str) -> "LoopState":
        """Return the state with a mark at a moment, or unchanged where it is at a later one."""
        values: dict[str, Any] = {mark: moment}
        return self if (self.mark(mark) or "") >= moment else replace(self, **values)

    def changes_since(self, before: "LoopState") -> dict[str, Any]:
        """Return what is to be stored of the fields that differ, by their stored names; None removes one."""
        changed = [name for name in _FIELDS if getattr(self, name) != getattr(before, name)]
        return {_stored_name(name): _to_json(getattr(self, name)) for name in changed}

    def sample_values(self) -> dict[str, Any]:
        """Return what the AWS sample has in its system record."""
        return {stored: getattr(self, name) for name, stored in _SAMPLE_NAMES.items()}


_FIELDS = tuple(field.name for field in fields(LoopState))


def _stored_name(field: str) -> str:
    return _SAMPLE_NAMES.get(field, field)


def _to_json(value: object) -> Any:  # what DynamoDB and JSON take
    return value.to_json() if isinstance(value, TrainingAttempt) else value


def _parse(field: str, value: Any) -> Any:
    if field in {"previous_trained_images", "revision"}:
        text = str(0 if value is None else value)
        # Python reads no number of thousands of digits.
        return int(text) if text.isdecimal() and len(text) <= _LONGEST_COUNT else 0
    if field == "last_training_attempt":
        return TrainingAttempt.from_json(_plain(value)) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values without DynamoDB's decimals, which are whole numbers here."""
    plain: dict[str, Any] = json.loads(json.dumps(values, default=int))
    return plain
