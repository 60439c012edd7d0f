"""What a detection means and how the inference log keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from label_loop.domain.moments import timestamp
from label_loop.parameters import Settings
from label_loop.payloads import WORKFLOW_SOURCE, Detection, ReviewTask, S3Upload

SAMPLED_NO = "No"
SAMPLED_YES = "Yes"

# What DetectCustomLabels says of an image that no repetition will make detectable.
UNDETECTABLE = {
    "InvalidImageFormatException": "not a readable PNG or JPEG image",
    "ImageTooLargeException": "larger than Rekognition takes (15 MB, 4096 px a side)",
    "InvalidS3ObjectException": "gone from S3, or not readable by Rekognition",
    "InvalidParameterException": "refused by Rekognition (is it at least 64 px a side?)",
    "ValidationException": "refused by Rekognition",
}


def decide(
    upload: S3Upload,
    labels: Sequence[Mapping[str, Any]],
    *,
    settings: Settings,
    project_version_arn: str,
    detected_at: datetime,
) -> Detection:
    """Return the detection of an upload from the labels found, best first; none found is confidence 0."""
    best = max(labels, key=lambda label: label["Confidence"], default=None)
    return Detection(
        upload=upload,
        detected_at=detected_at,
        project_version_arn=project_version_arn,
        label=best["Name"] if best else "",
        confidence_percent=float(best["Confidence"]) if best else 0.0,
        minimum_confidence_percent=settings.minimum_label_detection_confidence_percent,
        workflow_enabled=settings.enable_a2i_workflow,
    )


def failed(detection: Detection, code: str) -> Detection:
    """Return the detection as failed, with the reason for a code in ``UNDETECTABLE``."""
    return replace(detection, failure=f"{code}: {UNDETECTABLE[code]}")


def review_task(detection: Detection) -> ReviewTask:
    """Return what a reviewer is asked about a detection that is not accepted."""
    return ReviewTask(
        detection_id=detection.id,
        source=WORKFLOW_SOURCE,
        image_uri=detection.upload.uri,
        label=detection.label,
        confidence_percent=detection.confidence_percent,
        version_id=detection.upload.version_id,
    )


def to_row(detection: Detection) -> dict[str, Any]:
    """Return the row of the inference log, in the sample's attribute names."""
    upload = detection.upload
    row: dict[str, Any] = {
        "DetectLabelRequestId": detection.id,
        "DetectLabelDate": timestamp(detection.detected_at),
        "S3Bucket": upload.bucket,
        "S3ObjectKey": upload.key,
        "S3ObjectEtag": upload.etag,
        "ProjectVersionArn": detection.project_version_arn,
        "DetectedLabel": detection.label,
        "DetectedConfidenceLevel": _number(detection.confidence_percent),
        "MinimumConfidenceLevel": _number(detection.minimum_confidence_percent),
        "A2IEnabled": detection.workflow_enabled,
    }
    if upload.version_id:
        row["S3ObjectVersionId"] = upload.version_id
    if detection.failure:
        row["Failure"] = detection.failure
        return row  # without Sampled: what is no detection is in no sample
    row["Sampled"] = SAMPLED_NO
    optional = {
        "HumanLoopName": detection.human_loop_name,
        "HumanLoopRequestId": detection.human_loop_request_id,
        "ReviewFailure": detection.review_failure,
    }
    return row | {name: value for name, value in optional.items() if value}


def _number(value: float) -> Decimal:
    """DynamoDB takes no floats; four decimals are more than Rekognition's confidences mean."""
    return Decimal(str(round(value, 4)))
