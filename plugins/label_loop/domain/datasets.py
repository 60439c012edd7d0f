"""What a project's datasets must hold for a training, and which of their entries exist nowhere else."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from label_loop.domain.manifest import parse
from label_loop.payloads import CONSOLE_FOLDER, LABELLED_FOLDER, NONE_FOLDER, TEST_FOLDER, LabelledImage, ProjectDataset

type DatasetKind = Literal["TRAIN", "TEST"]

TRAIN: Final = "TRAIN"
TEST: Final = "TEST"
_ONE_IN = 5  # is a test image, as where Rekognition splits a manifest itself
_WORDS: Final = {TRAIN: "training", TEST: "test"}


def found_in(projects: Iterable[Mapping[str, Any]]) -> list[ProjectDataset]:
    """Return the datasets of projects, as DescribeProjects describes them."""
    return [
        ProjectDataset(one["DatasetArn"], one["DatasetType"], one["Status"], one.get("StatusMessage", ""))
        for project in projects
        for one in project.get("Datasets", [])
    ]


def meaning(found: Iterable[ProjectDataset]) -> str:
    """Return in one sentence, without a full stop, what a project's datasets mean for its loop; "" if it has none."""
    kinds = sorted((_WORDS.get(one.kind, one.kind) for one in found), reverse=True)
    if not kinds:
        return ""
    return (
        f"the project has a {' and a '.join(kinds)} dataset, so Rekognition takes no manifests: the loop trains from "
        f"datasets of its own images, and first saves what people labelled in the AWS console to {CONSOLE_FOLDER}"
    )


def split(images: Iterable[LabelledImage]) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Return the training and the test images of a set without test images: of each label a fifth, at least one.

    Rekognition splits a manifest itself, but not a dataset. Equal sets are split equally.
    """
    by_label: defaultdict[str, list[LabelledImage]] = defaultdict(list)
    for image in sorted(images, key=lambda image: image.key):
        by_label[image.label].append(image)
    train: list[LabelledImage] = []
    test: list[LabelledImage] = []
    for group in by_label.values():
        test += group[::_ONE_IN]
        train += [image for n, image in enumerate(group) if n % _ONE_IN]
    return train, test


def holds(entries: Sequence[str], bucket: str, images: Iterable[LabelledImage]) -> bool:
    """Return whether the entries of a dataset are those of a training set: the same images with the same labels."""
    found = {(image.key, image.label) for image in parse(entries, bucket)}
    wanted = {(image.key, image.label) for image in images}
    return found == wanted and len(entries) == len(wanted)


@dataclass(frozen=True)
class ForeignEntry:
    """An entry that does not follow from a folder of the loop: ``label`` is None if it has none, or several."""

    line: str
    source: str
    label: str | None


def foreign_entries(entries: Iterable[str], bucket: str) -> list[ForeignEntry]:
    """Return the entries that people made or changed, or that the loop did not write; unreadable ones included."""
    return [
        ForeignEntry(line, *_source_and_label(line))
        for line in entries
        if not any(_is_from_folder(image) for image in parse([line], bucket))
    ]


def _is_from_folder(image: LabelledImage) -> bool:
    folders = (LABELLED_FOLDER, TEST_FOLDER, NONE_FOLDER)
    return any(image.key.startswith(f"{folder}{image.label}/") for folder in folders)


def _source_and_label(line: str) -> tuple[str, str | None]:
    try:
        entry: Any = json.loads(line)
        source = entry["source-ref"]
        labels = {
            part["class-name"]
            for name, part in entry.items()
            if name.endswith("-metadata") and isinstance(part, dict) and isinstance(part.get("class-name"), str)
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", None
    return str(source), labels.pop() if len(labels) == 1 else None
