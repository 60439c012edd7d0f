"""The training manifest: SageMaker Ground Truth image classification, one JSON line per image."""

import json
from collections.abc import Iterable, Iterator

from label_loop.payloads import LabelledImage

LABEL_ATTRIBUTE = "label"


def line(bucket: str, image: LabelledImage) -> str:
    """Return the line of an image. Its creation date is the object's, so equal sets give equal manifests."""
    return json.dumps(
        {
            "source-ref": f"s3://{bucket}/{image.key}",
            LABEL_ATTRIBUTE: 1,
            f"{LABEL_ATTRIBUTE}-metadata": {
                "confidence": 1,
                "class-name": image.label,
                "human-annotated": "yes",
                "creation-date": image.modified,
                "type": "groundtruth/image-classification",
            },
        },
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
            yield LabelledImage(source.removeprefix(prefix), label, modified)
