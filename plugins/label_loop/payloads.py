"""The typed records that pass between the parts."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

if TYPE_CHECKING:
    from pydantic import TypeAdapter

UPLOADS_FOLDER = "images_for_detection/"
LABELLED_FOLDER = "images_labeled_by_folder/"
TEST_FOLDER = "images_for_testing/"
ANSWERS_FOLDER = "a2i-human-loop-data/"
MANIFESTS_FOLDER = "manifests/"
EVALUATION_FOLDER = "evaluation/"

# The maxReceiveCount that provisioning and the template set, and the message attribute that carries the reason of a
# dead letter.
MAX_RECEIVES = 5
DEAD_LETTER_REASON = "Reason"

WORKFLOW_SOURCE = "A2I Workflow"
SAMPLING_SOURCE = "Human Sampling"
NONE_OF_THE_ABOVE = "None of the Above"
WIDGET = "crowd-image-classifier"  # the form field, whose name A2I uses as the key of the answer


class ObjectVersion(TypedDict, total=False):
    """The argument that names one version of an object in a call of S3; empty for the current version."""

    VersionId: str


@dataclass(frozen=True)
class S3Upload:
    """One version of one S3 object, as reported by a notification or a listing."""

    bucket: str
    key: str
    etag: str
    version_id: str | None = None
    sequencer: str | None = None
    size_bytes: int | None = None

    @property
    def detection_id(self) -> str:
        """The UUID of this upload: the same however often, and by whichever route, its event arrives."""
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
    """The input of a human loop. ``version_id`` is the version of the image, in a versioned bucket."""

    detection_id: str
    source: str
    image_uri: str
    label: str
    confidence_percent: float
    version_id: str | None = None


@dataclass(frozen=True)
class ReviewStarted:
    """A review task that exists; ``request_id`` is None if it had already been started."""

    name: str
    request_id: str | None


@dataclass(frozen=True)
class ReviewAnswer:
    """The reviewers' answer. ``label`` is None for None of the Above."""

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


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An object in a label's folder. ``modified`` is S3's LastModified, as the manifest writes it.

    ``etag`` is S3's, without quotes. ``content`` is the MD5 digest of the content in hexadecimal, or "" if it is not
    known; for most objects it equals the ETag. In a manifest of version 0.2 and before both are "".
    """

    key: str
    label: str
    modified: str
    etag: str = ""
    content: str = ""
    # These are known from a listing only.
    size_bytes: int = field(default=0, compare=False)
    storage_class: str = field(default="", compare=False)


@dataclass(frozen=True)
class TrainingAttempt:
    """One paid training: its set of images, its version, and its outcome."""

    __pydantic_config__: ClassVar = {"strict": True, "extra": "forbid"}

    version_name: str
    manifest_key: str
    images: int
    fingerprint: str
    started_at: str
    outcome: str | None = None
    test_manifest_key: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a dict for JSON, as stored in the state of the loop and in XCom."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> "TrainingAttempt | None":
        """Parse the result of ``to_json``; None if it is missing or malformed."""
        try:
            # As JSON: given Python objects, pydantic's strict mode accepts nothing but an instance.
            return _attempts().validate_json(json.dumps(values)) if values else None
        except (ValueError, TypeError, RecursionError):  # pydantic's ValidationError is a ValueError
            return None


@cache
def _attempts() -> "TypeAdapter[TrainingAttempt]":
    from pydantic import TypeAdapter  # imported late: provisioning also runs where pydantic is not installed

    return TypeAdapter(TrainingAttempt)


@dataclass(frozen=True)
class ProjectVersion:
    """A Rekognition project version. ``evaluation_summary`` is the bucket and key of a file in S3."""

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
    """A parameter as read from Parameter Store; versions count up, and restart at 1 after a deletion."""

    text: str
    version: int
    written_at: datetime


@dataclass(frozen=True)
class ParameterVersion:
    """One entry of a parameter's history in Parameter Store, with the ARN of its author."""

    version: int
    written_at: datetime
    user_arn: str
    text: str


@dataclass(frozen=True)
class Event:
    """An event to publish to SNS: its kind, one line of text for people, and facts for programs."""

    kind: str
    text: str
    label: str = ""
    accepted: bool | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
