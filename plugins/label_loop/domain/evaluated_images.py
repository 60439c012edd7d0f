"""Reads what a version said of its test images, from the snapshot that Rekognition writes when it evaluates.

Each line of it is the line of the test manifest, with a numbered pair of entries for each label:
``rekognition-custom-labels-evaluation-0`` and its metadata, which have the label and its confidence, 0 to 1. The flags
beside them depend on thresholds that Rekognition fits to these very images, and are not used.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from label_loop.domain import manifest
from label_loop.domain.alike import alike_to, are_of_one_scene
from label_loop.domain.labels import is_none_of_the_above
from label_loop.payloads import LabelledImage

_ENTRY, _METADATA = "rekognition-custom-labels-evaluation-", "-metadata"


@dataclass(frozen=True)
class EvaluatedImage:
    """A test image as the manifest has it, and the label that a version is most confident of, "" if it names none."""

    image: LabelledImage
    guess: str
    confidence_percent: float

    @property
    def is_right(self) -> bool:
        """Whether the version would name the image's label."""
        return self.guess == self.image.label


def macro_f1(images: Iterable[EvaluatedImage]) -> float | None:
    """Return the mean of the labels' F1 scores, 0 to 1, by the label of highest confidence; None without test images.

    Whatever the confidence: what is not accepted is asked about, and so is not wrong. A first version, which is unsure
    of most, would otherwise never be deployed, and nothing asked: with two images for each of ten labels it has 0.82
    to 0.86, and counted at 70 % confidence 0.72 to 0.76. A label counts if it has test images. Images that no label
    fits are left out, and so is the answer that none does.
    """
    right, tested, said = Counter[str](), Counter[str](), Counter[str]()
    for one in images:
        label = one.image.label
        if is_none_of_the_above(label):
            continue
        tested[label] += 1
        if one.guess:
            said[one.guess] += 1
            right[label] += one.is_right
    scores = [2 * right[label] / (tested[label] + said[label]) for label in tested]
    return sum(scores) / len(scores) if scores else None


def seen(tested: Sequence[EvaluatedImage], trained: Iterable[LabelledImage]) -> set[str]:
    """Return the contents of test images that are equal or alike to a training image."""
    images = [one.image for one in tested]
    contents, equal = {image.content for image in images}, set()

    def noted() -> Iterator[LabelledImage]:
        for image in trained:
            equal.add(image.content)
            yield image

    alike = alike_to(noted(), images, by_look=not are_of_one_scene(images))
    return alike | equal & contents


def parse(lines: Iterable[str | bytes], bucket: str) -> Iterator[EvaluatedImage]:
    """Yield the images of a snapshot whose test manifest this loop wrote; other lines are skipped."""
    for text in lines:
        for image in manifest.parse([text], bucket):
            guess, confidence = _best(json.loads(text))
            yield EvaluatedImage(image, guess, confidence)


def keys(lines: Iterable[str | bytes], bucket: str) -> Iterator[str]:
    """Yield the keys of a snapshot's images in a bucket, whoever wrote the manifest."""
    prefix = f"s3://{bucket}/"
    for text in lines:
        try:
            source = json.loads(text)["source-ref"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(source, str) and source.startswith(prefix):
            yield source.removeprefix(prefix)


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
