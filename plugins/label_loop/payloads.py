"""The typed records that pass between the parts."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

UPLOADS_FOLDER = "images_for_detection/"
LABELLED_FOLDER = "images_labeled_by_folder/"
TEST_FOLDER = "images_for_testing/"
ANSWERS_FOLDER = "a2i-human-loop-data/"
MANIFESTS_FOLDER = "manifests/"
EVALUATION_FOLDER = "evaluation/"

# How often a message is received before it is given up, as provisioning and the template set it, and the attribute
# of a dead letter that says why it was.
MOST_RECEIVES = 5
DEAD_LETTER_REASON = "Reason"

WORKFLOW_SOURCE = "A2I Workflow"
SAMPLING_SOURCE = "Human Sampling"
NONE_OF_THE_ABOVE = "None of the Above"
WIDGET = "crowd-image-classifier"  # the field of the review form, which A2I names the answer after


@dataclass(frozen=True)
class S3Upload:
    """One version of one S3 object, as a notification or a listing tells of it."""

    bucket: str
    key: str
    etag: str
    version_id: str | None = None
    sequencer: str | None = None
    size_bytes: int | None = None

    @property
    def detection_id(self) -> str:
        """A UUID that only this upload has, however often and by whatever way its event arrives."""
        identity = (self.bucket, self.key, self.version_id or self.sequencer or "", self.etag)
        # Length prefixes keep the parts apart: a key may hold any separator.
        text = "".join(f"{len(part)}:{part}" for part in identity)
        return str(uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16]))

    @property
    def uri(self) -> str:
        """The object as ``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class ReviewTask:
    """What a reviewer is asked: the input of a human loop. ``version_id`` is the image's, where S3 keeps versions."""

    detection_id: str
    source: str
    image_uri: str
    label: str
    confidence_percent: float
    version_id: str | None = None


@dataclass(frozen=True)
class ReviewStarted:
    """A review task that exists; ``request_id`` is None where it had been started before."""

    name: str
    request_id: str | None


@dataclass(frozen=True)
class ReviewAnswer:
    """What reviewers answered. ``label`` is None where none of the labels fits."""

    human_loop_name: str
    detection_id: str
    source: str
    label: str | None
    answered_at: str


@dataclass(frozen=True)
class ReviewEnded:
    """A review task that ended without an answer."""

    human_loop_name: str
    detection_id: str
    status: str
    reason: str


@dataclass(frozen=True)
class LabelledImage:
    """An image in a label's folder. ``modified`` is S3's, as the manifest's creation date."""

    key: str
    label: str
    modified: str
    size_bytes: int = field(default=0, compare=False)  # known to a listing only


@dataclass(frozen=True)
class TrainingAttempt:
    """One paid training: its set of images, its version, and what became of it."""

    __pydantic_config__: ClassVar = {"strict": True, "extra": "forbid"}

    version_name: str
    manifest_key: str
    images: int
    fingerprint: str
    started_at: str
    outcome: str | None = None
    test_manifest_key: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form kept in the system record and in XCom."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> "TrainingAttempt | None":
        """Read what ``to_json`` wrote; None where it is missing or was written by something else."""
        try:
            # As JSON: from Python, pydantic's strict mode takes nothing but an instance.
            return _attempts().validate_json(json.dumps(values)) if values else None
        except (ValueError, TypeError, RecursionError):  # pydantic's ValidationError is a ValueError
            return None


@cache
def _attempts() -> "TypeAdapter[TrainingAttempt]":
    from pydantic import TypeAdapter  # not before it is needed: provisioning runs where there is no pydantic

    return TypeAdapter(TrainingAttempt)


@dataclass(frozen=True)
class ProjectVersion:
    """A Rekognition project version. The evaluation summary is S3's bucket and key."""

    arn: str
    name: str
    status: str
    status_message: str = ""
    f1_score: float | None = None
    created_at: datetime | None = None
    inference_units: int | None = None
    maximum_inference_units: int | None = None
    evaluation_summary: tuple[str, str] | None = None


@dataclass(frozen=True)
class StoredText:
    """A parameter as it was read from Parameter Store; versions count up, from one where it was deleted."""

    text: str
    version: int
    written_at: datetime


@dataclass(frozen=True)
class ParameterVersion:
    """One value that a parameter had in Parameter Store, and the ARN of who wrote it; versions count up."""

    version: int
    written_at: datetime
    user_arn: str
    text: str


@dataclass(frozen=True)
class Event:
    """Something to tell by SNS: its kind, one line for people, and facts without internal state."""

    kind: str
    text: str
    label: str = ""
    accepted: bool | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
