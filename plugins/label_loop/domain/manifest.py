"""The training manifest: SageMaker Ground Truth image classification, one JSON line per image."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from label_loop.domain.labelling import PEOPLE
from label_loop.payloads import BY_HAND, LabelledImage, Labelling

LABEL_ATTRIBUTE = "label"
_JOB = "label-loop/"  # begins the name of the labelling job, which names the content of the image
_BY = "by:"
_JOB_NAME = re.compile(rf"{_JOB}([0-9a-f]{{64}})/([0-9a-f]{{64}}|)/(?:{_BY}({PEOPLE})/)?(.*)", re.DOTALL)


def line(bucket: str, image: LabelledImage) -> str:
    """Return the line of an image. Its creation date is the object's.

    The content, what it looks like, who labelled it, if that is known, and the ETag are kept in the name of the
    labelling job: it is optional, any text, and the only such text in AWS's format.
    """
    metadata = {
        "confidence": 1,
        "class-name": image.label,
        "human-annotated": "yes",
        "creation-date": image.modified,
        "type": "groundtruth/image-classification",
    }
    if image.content:
        people = f"{_BY}{image.labelled_by}/" if image.labelled_by else ""
        metadata["job-name"] = f"{_JOB}{image.content}/{image.perceptual_hash}/{people}{image.etag}"
    return json.dumps(
        {"source-ref": f"s3://{bucket}/{image.key}", LABEL_ATTRIBUTE: 1, f"{LABEL_ATTRIBUTE}-metadata": metadata},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def parse(lines: Iterable[str | bytes], bucket: str) -> Iterator[LabelledImage]:
    """Yield the images of a manifest written by ``line``; other lines are skipped."""
    prefix = f"s3://{bucket}/"
    for text in lines:
        try:
            entry = json.loads(text)
            metadata = entry[f"{LABEL_ATTRIBUTE}-metadata"]
            source, label, modified = entry["source-ref"], metadata["class-name"], metadata["creation-date"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if all(isinstance(part, str) for part in (source, label, modified)) and source.startswith(prefix):
            yield LabelledImage(source.removeprefix(prefix), label, modified, *_identity(metadata.get("job-name")))


def _identity(job: object) -> tuple[str, str, str, Labelling]:
    """Return the ETag, the content and the perceptual hash that the name of a labelling job holds, "" if none.

    Then, who labelled the image.
    """
    found = _JOB_NAME.fullmatch(job) if isinstance(job, str) else None
    return (found[4], found[1], found[2], _by(found[3])) if found else ("", "", "", BY_HAND)


@lru_cache(maxsize=1024)  # few people label many images
def _by(people: str | None) -> Labelling:
    return Labelling(people) if people else BY_HAND
