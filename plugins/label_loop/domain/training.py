"""When a training starts, with which images, and which set cannot train."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from label_loop.domain.deployment import BILLED, STARTABLE, TRAINED, TRAINING
from label_loop.domain.images import is_image_key
from label_loop.domain.labels import Labels, labels_of
from label_loop.domain.manifest import line
from label_loop.exceptions import UnusableTrainingSetError
from label_loop.payloads import TEST_FOLDER, LabelledImage, ProjectVersion, TrainingAttempt

FEWEST_LABELS = 2
MOST_LABELS = 250
MOST_IMAGES = 250_000
FEWEST_IMAGES_A_LABEL_FOR_SPLIT = 2
ACCEPTED = "accepted"
DEPLOYED = "deployed"


def labelled_image(folder: str, key: str, modified: str, size_bytes: int = 0) -> LabelledImage | None:
    """Return the image that a key under ``folder`` is, or None for markers, stray, nested and other keys.

    An image lies exactly at ``<folder><label>/<name>.png|.jpg|.jpeg``. Its label is the name of its folder here,
    whether that can be a label or not.
    """
    label, slash, name = key.removeprefix(folder).partition("/")
    if not (key.startswith(folder) and slash) or "/" in name or not is_image_key(name):
        return None
    return LabelledImage(key, label, modified, size_bytes)


def by_label(found: Iterable[LabelledImage], known: Labels | None = None) -> tuple[list[LabelledImage], Labels]:
    """Return the images of folders that can be labels, each under its label, and what the folders stand for.

    ``known`` has the labels that keep their names.
    """
    images = list(found)
    counts = Counter(image.label for image in images)
    labels = labels_of(counts, counts.__getitem__, known)
    mine = labels.of_folder
    return [_under(image, mine[image.label]) for image in images if image.label in mine], labels


def _under(image: LabelledImage, label: str) -> LabelledImage:
    return image if image.label == label else replace(image, label=label)


def notes(folder: str, of_folders: Mapping[str, str]) -> Mapping[str, str]:
    """Return notes on labels' folders by the folders' prefixes, as they are found in S3."""
    return {f"{folder}{name}/": note for name, note in of_folders.items()}


def new_images(images: Iterable[LabelledImage], trained: Iterable[LabelledImage]) -> list[LabelledImage]:
    """Return the images that the last attempt did not have: other keys, or changed since."""
    known = {(image.key, image.modified) for image in trained}
    return [image for image in images if (image.key, image.modified) not in known]


@dataclass(frozen=True)
class TrainingDecision:
    """Whether to train, to go on with an attempt that a crash left behind, or neither; and why."""

    action: Literal["train", "resume", "none"]
    reason: str


def decide(
    *,
    new_images: int,
    minimum_untrained_images: int,
    forced: bool,
    attempt: TrainingAttempt | None,
    versions: Iterable[ProjectVersion],
    endpoint_arn: str | None,
) -> TrainingDecision:
    """Decide what a training check starts.

    A version that is training, or trained and not judged or not deployed yet, is gone on with before another
    one is paid for. A version that trains without being ours holds ours back: one training at a time.
    """
    by_name = {version.name: version for version in versions}
    if attempt:
        last = by_name.get(attempt.version_name)
        if _is_unfinished(attempt, last, endpoint_arn):
            status = last.status if last else "not created yet"
            return TrainingDecision("resume", f"version {attempt.version_name} is {status}: going on with it")
    busy = next((version for version in by_name.values() if version.status == TRAINING), None)
    if busy:
        return TrainingDecision("none", f"version {busy.name} is being trained; one training at a time")
    if forced:
        return TrainingDecision("train", "forced by hand")
    if new_images >= minimum_untrained_images:
        return TrainingDecision("train", f"{new_images} new labelled images")
    return TrainingDecision("none", f"{new_images} of {minimum_untrained_images} new labelled images")


def _is_unfinished(attempt: TrainingAttempt, version: ProjectVersion | None, endpoint_arn: str | None) -> bool:
    if attempt.outcome is None:
        # Recorded before it is created: without a version, a crash came between the two.
        return version is None or version.status in {TRAINING, TRAINED}
    return (
        attempt.outcome == ACCEPTED
        and version is not None
        and version.arn != endpoint_arn
        and version.status in STARTABLE | BILLED
    )


def outcome_after_deployment(attempt: TrainingAttempt, deployed_version_name: str) -> str | None:
    """Return the outcome of the last attempt once some version was deployed.

    An attempt that waited for its deployment and was passed over by hand waits no longer: the next check would
    undo what a person decided. One that is still in training, or not judged yet, stands for new images.
    """
    if attempt.version_name == deployed_version_name:
        return DEPLOYED
    if attempt.outcome == ACCEPTED:
        return f"passed over: {deployed_version_name} was deployed by hand"
    return attempt.outcome


def fingerprint(bucket: str, images: Iterable[LabelledImage]) -> str:
    """Return a digest of a training set: equal for equal sets, whatever their order."""
    digest = hashlib.sha256()
    for text in sorted(line(bucket, image) for image in images):
        digest.update(text.encode())
        digest.update(b"\n")
    return digest.hexdigest()


def version_name(set_fingerprint: str, run_id: str) -> str:
    """Return a version name that only this set in this run has, so that a repeated call is refused by AWS."""
    run = hashlib.sha256(run_id.encode()).hexdigest()
    return f"label-loop-{set_fingerprint[:12]}-{run[:8]}"


def check_set(images: Iterable[LabelledImage], *, has_test_set: bool) -> Mapping[str, int]:
    """Return the number of images of each label.

    Raises UnusableTrainingSetError where Rekognition would fail the training, by the limits of its guide.
    """
    counts = Counter(image.label for image in images)
    total = sum(counts.values())
    if not FEWEST_LABELS <= len(counts) <= MOST_LABELS:
        raise UnusableTrainingSetError(
            f"The usable images have {len(counts)} label(s) ({', '.join(sorted(counts)[:5]) or 'none'}); "
            f"training needs {FEWEST_LABELS} to {MOST_LABELS}, each a folder of images_labeled_by_folder/."
        )
    if total > MOST_IMAGES:
        raise UnusableTrainingSetError(f"{total} images are more than the {MOST_IMAGES} of one training.")
    short = sorted(label for label, count in counts.items() if count < FEWEST_IMAGES_A_LABEL_FOR_SPLIT)
    if short and not has_test_set:
        raise UnusableTrainingSetError(
            f"{len(short)} label(s) have a single image ({', '.join(short[:5])}): the split into training "
            f"and test needs 2 a label. Add images, remove the folder, or give a test set in {TEST_FOLDER}."
        )
    return counts


def check_test_set(labels: Collection[str], test_images: Iterable[LabelledImage]) -> None:
    """Raise UnusableTrainingSetError where the test images have less than half of the labels that train."""
    shared = {image.label for image in test_images} & set(labels)
    if len(shared) * 2 < len(labels):
        missing = sorted(set(labels) - shared)
        raise UnusableTrainingSetError(
            f"The test set in {TEST_FOLDER} has usable images of {len(shared)} of the {len(labels)} labels that train, "
            f"and Rekognition asks for at least half. Add images of others ({', '.join(missing[:5])}), or remove the "
            "test set: then a part of the training images is set aside for the test."
        )
