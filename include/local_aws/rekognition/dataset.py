"""A manifest with its images: what can be trained on, what ends the training, and the split."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_aws.rekognition.images import MAX_S3_BYTES, Pixels, UnusableImageError, read_pixels
from local_aws.rekognition.manifest import MESSAGES, ManifestLine, read_lines

MAX_MANIFEST_BYTES = 2**30
MAX_LINES = 250_000
MIN_LABELS, MAX_LABELS = 2, 250
MAX_INVALID_SHARE = 0.2
MIN_LABEL_OVERLAP = 0.5
TEST_SHARE = 0.2
MIN_IMAGES_PER_LABEL_FOR_SPLIT = 2  # one to train on, one to test on

CONTENT_MESSAGES = {
    "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST": "The manifest file contains too many invalid rows.",
    "ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS": "The manifest file contains images from multiple S3 buckets.",
    "ERROR_MANIFEST_TOO_FEW_LABELS": "The manifest file contains too few labels.",
    "ERROR_MANIFEST_TOO_MANY_LABELS": "The manifest file contains too many labels.",
    "ERROR_MANIFEST_TOO_FEW_USABLE_LABELS": "The manifest file does not contain enough usable labels.",
    "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT": (
        "There are not enough labelled images to split into a training and a testing dataset."
    ),
    "ERROR_INSUFFICIENT_LABEL_OVERLAP": "Less than 50% of the labels overlap between training and testing.",
}


class ManifestFileError(Exception):
    """The manifest as a whole cannot be used; no validation results are written."""


@dataclass
class Example:
    """A valid line and its decoded image."""

    line: ManifestLine
    pixels: Pixels


@dataclass
class Dataset:
    """One manifest, checked: its lines, the examples among them, and the codes that end the training."""

    lines: list[ManifestLine]
    examples: list[Example]
    codes: list[str] = field(default_factory=list)

    @property
    def labels(self) -> set[str]:
        """Labels with at least one usable image."""
        return {label for example in self.examples for label in example.line.labels}

    def statistics(self) -> dict[str, object]:
        """Sum the manifest up as AWS's manifest summary does."""
        invalid = [line.number for line in self.lines if line.codes]
        return {
            "use_case": "IMAGE_LEVEL_LABELS" if any(line.labels for line in self.lines) else "NOT_DETERMINED",
            "total_json_lines": len(self.lines),
            "valid_json_lines": len(self.lines) - len(invalid),
            "invalid_json_lines": len(invalid),
            "ignored_json_lines": 0,
            "error_json_line_indices": invalid,
            "errors": described(self.codes),
        }


def described(codes: Iterable[str]) -> list[dict[str, str]]:
    """Return codes with their messages, as the result files list them."""
    return [{"code": code, "message": (MESSAGES | CONTENT_MESSAGES)[code]} for code in codes]


def json_line(content: Mapping[str, Any], *, is_labeled: bool, codes: Iterable[str] = ()) -> str:
    """Write a line as datasets and validation results have it: whether it has labels, and what is wrong in it."""
    errors = described(codes)
    reported = {"cl-metadata": {"is_labeled": is_labeled}} | ({"errors": errors} if errors else {})
    return json.dumps({**content, **reported})


def load_dataset(text: str, read_image: Callable[[str, str], bytes | None]) -> Dataset:
    """Check a manifest and decode its images; ``read_image`` gives an object's bytes, None if unreadable."""
    if not text.strip():
        raise ManifestFileError("The manifest file is empty. (ERROR_MANIFEST_IS_EMPTY)")
    if len(text.encode()) > MAX_MANIFEST_BYTES:
        raise ManifestFileError("The manifest file is too large. (ERROR_MANIFEST_SIZE_TOO_LARGE)")
    lines = read_lines(text)
    if len(lines) > MAX_LINES:
        raise ManifestFileError("The manifest file has too many rows. (ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM)")
    if all("ERROR_INVALID_JSON_LINE" in line.codes for line in lines):
        raise ManifestFileError(
            "The manifest file's extension or contents are invalid. (ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT)"
        )
    examples = []
    for line in lines:
        pixels = None if line.codes else _decode(line, read_image)
        if pixels is not None:
            examples.append(Example(line, pixels))
    dataset = Dataset(lines, examples)
    dataset.codes = _content_errors(dataset)
    return dataset


def _decode(line: ManifestLine, read_image: Callable[[str, str], bytes | None]) -> Pixels | None:
    body = read_image(line.bucket, line.key)
    if body is None or len(body) > MAX_S3_BYTES:
        line.codes.append("ERROR_INVALID_IMAGE")
        return None
    try:
        return read_pixels(body)
    except UnusableImageError as error:
        line.codes.append("ERROR_INVALID_IMAGE" if error.kind == "format" else "ERROR_INVALID_IMAGE_DIMENSION")
        return None


def _content_errors(dataset: Dataset) -> list[str]:
    """Return the codes of what makes a manifest unusable although its lines could be read."""
    declared = {label for line in dataset.lines for label in line.labels}
    invalid = sum(bool(line.codes) for line in dataset.lines)
    rules = (
        ("ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST", invalid > MAX_INVALID_SHARE * len(dataset.lines)),
        ("ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS", len({li.bucket for li in dataset.lines if li.bucket}) > 1),
        ("ERROR_MANIFEST_TOO_FEW_LABELS", len(declared) < MIN_LABELS),
        ("ERROR_MANIFEST_TOO_MANY_LABELS", len(declared) > MAX_LABELS),
        ("ERROR_MANIFEST_TOO_FEW_USABLE_LABELS", len(declared) >= MIN_LABELS > len(dataset.labels)),
    )
    return [code for code, applies in rules if applies]


def overlap_errors(training: Dataset, testing: Dataset) -> list[str]:
    """Return the code for a test set that tests too few of the trained labels."""
    shared = training.labels & testing.labels
    enough = len(shared) >= MIN_LABEL_OVERLAP * len(training.labels)
    return [] if enough else ["ERROR_INSUFFICIENT_LABEL_OVERLAP"]


def split_errors(dataset: Dataset) -> list[str]:
    """Return the code for a label with too few images to be in both parts of the split."""
    enough = can_be_split(example.line.labels for example in dataset.examples)
    return [] if enough else ["ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT"]


def can_be_split(labels_of_images: Iterable[tuple[str, ...]]) -> bool:
    """Tell whether each label has enough images to be in both parts of the split."""
    counts = Counter(label for labels in labels_of_images for label in labels)
    return all(count >= MIN_IMAGES_PER_LABEL_FOR_SPLIT for count in counts.values())


def split(examples: list[Example]) -> tuple[list[Example], list[Example]]:
    """Give each label's images 80:20 to training and testing, by their first label."""
    return split_by_label(examples, lambda example: (example.line.labels[0], example.line.source_ref))


def split_by_label[T](
    images: Iterable[T], label_and_address: Callable[[T], tuple[str, str]]
) -> tuple[list[T], list[T]]:
    """Give each label's images 80:20 to training and testing, the same way every time.

    An image's place depends on its address alone among those of its label, so a pool that grows keeps most of
    its former split.
    """
    by_label: dict[str, list[tuple[str, T]]] = defaultdict(list)
    for image in images:
        label, address = label_and_address(image)
        by_label[label].append((hashlib.sha256(address.encode()).hexdigest(), image))
    training: list[T] = []
    testing: list[T] = []
    for label in sorted(by_label):
        own = [image for _, image in sorted(by_label[label], key=lambda hashed: hashed[0])]
        count = min(len(own) - 1, max(1, round(len(own) * TEST_SHARE)))
        testing += own[:count]
        training += own[count:]
    return training, testing
