"""The typed records that pass between the parts."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

if TYPE_CHECKING:
    from pydantic import TypeAdapter

UPLOADS_FOLDER = "images_for_detection/"
LABELLED_FOLDER = "images_labeled_by_folder/"
TEST_FOLDER = "images_for_testing/"
NONE_FOLDER = "images_none_of_the_above/"  # images that no label fits; in one folder of that name, as of a label
SAMPLE_MARK = "human-sample-"  # begins the name of a human sample in the test set
GOLD_FOLDER = "images_for_gold/"
ANSWERS_FOLDER = "a2i-human-loop-data/"
MANIFESTS_FOLDER = "manifests/"
CONSOLE_FOLDER = f"{MANIFESTS_FOLDER}console/"  # what people labelled in the AWS console
EVALUATION_FOLDER = "evaluation/"
THUMBNAILS_FOLDER = "thumbnails/"
QUALITY_FOLDER = "quality/"
DATASETS_FOLDER = "datasets/"
MODELS_FOLDER = "models/"
AUDIT_KEY = f"{QUALITY_FOLDER}label-audit.json"

# How often an object is tried: the maxReceiveCount that provisioning and the template set, and the tries of what a
# listing finds. The message attribute that carries the reason of a dead letter.
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
    """The input of a human loop. ``version_id`` is the version of the image, in a versioned bucket.

    ``is_drawn`` is whether it was drawn at random from the detections that need review, so that its answer estimates
    how good the model is on them. ``content`` identifies what the image shows, whatever its key, or is "".
    """

    detection_id: str
    source: str
    image_uri: str
    label: str
    confidence_percent: float
    version_id: str | None = None
    is_drawn: bool = False
    content: str = ""


@dataclass(frozen=True)
class ReviewStarted:
    """A review task that exists; ``request_id`` is None if it had already been started."""

    name: str
    request_id: str | None


@dataclass(frozen=True)
class ReviewAnswer:
    """The reviewers' answer. ``label`` is None for None of the Above; ``answered_at`` is ISO 8601, if known.

    ``reviewers`` are the people who gave this answer, as ``labelling.people`` writes them, and ``guess_shown`` is
    whether they saw the model's guess.
    """

    human_loop_name: str
    detection_id: str
    label: str | None
    answered_at: str | None
    reviewers: str = ""
    guess_shown: bool = False


@dataclass(frozen=True)
class ReviewEnded:
    """A review task that ended without an answer."""

    human_loop_name: str
    detection_id: str
    status: str
    reason: str


class LabelSource(StrEnum):
    """By what an image got its label, or lost it."""

    FOLDER = "folder"
    """A person put it into the folder of the label."""
    REVIEW = "review"
    SAMPLE = "sample"
    """The answer to a human sample."""
    CORRECTION = "correction"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Labelling:
    """Who gave an image its label, as ``labelling.people`` writes them, when (ISO 8601 in UTC), and by what.

    All are "" that are not known; ``guess_shown`` is whether they saw the guess of the model about the detection.
    """

    who: str = ""
    at: str = ""
    source: LabelSource = LabelSource.FOLDER
    guess_shown: bool = False
    detection_id: str = ""


BY_HAND = Labelling()
"""Of an image that somebody put into the folder of its label."""


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An object in a label's folder. ``modified`` is S3's LastModified, as the manifest writes it.

    ``etag`` is S3's, without quotes. ``content`` is the SHA-256 digest of the content in hexadecimal, and
    ``perceptual_hash`` tells what it looks like; both are "" if the object was not read yet. In a manifest of version
    0.2 and before all three are "". ``labelling`` tells who labelled it, of which a manifest keeps only the people.
    """

    key: str
    label: str
    modified: str
    etag: str = ""
    content: str = ""
    perceptual_hash: str = ""
    labelling: Labelling = field(default=BY_HAND, compare=False)
    # These are known from a listing only.
    size_bytes: int = field(default=0, compare=False)
    storage_class: str = field(default="", compare=False)

    @property
    def labelled_by(self) -> str:
        """The people who labelled it, or "" if somebody put it into its folder."""
        return self.labelling.who


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
    """The manifest of the images that test it; None if Rekognition splits off some of the training images."""
    test_images: int = 0
    """The number of the loop's test images, also of those that are too few to test it."""
    labelled_images: int = 0
    """The number of usable images in the folders of labels, whether they train, are held out, or are left out."""
    tries: int = 0
    """How often AWS refused to create the version."""
    from_datasets: bool = False
    """Whether it trains from the project's datasets, because there were any."""
    verdict: str = ""
    """Why its version was accepted or held, in one sentence."""

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


@dataclass(frozen=True)
class ApprovalQuestion:
    """Whether to deploy a version, asked of a person. Moments are ISO 8601 in UTC.

    ``otherwise`` is what becomes of it if nobody answers ``until`` then; ``answer`` is empty while it is open. Both are
    "deploy" or "hold". ``reason`` is one sentence.
    """

    version_name: str
    reason: str
    until: str
    otherwise: str
    is_best: bool = False
    """Whether the version was right on the most test images so far."""
    answer: str = ""

    @property
    def deadline(self) -> str:
        """``until`` as people read it."""
        return f"{self.until[:16].replace('T', ' ')} UTC"

    @classmethod
    def from_json(cls, values: Any) -> "ApprovalQuestion | None":
        """Parse a stored one; None if it is malformed."""
        try:
            texts = {name: str(values[name]) for name in ("version_name", "reason", "until", "otherwise", "answer")}
            datetime.fromisoformat(texts["until"])
            return cls(**texts, is_best=bool(values["is_best"]))
        except (ValueError, TypeError, KeyError):
            return None


@dataclass(frozen=True)
class Bake:
    """The first time of a version in service, when it is compared with the one that it replaced.

    ``since`` is when it became the endpoint, as ISO 8601 in UTC. ``returning`` is why the former version is to serve
    again, and ``asked`` why a person was told of a change; both are one sentence, or empty.
    """

    version_name: str
    version_arn: str
    former_name: str
    former_arn: str
    since: str
    returning: str = ""
    asked: str = ""

    @classmethod
    def from_json(cls, values: Any) -> "Bake | None":
        """Parse a stored one; None if it is malformed."""
        try:
            bake = cls(**{field.name: str(values[field.name]) for field in fields(cls)})
            return bake if datetime.fromisoformat(bake.since).tzinfo else None
        except (ValueError, TypeError, KeyError):
            return None


@cache
def _attempts() -> "TypeAdapter[TrainingAttempt]":
    from pydantic import TypeAdapter  # imported late: provisioning also runs where pydantic is not installed

    return TypeAdapter(TrainingAttempt)


@dataclass(frozen=True)
class ProjectDataset:
    """A dataset of a Rekognition project. ``kind`` is "TRAIN" or "TEST"."""

    arn: str
    kind: str
    status: str
    status_message: str = ""

    @property
    def is_changing(self) -> bool:
        """Whether it is being created, updated or deleted."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def name(self) -> str:
        """The last parts of the ARN, such as ``train-1690474772815``."""
        return "-".join(self.arn.split("/")[-2:])


@dataclass(frozen=True)
class FailedObject:
    """An object that a listing found and that failed: its id, how often it failed, and its key with the last reason."""

    id: str
    tries: int
    text: str = ""

    @property
    def is_put_aside(self) -> bool:
        """Whether it failed so often that it is not tried again."""
        return self.tries >= MAX_RECEIVES

    @classmethod
    def from_json(cls, values: Any) -> "FailedObject | None":
        """Parse a stored one; None if it is malformed."""
        try:
            return cls(str(values["id"]), int(values["tries"]), str(values["text"]))
        except (ValueError, TypeError, KeyError, OverflowError):
            return None


@dataclass(frozen=True)
class LabelMinimums:
    """The minimum confidences of a version's labels, in percent; labels without one have the parameter's."""

    version_arn: str
    percents: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return a dict for JSON and DynamoDB, which takes no floats."""
        percents = {label: str(percent) for label, percent in self.percents.items()}
        return {"version_arn": self.version_arn, "percents": percents}

    @classmethod
    def from_json(cls, values: Any) -> "LabelMinimums | None":
        """Parse the result of ``to_json``; None if it is malformed."""
        try:
            percents = {str(label): float(percent) for label, percent in values["percents"].items()}
            is_valid = all(0 <= percent <= 100 for percent in percents.values())
            return cls(str(values["version_arn"]), percents) if is_valid else None
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return None


@dataclass(frozen=True)
class ProjectVersion:
    """A Rekognition project version.

    ``evaluation_summary`` and ``evaluation_snapshot`` are the bucket and key of files in S3: its scores, and what it
    said of each test image.
    """

    arn: str
    name: str
    status: str
    status_message: str = ""
    f1_score: float | None = None
    created_at: datetime | None = None
    inference_units: int | None = None
    maximum_inference_units: int | None = None
    evaluation_summary: tuple[str, str] | None = None
    evaluation_snapshot: tuple[str, str] | None = None


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
