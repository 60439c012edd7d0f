"""The images that a version is trained and tested with, and how they differ from those of the version before it."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from statistics import median_low
from sys import intern

from label_loop.domain.roles import follows_production
from label_loop.payloads import DATASETS_FOLDER, TEST_FOLDER, LabelledImage

_KEY = re.compile(rf"{DATASETS_FOLDER}v([1-9][0-9]{{0,8}})\.jsonl\.gz")


def dataset_key(number: int) -> str:
    """Return the S3 key of the dataset of a version."""
    return f"{DATASETS_FOLDER}v{number}.jsonl.gz"


def dataset_number(key: str) -> int | None:
    """Return the number of the dataset at an S3 key, or None if the key is of something else."""
    found = _KEY.fullmatch(key)
    return int(found[1]) if found else None


class DatasetRole(StrEnum):
    """What an image is used for. The values are folders, too, into which a dataset is downloaded."""

    TRAINING = "training"
    NONE = "none-of-the-above"  # trains as a class of its own
    CORE = "test/core"  # chosen by people
    HELD_OUT = "test/held-out"
    HUMAN_SAMPLE = "test/human-sample"

    @property
    def tests(self) -> bool:
        """Whether images of this role test a version."""
        return self in _TESTS


_TESTS = frozenset({DatasetRole.CORE, DatasetRole.HELD_OUT, DatasetRole.HUMAN_SAMPLE})


class Change(StrEnum):
    """How an image differs from the same content in the dataset before."""

    ADDED = "added"
    RELABELLED = "relabelled"
    MOVED = "moved"  # to another role, with the same label


@dataclass(frozen=True, slots=True)
class DatasetImage:
    """An image of a dataset. ``sha256`` is the digest of its content, ``modified`` S3's LastModified.

    ``version_id`` is the object's version in S3, None in a bucket without versioning. ``tests`` is how many datasets in
    a row it has been a test image of, 0 if it trains. ``change`` is how it differs from the dataset before, None if it
    does not, and ``label_before`` its label there if that was another.
    """

    key: str
    label: str
    role: DatasetRole
    sha256: str
    modified: str
    version_id: str | None = None
    tests: int = 0
    change: Change | None = None
    label_before: str | None = None


@dataclass(frozen=True)
class DatasetHeader:
    """What a dataset is as a whole. ``version`` is the version's name in AWS, ``created_at`` ISO 8601 in UTC.

    ``images`` are the numbers of images by role, and ``changes`` those that were added, relabelled, moved and removed;
    None without a parent, as of the first dataset. ``left_out`` counts the objects and folders that were left out.
    ``tests`` is how many datasets in a row the median test image has tested. Without test images, Rekognition splits
    off some of the training images.
    """

    number: int
    version: str
    created_at: str
    digest: str
    images: Mapping[str, int]
    parent_number: int | None = None
    parent_digest: str | None = None
    changes: Mapping[str, int] | None = None
    left_out: int = 0
    tests: int = 0


@dataclass(frozen=True)
class Dataset:
    """A dataset with its images, those that the one before it had and it has not, and why others are left out."""

    header: DatasetHeader
    images: Sequence[DatasetImage]
    removed: Sequence[DatasetImage] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


def role_of_test(image: LabelledImage) -> DatasetRole:
    """Return to which part of the test set a test image belongs."""
    if follows_production(image):
        return DatasetRole.HUMAN_SAMPLE
    return DatasetRole.CORE if image.key.startswith(TEST_FOLDER) else DatasetRole.HELD_OUT


def dataset_image(image: LabelledImage, role: DatasetRole, version_id: str | None) -> DatasetImage:
    """Return a labelled image, whose content is known, as one of a dataset."""
    return DatasetImage(image.key, image.label, role, image.content, image.modified, version_id, int(role.tests))


def digest(images: Iterable[DatasetImage]) -> str:
    """Return the SHA-256 digest of a dataset: of its roles, labels and contents, in whatever order."""
    total = hashlib.sha256()
    for one in sorted(map(_digest_of, images)):
        total.update(one)
    return total.hexdigest()


def _digest_of(image: DatasetImage) -> bytes:
    # Lengths keep the parts apart.
    return hashlib.sha256(
        f"{len(image.role)}:{image.role}{len(image.label)}:{image.label}{image.sha256}".encode()
    ).digest()


def dataset(
    number: int,
    version: str,
    *,
    created_at: str,
    images: Sequence[DatasetImage],
    left_out: Mapping[str, str],
    parent: tuple[DatasetHeader, Iterable[DatasetImage]] | None = None,
) -> Dataset:
    """Return a dataset and how it differs from its parent, whose images are read once."""
    header = DatasetHeader(
        number=number,
        version=version,
        created_at=created_at,
        digest=digest(images),
        images=dict(Counter(str(one.role) for one in images)),
        left_out=len(left_out),
    )
    removed: list[DatasetImage] = []
    if parent:
        images, removed = _compared(images, parent[1])
        counts = Counter(str(one.change) for one in images if one.change)
        changes = {str(change): counts[change] for change in Change}
        header = replace(
            header,
            parent_number=parent[0].number,
            parent_digest=parent[0].digest,
            changes={**changes, "removed": len(removed)},
        )
    tests = [one.tests for one in images if one.tests]
    return Dataset(replace(header, tests=median_low(tests) if tests else 0), images, removed, left_out)


def _compared(
    images: Sequence[DatasetImage], parent: Iterable[DatasetImage]
) -> tuple[list[DatasetImage], list[DatasetImage]]:
    """Return the images with their changes, and the images of the parent whose content is no longer there."""
    contents = {one.sha256: one.sha256 for one in images}
    before: dict[str, _Before] = {}
    removed: dict[str, DatasetImage] = {}
    for one in parent:
        content = contents.get(one.sha256)
        if content is None:
            removed.setdefault(one.sha256, replace(one, change=None, label_before=None))
        else:
            before.setdefault(content, (intern(one.label), one.role, one.tests))
    return [_changed(one, before.get(one.sha256)) for one in images], list(removed.values())


type _Before = tuple[str, DatasetRole, int]
"""The label and the role of an image, and how many datasets in a row it had tested."""


def _changed(image: DatasetImage, before: _Before | None) -> DatasetImage:
    if before is None:
        return replace(image, change=Change.ADDED)
    label, role, tested = before
    tests = tested + 1 if image.role.tests else 0
    if label != image.label:
        return replace(image, change=Change.RELABELLED, label_before=label, tests=tests)
    if role != image.role:
        return replace(image, change=Change.MOVED, tests=tests)
    return replace(image, tests=tests) if tests else image
