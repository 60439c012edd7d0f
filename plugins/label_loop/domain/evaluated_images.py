"""Reads what a version said of its test images, from the snapshot that Rekognition writes when it evaluates.

Each line of it is the line of the test manifest, with a numbered pair of entries for each label:
``rekognition-custom-labels-evaluation-0`` and its metadata, which have the label and its confidence, 0 to 1. The flags
beside them depend on thresholds that Rekognition fits to these very images, and are not used.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from label_loop.domain import manifest

_ENTRY, _METADATA = "rekognition-custom-labels-evaluation-", "-metadata"


@dataclass(frozen=True)
class EvaluatedImage:
    """A test image, its label, and the label that a version is most confident of, "" if it names none.

    ``key`` and ``content`` are those of the image in the manifest; ``content`` is "" if it is not known.
    """

    key: str
    content: str
    label: str
    guess: str
    confidence_percent: float

    @property
    def is_right(self) -> bool:
        """Whether the version would name the image's label."""
        return self.guess == self.label


def parse(lines: Iterable[str | bytes], bucket: str) -> Iterator[EvaluatedImage]:
    """Yield the images of a snapshot whose test manifest this loop wrote; other lines are skipped."""
    for text in lines:
        for image in manifest.parse([text], bucket):
            guess, confidence = _best(json.loads(text))
            yield EvaluatedImage(image.key, image.content, image.label, guess, confidence)


def _best(entry: dict[str, Any]) -> tuple[str, float]:
    """Return the label of highest confidence and that confidence in percent; of equal ones, the first by name."""
    judged = []
    for name, metadata in entry.items():
        if name.startswith(_ENTRY) and name.endswith(_METADATA) and isinstance(metadata, dict):
            label, confidence = metadata.get("class-name"), metadata.get("confidence")
            if isinstance(label, str) and isinstance(confidence, int | float) and 0 <= confidence <= 1:
                judged.append((-confidence, label))
    best, label = min(judged, default=(0.0, ""))
    return label, -100 * best
