"""When a training starts, with which images, and which training sets are unusable."""

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

MIN_LABELS = 2
MAX_LABELS = 250
MAX_IMAGES = 250_000
MIN_IMAGES_PER_LABEL_FOR_SPLIT = 2
MAX_TRIES = 20  # of CreateProjectVersion: a few checks with their retries
ACCEPTED = "accepted"
DEPLOYED = "deployed"


def labelled_image(folder: str, key: str, modified: str, size_bytes: int = 0) -> LabelledImage | None:
    """Return the labelled image at a key, or None for folder markers, nested keys and other files.

    An image has the key ``<folder><label>/<name>.png|.jpg|.jpeg``. Its label is the name of its folder, which is not
    validated here.
    """
    label, slash, name = key.removeprefix(folder).partition("/")
    if not (key.startswith(folder) and slash) or "/" in name or not is_image_key(name):
        return None
    return LabelledImage(key, label, modified, size_bytes)


def by_label(found: Iterable[LabelledImage], known: Labels | None = None) -> tuple[list[LabelledImage], Labels]:
    """Return the images in folders with a valid label, each with its label, and the labels of all folders.

    Labels in ``known`` keep their spelling.
    """
    images = list(found)
    counts = Counter(image.label for image in images)
    labels = labels_of(counts, counts.__getitem__, known)
    mine = labels.of_folder
    return [_under(image, mine[image.label]) for image in images if image.label in mine], labels


def _under(image: LabelledImage, label: str) -> LabelledImage:
    return image if image.label == label else replace(image, label=label)


def notes(folder: str, of_folders: Mapping[str, str]) -> Mapping[str, str]:
    """Return notes on folders, keyed by their prefixes in S3 instead of their names."""
    return {f"{folder}{name}/": note for name, note in of_folders.items()}


def new_images(images: Iterable[LabelledImage], trained: Iterable[LabelledImage]) -> list[LabelledImage]:
    """Return the images that the last attempt did not include: new keys, or modified since."""
    known = {(image.key, image.modified) for image in trained}
    return [image for image in images if (image.key, image.modified) not in known]


@dataclass(frozen=True)
class TrainingDecision:
    """Whether to train, to resume an interrupted attempt, or neither; and why."""

    action: Literal["train", "resume", "none"]
    reason: str


def decide_training(
    *,
    new_images: int,
    minimum_untrained_images: int,
    forced: bool,
    attempt: TrainingAttempt | None,
    versions: Iterable[ProjectVersion],
    endpoint_arn: str | None,
) -> TrainingDecision:
    """Decide what a training check does.

    An attempt that is in training, or trained but not evaluated or not deployed, is resumed before another training is
    paid for. Another version in training, whoever started it, delays a new one: one training at a time.
    """
    by_name = {version.name: version for version in versions}
    if attempt:
        last = by_name.get(attempt.version_name)
        if _is_unfinished(attempt, last, endpoint_arn):
            status = last.status if last else "not created yet"
            return TrainingDecision("resume", f"version {attempt.version_name} is {status}; resuming it")
    busy = next((version for version in by_name.values() if version.status == TRAINING), None)
    if busy:
        return TrainingDecision("none", f"version {busy.name} is already in training; only one training runs at a time")
    if forced:
        return TrainingDecision("train", "forced")
    if new_images >= minimum_untrained_images:
        return TrainingDecision("train", f"{new_images} new labelled images")
    return TrainingDecision("none", f"{new_images} of {minimum_untrained_images} new labelled images")


def _is_unfinished(attempt: TrainingAttempt, version: ProjectVersion | None, endpoint_arn: str | None) -> bool:
    if attempt.outcome is None:
        # An attempt is recorded before its version is created: a crash may have come in between.
        return version is None or version.status in {TRAINING, TRAINED}
    return (
        attempt.outcome == ACCEPTED
        and version is not None
        and version.arn != endpoint_arn
        and version.status in STARTABLE | BILLED
    )


def refused(attempt: TrainingAttempt, why: str, *, is_final: bool) -> TrainingAttempt:
    """Return an attempt whose version AWS refused to create: ended if that is final, or the tries are used up."""
    tries = attempt.tries + 1
    ended = is_final or tries >= MAX_TRIES
    return replace(attempt, tries=tries, outcome=f"not started: {why}" if ended else attempt.outcome)


def outcome_after_deployment(attempt: TrainingAttempt, deployed_version_name: str) -> str | None:
    """Return the outcome of the last attempt after a version was deployed.

    An accepted attempt is superseded if another version was deployed by hand: otherwise the next check would undo that
    decision. An attempt that is still in training, or not evaluated yet, is kept, since it has new images.
    """
    if attempt.version_name == deployed_version_name:
        return DEPLOYED
    if attempt.outcome == ACCEPTED:
        return f"superseded: {deployed_version_name} was deployed by hand"
    return attempt.outcome


def fingerprint(bucket: str, images: Iterable[LabelledImage]) -> str:
    """Return the SHA-256 digest of a training set, independent of the order of images."""
    digest = hashlib.sha256()
    for text in sorted(line(bucket, image) for image in images):
        digest.update(text.encode())
        digest.update(b"\n")
    return digest.hexdigest()


def version_name(set_fingerprint: str, run_id: str) -> str:
    """Return a version name unique to this training set and run, so that AWS rejects a repeated call."""
    run = hashlib.sha256(run_id.encode()).hexdigest()
    return f"label-loop-{set_fingerprint[:12]}-{run[:8]}"


def check_set(images: Iterable[LabelledImage], *, has_test_set: bool) -> Mapping[str, int]:
    """Return the number of images for each label.

    Raises UnusableTrainingSetError if the set exceeds a limit in "Guidelines and quotas" of the Custom Labels guide.
    """
    counts = Counter(image.label for image in images)
    total = sum(counts.values())
    if not MIN_LABELS <= len(counts) <= MAX_LABELS:
        raise UnusableTrainingSetError(
            f"The usable images have {len(counts)} label(s) ({', '.join(sorted(counts)[:5]) or 'none'}), but training "
            f"requires {MIN_LABELS} to {MAX_LABELS}. Each label is a folder in images_labeled_by_folder/."
        )
    if total > MAX_IMAGES:
        raise UnusableTrainingSetError(f"The training set has {total} images; the maximum is {MAX_IMAGES}.")
    short = sorted(label for label, count in counts.items() if count < MIN_IMAGES_PER_LABEL_FOR_SPLIT)
    if short and not has_test_set:
        raise UnusableTrainingSetError(
            f"{len(short)} label(s) have only one image ({', '.join(short[:5])}), but the split into training and "
            f"test images needs 2 per label. Add images, remove the folder, or provide a test set in {TEST_FOLDER}."
        )
    return counts


def check_test_set(labels: Collection[str], test_images: Iterable[LabelledImage]) -> None:
    """Raise UnusableTrainingSetError if the test images cover fewer than half of the trained labels."""
    shared = {image.label for image in test_images} & set(labels)
    if len(shared) * 2 < len(labels):
        missing = sorted(set(labels) - shared)
        raise UnusableTrainingSetError(
            f"The test set in {TEST_FOLDER} has usable images for {len(shared)} of the {len(labels)} labels to train; "
            f"Rekognition requires at least half. Add images of missing labels ({', '.join(missing[:5])}), or remove "
            "the test set, so that Rekognition splits off some of the training images instead."
        )
