"""What a detection means."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from label_loop.domain.log_row import LogRow
from label_loop.domain.moments import timestamp
from label_loop.parameters import Settings
from label_loop.payloads import S3Upload

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
) -> LogRow:
    """Return the row of an upload from the labels found, best first; none found is confidence 0."""
    best = max(labels, key=lambda label: label["Confidence"], default=None)
    return LogRow(
        detection_id=upload.detection_id,
        detected_at=timestamp(detected_at),
        bucket=upload.bucket,
        key=upload.key,
        etag=upload.etag,
        version_id=upload.version_id,
        project_version_arn=project_version_arn,
        detected_label=best["Name"] if best else "",
        confidence_percent=float(best["Confidence"]) if best else 0.0,
        minimum_confidence_percent=settings.minimum_label_detection_confidence_percent,
        workflow_enabled=settings.enable_a2i_workflow,
    )


def failed(row: LogRow, code: str) -> LogRow:
    """Return a detection as failed, with the reason for a code in ``UNDETECTABLE``."""
    return replace(row, failure=f"{code}: {UNDETECTABLE[code]}")
