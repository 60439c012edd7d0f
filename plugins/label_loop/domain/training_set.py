"""Which sets of images can be trained: the limits of Rekognition Custom Labels, and what is left out of a set.

The limits are those of "Guidelines and quotas" in the Custom Labels guide, for image-level labels.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from label_loop.exceptions import UnusableTrainingSetError
from label_loop.payloads import LABELLED_FOLDER, TEST_FOLDER, LabelledImage

MIN_LABELS = 2
MAX_LABELS = 250
MIN_IMAGES_PER_LABEL_FOR_SPLIT = 2
MAX_TEST_IMAGES_PER_LABEL = 1_000
MAX_MANIFEST_BYTES = 10**9
_SHOWN = 5


@dataclass(frozen=True)
class ImageLimits:
    """The most images of a training set and of a test set, in a region."""

    region: str
    training_images: int = 250_000
    test_images: int = 250_000

    @classmethod
    def of(cls, project_arn: str) -> "ImageLimits":
        """Return the limits in the region of a Rekognition project."""
        region = project_arn.split(":")[3]
        return cls(region, *_SMALLER_REGIONS.get(region, ()))


_SMALLER_REGIONS = {"ap-south-1": (28_000, 7_000), "eu-west-2": (28_000, 7_000)}


def trainable(
    images: Sequence[LabelledImage], has_test_set: Callable[[], bool]
) -> tuple[list[LabelledImage], Mapping[str, str]]:
    """Return the images of labels that can train, and notes on the other labels.

    ``has_test_set`` is called only if the answer depends on it. If fewer labels than a training needs would remain,
    none is left out: the set as a whole cannot train, which ``check_set`` explains.
    """
    short = _short_labels(Counter(image.label for image in images))
    labels = {image.label for image in images}
    if not short or len(labels) - len(short) < MIN_LABELS or has_test_set():
        return list(images), {}
    note = (
        "left out: it has only one usable image, and the split into training and test images needs "
        f"{MIN_IMAGES_PER_LABEL_FOR_SPLIT} per label. Add images, or provide a test set in {TEST_FOLDER}"
    )
    return [image for image in images if image.label not in short], dict.fromkeys(short, note)


def check_set(images: Iterable[LabelledImage], limits: ImageLimits, *, has_test_set: bool) -> Mapping[str, int]:
    """Return the number of images for each label. Raises UnusableTrainingSetError if the set exceeds a limit."""
    counts = Counter(image.label for image in images)
    total = sum(counts.values())
    if not MIN_LABELS <= len(counts) <= MAX_LABELS:
        raise UnusableTrainingSetError(
            f"The usable images have {len(counts)} label(s) ({', '.join(sorted(counts)[:_SHOWN]) or 'none'}), but "
            f"training requires {MIN_LABELS} to {MAX_LABELS}. Each label is a folder in {LABELLED_FOLDER}."
        )
    _check_number("training", total, limits.training_images, limits, LABELLED_FOLDER)
    short = _short_labels(counts)
    if short and not has_test_set:
        raise UnusableTrainingSetError(
            f"{len(short)} label(s) have only one image ({', '.join(short[:_SHOWN])}), but the split into training and "
            f"test images needs {MIN_IMAGES_PER_LABEL_FOR_SPLIT} per label. Add images, remove the folder, or provide "
            f"a test set in {TEST_FOLDER}."
        )
    return counts


def check_test_set(labels: Collection[str], test_images: Iterable[LabelledImage], limits: ImageLimits) -> None:
    """Raise UnusableTrainingSetError if the test images of the trained labels exceed a limit."""
    counts = Counter(image.label for image in test_images if image.label in labels)
    _check_number("test", counts.total(), limits.test_images, limits, TEST_FOLDER)
    crowded = [f"{label}: {count}" for label, count in counts.most_common() if count > MAX_TEST_IMAGES_PER_LABEL]
    if crowded:
        raise UnusableTrainingSetError(
            f"The test set has too many images of {len(crowded)} label(s) ({', '.join(crowded[:_SHOWN])}); Rekognition "
            f"tests with at most {MAX_TEST_IMAGES_PER_LABEL} per label. Remove images from {TEST_FOLDER}<label>/."
        )


def check_manifest(key: str, size_bytes: int) -> None:
    """Raise UnusableTrainingSetError if a manifest is larger than Rekognition reads."""
    if size_bytes > MAX_MANIFEST_BYTES:
        raise UnusableTrainingSetError(
            f"The manifest {key} would have {size_bytes} bytes; Rekognition reads at most {MAX_MANIFEST_BYTES}. "
            "Remove images, or give them and their labels shorter names."
        )


def check_readable(usable: Collection[LabelledImage], blocked: Mapping[str, str]) -> None:
    """Raise UnusableTrainingSetError if there are images that cannot be read, by key, and no usable ones beside them.

    A cause that all images share is no property of an image; leaving all of them out would hide it.
    """
    if blocked and not usable:
        problem, count = Counter(blocked.values()).most_common(1)[0]
        key = next(key for key, why in blocked.items() if why == problem)
        raise UnusableTrainingSetError(
            f"None of {len(blocked)} image(s) can be read. {count} of them, such as {key}: {problem}. Make them "
            "readable for the loop's role, or remove them."
        )


def _short_labels(counts: Mapping[str, int]) -> list[str]:
    return sorted(label for label, count in counts.items() if count < MIN_IMAGES_PER_LABEL_FOR_SPLIT)


def _check_number(kind: str, images: int, most: int, limits: ImageLimits, folder: str) -> None:
    if images > most:
        raise UnusableTrainingSetError(
            f"The {kind} set has {images} images; Rekognition takes at most {most} in {limits.region}. Remove images "
            f"from {folder}, or set the loop up in another region if that takes more."
        )
