"""A row of the inference log: what the model said of one upload, and what became of it.

Nothing else knows the names of the table's attributes, and nothing else decides whether a detection is accepted or
whether a person agrees with it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from enum import StrEnum
from typing import Any

from label_loop.domain.labels import label_key
from label_loop.payloads import NONE_OF_THE_ABOVE, ReviewStarted, ReviewTask

SAMPLED_NO = "No"
SAMPLED_YES = "Yes"
_ANY_FLOAT = Context(prec=400)  # digits enough for each, with four decimals


class Attribute(StrEnum):
    """The attributes of an item, by the names that the AWS sample gave them where it has them."""

    DETECTION_ID = "DetectLabelRequestId"
    DETECTED_AT = "DetectLabelDate"
    BUCKET = "S3Bucket"
    KEY = "S3ObjectKey"
    ETAG = "S3ObjectEtag"
    VERSION_ID = "S3ObjectVersionId"
    PROJECT_VERSION_ARN = "ProjectVersionArn"
    DETECTED_LABEL = "DetectedLabel"
    CONFIDENCE = "DetectedConfidenceLevel"
    MINIMUM_CONFIDENCE = "MinimumConfidenceLevel"
    WORKFLOW_ENABLED = "A2IEnabled"
    FAILURE = "Failure"
    SAMPLED = "Sampled"
    HUMAN_LOOP_NAME = "HumanLoopName"
    HUMAN_LOOP_REQUEST_ID = "HumanLoopRequestId"
    REVIEW_FAILURE = "ReviewFailure"
    REVIEW_END = "HumanLoopStatus"
    HUMAN_LABEL = "HumanLabel"
    ANSWERED_AT = "HumanLoopCompletionDate"
    ANSWERED_AT_IN_SAMPLE = "HumanLableCompletedDate"  # the sample's spelling, which is read and never written
    COPIED_KEY = "CopiedS3ObjectKey"
    COPY_FAILURE = "CopyFailure"


TABLE_KEY = (Attribute.DETECTION_ID,)
"""The key of the table."""

INDEX_KEY = (Attribute.SAMPLED, Attribute.DETECTED_AT)
"""The key of its index. A failed detection has no ``Sampled``, so the index leaves it out."""


@dataclass(frozen=True)
class LoggedAnswer:
    """What an answer adds to a row: the label, which may be None of the Above, and what became of the image's copy."""

    label: str
    answered_at: str
    copied_key: str | None = None
    copy_failure: str | None = None


@dataclass(frozen=True)
class LogRow:
    """One detection, from the moment it is made. Times are ISO 8601 in UTC, as they were written.

    It is rounded when it is made or read, and so is the same before it is written and after.
    """

    detection_id: str
    detected_at: str
    bucket: str
    key: str
    etag: str
    version_id: str | None = None
    project_version_arn: str = ""
    detected_label: str = ""
    confidence_percent: float = 0.0
    minimum_confidence_percent: float = 0.0
    workflow_enabled: bool = True
    failure: str | None = None
    is_sampled: bool = False
    human_loop_name: str | None = None
    human_loop_request_id: str | None = None
    review_failure: str | None = None
    review_end: str | None = None
    human_label: str | None = None
    answered_at: str | None = None
    copied_key: str | None = None
    copy_failure: str | None = None

    def __post_init__(self) -> None:
        # To the four decimals that the log keeps: DynamoDB takes no floats, and Rekognition's confidences mean no more.
        # The confidence down and the minimum up, so that rounding never lifts a confidence to the minimum: 69.99996 is
        # below 70 for whoever looks. With a minimum of up to four decimals nothing but the exact numbers decides.
        object.__setattr__(self, "confidence_percent", _rounded(self.confidence_percent, ROUND_FLOOR))
        object.__setattr__(self, "minimum_confidence_percent", _rounded(self.minimum_confidence_percent, ROUND_CEILING))

    # ------------------------------------------------------------------ what it means

    @property
    def accepted(self) -> bool:
        """Whether the detection is good enough to be used without a person's look."""
        is_detected = self.failure is None and bool(self.detected_label)
        return is_detected and self.confidence_percent >= self.minimum_confidence_percent

    @property
    def needs_review(self) -> bool:
        """Whether the workflow sends it to a person."""
        return self.workflow_enabled and self.failure is None and not self.accepted

    @property
    def has_review(self) -> bool:
        """Whether a person has been asked about it, by the workflow or as a sample."""
        return self.human_loop_name is not None

    @property
    def is_answered(self) -> bool:
        """Whether a person's label is set."""
        return self.human_label is not None

    def agrees_with(self, label: str) -> bool:
        """Whether the model said what a person did."""
        return agrees(self.detected_label, label)

    @property
    def image_uri(self) -> str:
        """The image as ``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"

    def review_task(self, source: str) -> ReviewTask:
        """Return what a reviewer is asked about it; ``source`` says who asks."""
        return ReviewTask(
            detection_id=self.detection_id,
            source=source,
            image_uri=self.image_uri,
            label=self.detected_label,
            confidence_percent=self.confidence_percent,
            version_id=self.version_id,
        )

    # ------------------------------------------------------------------ what changes it

    def with_review(self, started: ReviewStarted) -> "LogRow":
        """Return it with a review that exists; the request's id of one that was started before is not known."""
        request_id = started.request_id or self.human_loop_request_id
        return replace(self, human_loop_name=started.name, human_loop_request_id=request_id)

    def with_sample(self, started: ReviewStarted | None) -> "LogRow":
        """Return it as a human sample, with the review that was started for it, if any was."""
        return replace(self.with_review(started) if started else self, is_sampled=True)

    def with_answer(self, answer: LoggedAnswer) -> "LogRow":
        """Return it with a person's answer."""
        return replace(
            self,
            human_label=answer.label,
            answered_at=answer.answered_at,
            copied_key=answer.copied_key,
            copy_failure=answer.copy_failure,
        )

    # ------------------------------------------------------------------ as DynamoDB has it

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "LogRow":
        """Read an item, whoever wrote it: what is missing counts as empty, and so does a number that is none.

        Raises KeyError for an item without its key.
        """
        answered_at = _optional(item, Attribute.ANSWERED_AT) or _optional(item, Attribute.ANSWERED_AT_IN_SAMPLE)
        return cls(
            detection_id=str(item[Attribute.DETECTION_ID]),
            detected_at=_text(item, Attribute.DETECTED_AT),
            bucket=_text(item, Attribute.BUCKET),
            key=_text(item, Attribute.KEY),
            etag=_text(item, Attribute.ETAG),
            version_id=_optional(item, Attribute.VERSION_ID),
            project_version_arn=_text(item, Attribute.PROJECT_VERSION_ARN),
            detected_label=_text(item, Attribute.DETECTED_LABEL),
            confidence_percent=_number(item.get(Attribute.CONFIDENCE)),
            minimum_confidence_percent=_number(item.get(Attribute.MINIMUM_CONFIDENCE)),
            workflow_enabled=_text(item, Attribute.WORKFLOW_ENABLED).casefold() == "true",  # the sample's may be text
            failure=_optional(item, Attribute.FAILURE),
            is_sampled=item.get(Attribute.SAMPLED) == SAMPLED_YES,
            human_loop_name=_optional(item, Attribute.HUMAN_LOOP_NAME),
            human_loop_request_id=_optional(item, Attribute.HUMAN_LOOP_REQUEST_ID),
            review_failure=_optional(item, Attribute.REVIEW_FAILURE),
            review_end=_optional(item, Attribute.REVIEW_END),
            # Even an empty one is an answer, since an answer is written on condition that there is none.
            human_label=_text(item, Attribute.HUMAN_LABEL) if Attribute.HUMAN_LABEL in item else None,
            answered_at=answered_at,
            copied_key=_optional(item, Attribute.COPIED_KEY),
            copy_failure=_optional(item, Attribute.COPY_FAILURE),
        )

    def to_item(self) -> dict[str, Any]:
        """Return the item, without the attributes that have no value; numbers are Decimal, as DynamoDB takes them."""
        item = {
            Attribute.DETECTION_ID: self.detection_id,
            Attribute.DETECTED_AT: self.detected_at,
            Attribute.BUCKET: self.bucket,
            Attribute.KEY: self.key,
            Attribute.ETAG: self.etag,
            Attribute.PROJECT_VERSION_ARN: self.project_version_arn,
            Attribute.DETECTED_LABEL: self.detected_label,
            Attribute.CONFIDENCE: Decimal(str(self.confidence_percent)),
            Attribute.MINIMUM_CONFIDENCE: Decimal(str(self.minimum_confidence_percent)),
            Attribute.WORKFLOW_ENABLED: self.workflow_enabled,
        }
        optional = {
            Attribute.VERSION_ID: self.version_id,
            Attribute.FAILURE: self.failure,
            Attribute.SAMPLED: self._sampled,
            Attribute.HUMAN_LOOP_NAME: self.human_loop_name,
            Attribute.HUMAN_LOOP_REQUEST_ID: self.human_loop_request_id,
            Attribute.REVIEW_FAILURE: self.review_failure,
            Attribute.REVIEW_END: self.review_end,
            Attribute.HUMAN_LABEL: self.human_label,
            Attribute.ANSWERED_AT: self.answered_at,
            Attribute.COPIED_KEY: self.copied_key,
            Attribute.COPY_FAILURE: self.copy_failure,
        }
        # Plain text, so that a name looks in a log or an error as it does in the table.
        return {str(name): value for name, value in (item | optional).items() if value is not None}

    @property
    def _sampled(self) -> str | None:
        if self.is_sampled:
            return SAMPLED_YES
        return SAMPLED_NO if self.failure is None else None  # what is no detection is in no sample

    def changes_to(self, changed: "LogRow") -> dict[str, Any]:
        """Return the attributes that a changed row has and this one has not, or has with other values."""
        own = self.to_item()
        return {name: value for name, value in changed.to_item().items() if own.get(name) != value}


def agrees(detected_label: str, human_label: str) -> bool:
    """Whether a person said what the model did; no label is the model's None of the Above."""
    return label_key(human_label) == label_key(detected_label or NONE_OF_THE_ABOVE)


def shown_percent(percent: float) -> float:
    """Return a confidence for people, with one decimal: rounded down as the log is, so 69.99 is not shown as 70."""
    return _rounded(percent, ROUND_FLOOR, decimals=1)


def _rounded(percent: float, direction: str, decimals: int = 4) -> float:
    # By its shortest decimal form, so that 70.1 stays 70.1 and what was rounded stays as it is.
    return float(Decimal(repr(percent)).quantize(Decimal(1).scaleb(-decimals), direction, _ANY_FLOAT))


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) else 0.0


def _text(item: Mapping[str, Any], name: str) -> str:
    return _optional(item, name) or ""


def _optional(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name)
    return None if value in (None, "") else str(value)
