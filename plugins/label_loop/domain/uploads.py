"""Where an image that a person uploads is put, and what became of it: names and labels are theirs, keys are ours."""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from label_loop.domain.images import image_suffix
from label_loop.domain.log_row import LogRow, shown_percent
from label_loop.domain.reviews import key_stem
from label_loop.payloads import LABELLED_FOLDER, UPLOADS_FOLDER, S3Upload

_DIGEST_CHARACTERS = 12
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def upload_key(name: str, body: bytes, label: str | None = None) -> str:
    """Return the key for an image: for detection, or for training under a label that was checked.

    What is readable of the file's name is kept for people. A digest of the content keeps equal names apart, and
    makes the same file the same key; the suffix tells what the content is, whatever the name says.
    """
    folder = UPLOADS_FOLDER if label is None else f"{LABELLED_FOLDER}{label}/"
    digest = hashlib.sha256(body).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{folder}{_stem(name)}-{digest}{image_suffix('', body[:8])}"


def detection_id(bucket: str, key: str, etag: str, version_id: str | None, *, has_queue: bool) -> str | None:
    """Return the id that the detection of an object just written will have, or None where only its event tells.

    A notification tells the object's version; a listing, which is what a loop without a queue has, tells none.
    """
    version_id = None if version_id == "null" else version_id
    if has_queue and version_id is None:
        return None
    return S3Upload(bucket, key, etag.strip('"'), version_id if has_queue else None).detection_id


@dataclass(frozen=True)
class Outcome:
    """What became of an upload: the model's label and confidence, the decision, and why or what people said."""

    state: Literal["accepted", "in review", "not accepted", "reviewed", "failed"]
    label: str = ""
    confidence_percent: float = 0.0
    detail: str = ""


def outcome(row: LogRow) -> Outcome:
    """Return what a row of the inference log tells of its upload."""
    label, confidence_percent = row.detected_label, shown_percent(row.confidence_percent)
    if row.failure is not None:
        return Outcome("failed", detail=row.failure)
    if row.human_label is not None:
        return Outcome("reviewed", label, confidence_percent, row.human_label)
    if row.accepted:
        return Outcome("accepted", label, confidence_percent)
    if row.has_review:
        return Outcome("in review", label, confidence_percent)
    refused = "its review could not be created" if row.review_failure else ""
    return Outcome("not accepted", label, confidence_percent, refused)


def _stem(name: str) -> str:
    # A browser sends a bare name, another program what it likes: a path of any system, and any character.
    last = re.split(r"[/\\]", name)[-1]
    readable = "".join(character for character in _SUFFIX.sub("", last) if character.isprintable())
    return key_stem(readable.strip(" ."))
