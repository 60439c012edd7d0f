"""A row of the inference log: the detection of one upload, its review and its outcome.

The only place that knows the attribute names of the table, and that decides whether a detection is accepted and
whether a person agrees with it.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from label_loop.domain.labels import is_none_of_the_above, label_key
from label_loop.payloads import (
    LABELLED_FOLDER,
    NONE_FOLDER,
    NONE_OF_THE_ABOVE,
    SAMPLING_SOURCE,
    TEST_FOLDER,
    WORKFLOW_SOURCE,
    ReviewStarted,
    ReviewTask,
)

SAMPLED_NO = "No"
SAMPLED_YES = "Yes"
SAMPLED_FAILED = "Failed"
"""Of a failed detection, which is never sampled. The AWS sample and version 0.2 and before write no value for it."""
WITHDRAWN = "Withdrawn"
"""Begins how a review ended that a newer version made unnecessary."""
_MD5 = re.compile(r"[0-9a-f]{32}")
_ANY_FLOAT = Context(prec=400)  # enough digits for any float with four decimals


class Attribute(StrEnum):
    """The attributes of an item; those that the AWS sample has keep the sample's names."""

    DETECTION_ID = "DetectLabelRequestId"
    DETECTED_AT = "DetectLabelDate"
    BUCKET = "S3Bucket"
    KEY = "S3ObjectKey"
    ETAG = "S3ObjectEtag"
    VERSION_ID = "S3ObjectVersionId"
    PROJECT_VERSION_ARN = "ProjectVersionArn"
    DETECTED_LABEL = "DetectedLabel"
    CONFIDENCE = "DetectedConfidenceLevel"
    OTHER_LABELS = "OtherLabels"
    MINIMUM_CONFIDENCE = "MinimumConfidenceLevel"
    WORKFLOW_ENABLED = "A2IEnabled"
    WITHHELD = "ReviewWithheld"
    FAILURE = "Failure"
    SAMPLED = "Sampled"
    SAMPLE_WEIGHT = "SampleWeight"
    DRAWN_CHANCE = "DrawnChance"
    HUMAN_LOOP_NAME = "HumanLoopName"
    HUMAN_LOOP_REQUEST_ID = "HumanLoopRequestId"
    REVIEW_FAILURE = "ReviewFailure"
    REVIEW_END = "HumanLoopStatus"
    HUMAN_LABEL = "HumanLabel"
    ANSWERED_AT = "HumanLoopCompletionDate"
    ANSWERED_AT_IN_SAMPLE = "HumanLableCompletedDate"  # the sample's spelling: read, but never written
    COPIED_KEY = "CopiedS3ObjectKey"
    COPY_FAILURE = "CopyFailure"


TABLE_KEY = (Attribute.DETECTION_ID,)
"""The primary key of the table."""

INDEX_KEY = (Attribute.SAMPLED, Attribute.DETECTED_AT)
"""The key of its index."""


@dataclass(frozen=True)
class LoggedAnswer:
    """What an answer adds to a row: the label (or None of the Above), and when it was given, if known."""

    label: str
    answered_at: str | None


@dataclass(frozen=True)
class Copy:
    """The copy of an answered image for training: its key, or why there is none."""

    key: str | None = None
    failure: str | None = None


class OtherLabel(NamedTuple):
    """A label that the model considered besides the one that it chose, with its confidence in percent."""

    label: str
    percent: float


@dataclass(frozen=True)
class LogRow:
    """One detection, from its creation on. Times are ISO 8601 in UTC; confidences are percentages, 0 to 100.

    Numbers are rounded on construction, so a row is equal before it is written and after it is read.
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
    withheld: bool = False
    """Whether it was not sent to review, although it needs one, since the day's budget had no room for it."""
    other_labels: tuple[OtherLabel, ...] = ()
    """The next labels that the model considered, highest confidence first; a few at most."""
    failure: str | None = None
    is_sampled: bool = False
    sample_weight: int | None = None
    """The length of the block whose sample it is; None for a sample of the AWS sample, or of version 0.2 and before."""
    drawn_chance: float | None = None
    """The chance, above 0 and up to 1, with which it was drawn because it needs review; None if it was not drawn."""
    human_loop_name: str | None = None
    human_loop_request_id: str | None = None
    review_failure: str | None = None
    review_end: str | None = None
    human_label: str | None = None
    answered_at: str | None = None
    copied_key: str | None = None
    copy_failure: str | None = None

    def __post_init__(self) -> None:
        # To four decimals, as stored: DynamoDB takes no floats, and Rekognition's confidences are not more precise. The
        # confidence is rounded down and the minimum up, so that rounding never accepts a detection: 69.99996 stays
        # below 70.
        object.__setattr__(self, "confidence_percent", _rounded(self.confidence_percent, ROUND_FLOOR))
        object.__setattr__(self, "minimum_confidence_percent", _rounded(self.minimum_confidence_percent, ROUND_CEILING))
        others = tuple(OtherLabel(label, _rounded(percent, ROUND_FLOOR)) for label, percent in self.other_labels)
        object.__setattr__(self, "other_labels", others)

    # ------------------------------------------------------------------ what it means

    @property
    def accepted(self) -> bool:
        """Whether the confidence reaches the minimum: of a label, or that no label fits, which some versions learn."""
        is_detected = self.failure is None and (bool(self.detected_label) or self.confidence_percent > 0)
        return is_detected and self.confidence_percent >= self.minimum_confidence_percent

    @property
    def needs_review(self) -> bool:
        """Whether it is to be sent to human review: the workflow is enabled and it is not accepted."""
        return self.workflow_enabled and self.failure is None and not self.accepted

    @property
    def has_review(self) -> bool:
        """Whether a human loop exists for it, from the workflow or from sampling."""
        return self.human_loop_name is not None

    @property
    def review_source(self) -> str | None:
        """Why people were asked: the workflow or human sampling; None if they were not."""
        if not self.has_review:
            return None
        by_workflow = self.needs_review and self.review_failure is None and not self.withheld
        return WORKFLOW_SOURCE if by_workflow else SAMPLING_SOURCE

    @property
    def is_withdrawn(self) -> bool:
        """Whether its review was withdrawn, since a newer version is sure of the image. No person has answered it."""
        return self.review_end is not None and self.review_end.startswith(WITHDRAWN)

    @property
    def is_answered(self) -> bool:
        """Whether a human label is set."""
        return self.human_label is not None

    def awaited_copy(self, *, files_samples: bool, files_none: bool) -> str | None:
        """Return the folder to which its image is still to be copied, or None.

        An image with a label is trained. A human sample tests instead if ``files_samples``, and else is not copied.
        An image that no label fits is filed apart if ``files_none``, unless it is a human sample.
        """
        if not self.human_label or self.copied_key is not None or self.copy_failure is not None:
            return None
        if is_none_of_the_above(self.human_label):
            return NONE_FOLDER if files_none and not self.is_sampled else None
        if self.is_sampled and files_samples:
            return TEST_FOLDER
        return LABELLED_FOLDER if self.review_source == WORKFLOW_SOURCE else None

    def agrees_with(self, label: str) -> bool:
        """Whether the detected label is the given one."""
        return agrees(self.detected_label, label)

    @property
    def image_uri(self) -> str:
        """The image as ``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"

    def review_task(self, source: str) -> ReviewTask:
        """Return the review task for it; ``source`` is the workflow or human sampling."""
        return ReviewTask(
            detection_id=self.detection_id,
            source=source,
            image_uri=self.image_uri,
            label=self.detected_label,
            confidence_percent=self.confidence_percent,
            version_id=self.version_id,
            is_drawn=self.drawn_chance is not None,
            content=content_of(self.etag),
        )

    # ------------------------------------------------------------------ what changes it

    def with_review(self, started: ReviewStarted) -> "LogRow":
        """Return it with a review; a request id already recorded is kept if the review existed before."""
        request_id = started.request_id or self.human_loop_request_id
        return replace(self, human_loop_name=started.name, human_loop_request_id=request_id)

    def with_late_review(self, started: ReviewStarted) -> "LogRow":
        """Return it with a review that was withheld at first."""
        return replace(self.with_review(started), withheld=False)

    def with_sample(self, started: ReviewStarted | None, weight: int) -> "LogRow":
        """Return it as the sample of a block of ``weight`` detections, with the review that was started, if any."""
        return replace(self.with_review(started) if started else self, is_sampled=True, sample_weight=weight)

    def with_answer(self, answer: LoggedAnswer) -> "LogRow":
        """Return it with an answer."""
        return replace(self, human_label=answer.label, answered_at=answer.answered_at)

    def with_copy(self, copy: Copy) -> "LogRow":
        """Return it with the copy of its image."""
        return replace(self, copied_key=copy.key, copy_failure=copy.failure)

    # ------------------------------------------------------------------ as DynamoDB has it

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "LogRow":
        """Parse an item, also one of the AWS sample; missing or malformed values count as empty or 0.

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
            workflow_enabled=_text(item, Attribute.WORKFLOW_ENABLED).casefold()
            == "true",  # the sample may have written text
            withheld=item.get(Attribute.WITHHELD) is True,
            other_labels=_other_labels(item.get(Attribute.OTHER_LABELS)),
            failure=_optional(item, Attribute.FAILURE),
            is_sampled=item.get(Attribute.SAMPLED) == SAMPLED_YES,
            sample_weight=int(_within(item.get(Attribute.SAMPLE_WEIGHT), 1, 1e15)) or None,
            drawn_chance=_within(item.get(Attribute.DRAWN_CHANCE), 0.0001, 1) or None,
            human_loop_name=_optional(item, Attribute.HUMAN_LOOP_NAME),
            human_loop_request_id=_optional(item, Attribute.HUMAN_LOOP_REQUEST_ID),
            review_failure=_optional(item, Attribute.REVIEW_FAILURE),
            review_end=_optional(item, Attribute.REVIEW_END),
            # Even an empty label is an answer: answers are written on the condition that the attribute is absent.
            human_label=_text(item, Attribute.HUMAN_LABEL) if Attribute.HUMAN_LABEL in item else None,
            answered_at=answered_at,
            copied_key=_optional(item, Attribute.COPIED_KEY),
            copy_failure=_optional(item, Attribute.COPY_FAILURE),
        )

    def to_item(self) -> dict[str, Any]:
        """Return the DynamoDB item, without attributes that have no value; numbers are Decimal."""
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
            Attribute.WITHHELD: self.withheld or None,
            Attribute.OTHER_LABELS: [[one.label, Decimal(str(one.percent))] for one in self.other_labels] or None,
            Attribute.FAILURE: self.failure,
            Attribute.SAMPLED: self._sampled,
            Attribute.SAMPLE_WEIGHT: self.sample_weight,
            Attribute.DRAWN_CHANCE: None if self.drawn_chance is None else Decimal(str(self.drawn_chance)),
            Attribute.HUMAN_LOOP_NAME: self.human_loop_name,
            Attribute.HUMAN_LOOP_REQUEST_ID: self.human_loop_request_id,
            Attribute.REVIEW_FAILURE: self.review_failure,
            Attribute.REVIEW_END: self.review_end,
            Attribute.HUMAN_LABEL: self.human_label,
            Attribute.ANSWERED_AT: self.answered_at,
            Attribute.COPIED_KEY: self.copied_key,
            Attribute.COPY_FAILURE: self.copy_failure,
        }
        # Plain str, so that names in logs and errors look as they do in the table.
        return {str(name): value for name, value in (item | optional).items() if value is not None}

    @property
    def _sampled(self) -> str:
        if self.is_sampled:
            return SAMPLED_YES
        return SAMPLED_NO if self.failure is None else SAMPLED_FAILED

    def changes_to(self, changed: "LogRow") -> dict[str, Any]:
        """Return the attributes that a changed row adds or changes, as stored."""
        own = self.to_item()
        return {name: value for name, value in changed.to_item().items() if own.get(name) != value}


def content_of(etag: str) -> str:
    """Return what identifies the content of an object: its ETag where that is an MD5 digest, else "".

    That of a multipart upload has a dash. One of an object encrypted with a KMS key is as long, but no two are equal.
    """
    return etag if _MD5.fullmatch(etag) else ""


def agrees(detected_label: str, human_label: str) -> bool:
    """Return whether a human label matches the detected one; no detected label matches None of the Above."""
    return label_key(human_label) == label_key(detected_label or NONE_OF_THE_ABOVE)


def shown_percent(percent: float) -> float:
    """Return a confidence for display, rounded down to one decimal, so that 69.99 is not shown as 70."""
    return _rounded(percent, ROUND_FLOOR, decimals=1)


def _rounded(percent: float, direction: str, decimals: int = 4) -> float:
    # By the shortest decimal form, so that 70.1 stays 70.1 and rounding is idempotent.
    return float(Decimal(repr(percent)).quantize(Decimal(1).scaleb(-decimals), direction, _ANY_FLOAT))


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) else 0.0


def _within(value: Any, lowest: float, highest: float) -> float:
    """Return a number between two others, else 0."""
    number = _number(value)
    return number if lowest <= number <= highest else 0.0


def _other_labels(value: Any) -> tuple[OtherLabel, ...]:
    pairs = value if isinstance(value, list) else ()
    return tuple(OtherLabel(str(one[0]), _number(one[1])) for one in pairs if isinstance(one, list) and len(one) == 2)


def _text(item: Mapping[str, Any], name: str) -> str:
    return _optional(item, name) or ""


def _optional(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name)
    return None if value in (None, "") else str(value)
