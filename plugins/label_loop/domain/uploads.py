"""The S3 key of an uploaded image, and the outcome of its detection."""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from label_loop.domain.folders import key_stem
from label_loop.domain.images import image_suffix
from label_loop.domain.log_row import LogRow, shown_percent
from label_loop.payloads import LABELLED_FOLDER, UPLOADS_FOLDER, S3Upload

_DIGEST_CHARACTERS = 12
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def upload_key(name: str, body: bytes, label: str | None = None) -> str:
    """Return the S3 key for an image: for detection, or for training with a validated label.

    The printable part of the file name is kept for people. A digest of the content tells equal names apart, and gives
    the same file the same key. The suffix follows the content, not the name.
    """
    folder = UPLOADS_FOLDER if label is None else f"{LABELLED_FOLDER}{label}/"
    digest = hashlib.sha256(body).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{folder}{_stem(name)}-{digest}{image_suffix('', body[:8])}"


def detection_id(bucket: str, key: str, etag: str, version_id: str | None, *, has_queue: bool) -> str | None:
    """Return the id of the future detection of an object just written, or None if it depends on the event.

    A notification includes the version of the object, or else a sequencer that is not known in advance. A listing, as
    in a loop without a queue, includes neither.
    """
    version_id = None if version_id == "null" else version_id
    if has_queue and version_id is None:
        return None
    return S3Upload(bucket, key, etag.strip('"'), version_id if has_queue else None).detection_id


@dataclass(frozen=True)
class UploadOutcome:
    """The outcome of an upload. ``detail`` is the reason of a failure, or the human label."""

    state: Literal["accepted", "in review", "not accepted", "reviewed", "failed"]
    label: str = ""
    confidence_percent: float = 0.0
    detail: str = ""


def upload_outcome(row: LogRow) -> UploadOutcome:
    """Return the outcome of an upload, given its row in the inference log."""
    label, confidence_percent = row.detected_label, shown_percent(row.confidence_percent)
    if row.failure is not None:
        return UploadOutcome("failed", detail=row.failure)
    if row.human_label is not None:
        return UploadOutcome("reviewed", label, confidence_percent, row.human_label)
    if row.accepted:
        return UploadOutcome("accepted", label, confidence_percent)
    if row.has_review:
        return UploadOutcome("in review", label, confidence_percent)
    refused = "its review could not be created" if row.review_failure else ""
    return UploadOutcome("not accepted", label, confidence_percent, refused)


def _stem(name: str) -> str:
    # A browser sends a bare name, but other clients may send a path with any separator and characters.
    last = re.split(r"[/\\]", name)[-1]
    readable = "".join(character for character in _SUFFIX.sub("", last) if character.isprintable())
    return key_stem(readable.strip(" ."))
