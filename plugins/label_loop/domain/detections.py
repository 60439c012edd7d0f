"""Turns the result of a detection into a row of the inference log."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from label_loop.domain.labels import is_none_of_the_above
from label_loop.domain.log_row import LogRow, OtherLabel
from label_loop.domain.moments import timestamp
from label_loop.parameters import Settings
from label_loop.payloads import LabelMinimums, S3Upload

# The errors of DetectCustomLabels that a retry will not cure, by code. InvalidS3ObjectException is not among them: it
# also stands for a missing permission.
UNDETECTABLE = {
    "InvalidImageFormatException": "not a readable PNG or JPEG image",
    "ImageTooLargeException": "larger than the limits of Rekognition (15 MB, 4096 px per side)",
    "InvalidParameterException": "rejected by Rekognition (is each side at least 64 px?)",
    "ValidationException": "rejected by Rekognition",
}
LABELS_WANTED = 5
"""The one that is detected, and those after it, which say how unsure the model is."""


def to_log_row(
    upload: S3Upload,
    labels: Sequence[Mapping[str, Any]],
    *,
    settings: Settings,
    project_version_arn: str,
    detected_at: datetime,
    minimums: LabelMinimums | None = None,
) -> LogRow:
    """Return the row of an upload for the label with the highest confidence; no label is "" with confidence 0.

    A version that has learned images that no label fits may say so: then it is "" with that confidence.

    ``labels`` are Rekognition's CustomLabels: ``{"Name": str, "Confidence": 0..100}``. ``minimums`` apply to detections
    of their version, if there is a target precision, and never lower the parameter's minimum.
    """
    ranked = sorted(labels, key=lambda label: -label["Confidence"])
    best = ranked[0] if ranked else None
    minimum = settings.minimum_label_detection_confidence_percent
    if best and minimums and minimums.version_arn == project_version_arn and settings.target_precision:
        minimum = max(minimum, minimums.percents.get(best["Name"], minimum))
    return LogRow(
        detection_id=upload.detection_id,
        detected_at=timestamp(detected_at),
        bucket=upload.bucket,
        key=upload.key,
        etag=upload.etag,
        version_id=upload.version_id,
        project_version_arn=project_version_arn,
        detected_label=best["Name"] if best and not is_none_of_the_above(best["Name"]) else "",
        confidence_percent=float(best["Confidence"]) if best else 0.0,
        minimum_confidence_percent=minimum,
        other_labels=tuple(OtherLabel(one["Name"], one["Confidence"]) for one in ranked[1:LABELS_WANTED]),
        workflow_enabled=settings.enable_a2i_workflow,
    )


def failed(row: LogRow, code: str, problem: str) -> LogRow:
    """Return a row as failed, with the error code and what it means."""
    return replace(row, failure=f"{code}: {problem}")
