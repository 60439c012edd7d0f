"""Which objects are training images, and which of them are new.

An image is its content under its label. Its key, date, version and storage class may change without a reason to pay for
a training again, and so may its ETag. An object whose ETag was seen before is not read again; any other is recognized
by the digest of what was read.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from label_loop.domain.images import size_problem
from label_loop.domain.labels import Labels, label_key, labels_of
from label_loop.domain.manifest import line
from label_loop.payloads import BY_HAND, LabelledImage, Labelling

# S3 has to restore objects of these storage classes before they can be read.
_ARCHIVES = {"GLACIER", "DEEP_ARCHIVE"}
# Its objects may lie in an archive tier, which no listing says.
TIERED = "INTELLIGENT_TIERING"
_MARKERS = ("/", "_$folder$")  # how consoles and Hadoop mark a folder

_same_label = lru_cache(maxsize=1024)(label_key)


def is_marker(key: str) -> bool:
    """Return whether a key marks a folder, and so is no object of anybody's."""
    return key.endswith(_MARKERS)


def folder_label(folder: str, key: str) -> str | None:
    """Return the label of the object at a key, or None for folder markers, nested and stray keys.

    The key of a labelled object is ``<folder><label>/<name>``. Its label is the name of its folder, which is not
    validated here. Whether it is an image is decided by its content, whatever its name.
    """
    label, slash, name = key.removeprefix(folder).partition("/")
    return None if not (key.startswith(folder) and slash) or "/" in name or is_marker(key) else label


def listing_problem(folder: str, image: LabelledImage) -> str | None:
    """Return why a listed object cannot be trained on whatever it holds, or None if only its content tells."""
    if folder_label(folder, image.key) is None:
        return f"not directly in the folder of a label, {folder}<label>/"
    return size_problem(image.size_bytes)


def storage_problem(image: LabelledImage) -> str | None:
    """Return why a listed object cannot be read at once because of its storage class, or None if it can."""
    if image.storage_class in _ARCHIVES:
        return f"archived in the storage class {image.storage_class}: restore it, or copy it to another class"
    return None


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """The SHA-256 of an object's content, and why it cannot be trained on, or "" if it can; then what it looks like.

    All of these are of the content. ``labelling`` is that of the object with this ``key``, "" if of any: another one
    of equal content may have been labelled by somebody else.
    """

    content: str
    problem: str = ""
    perceptual_hash: str = ""
    labelling: Labelling = BY_HAND
    key: str = ""

    def is_of(self, image: LabelledImage) -> bool:
        """Return whether the labelling is that of an object."""
        return self.key in ("", image.key)


class TrainedImages:
    """The images of an earlier training, read from its manifest."""

    def __init__(self, images: Iterable[LabelledImage]) -> None:
        self._verdicts: dict[str, Verdict] = {}  # by ETag
        self._others: dict[tuple[str, str], Verdict] = {}  # of objects with an ETag that is there already
        self._contents: dict[str, set[str]] = {}  # the labels of each
        self._labels: dict[str, str] = {}
        self._dated: set[tuple[str, str]] = set()  # the manifest is of version 0.2 or before, which knew no content
        for image in images:
            label = _same_label(image.label)
            self._labels.setdefault(label, image.label)
            if image.content:
                verdict = Verdict(image.content, "", image.perceptual_hash, image.labelling, image.key)
                if self._verdicts.setdefault(image.etag, verdict) is not verdict:
                    self._others[image.etag, image.key] = verdict
                self._contents.setdefault(image.content, set()).add(label)
            else:
                self._dated.add((image.key, image.modified))

    def __bool__(self) -> bool:
        return bool(self._contents or self._dated)

    def __contains__(self, image: LabelledImage) -> bool:
        is_same = _same_label(image.label) in self._contents.get(image.content, ())
        return is_same or (image.key, image.modified) in self._dated

    def had(self, image: LabelledImage) -> bool:
        """Return whether an image was there, under whatever label."""
        return image.content in self._contents or (image.key, image.modified) in self._dated

    def missing_in(self, images: Iterable[LabelledImage]) -> int:
        """Return how many contents were there that none of the images has."""
        return len(self._contents.keys() - {image.content for image in images})

    def verdict_of(self, image: LabelledImage) -> Verdict | None:
        """Return what a listed image is, or None if that is not known and it has to be read."""
        return self._others.get((image.etag, image.key)) or self._verdicts.get(image.etag)

    def labels_missing_in(self, images: Iterable[LabelledImage]) -> list[str]:
        """Return the labels that were trained and that none of the images has, sorted."""
        labels = {_same_label(label) for label in {image.label for image in images}}
        return sorted(label for key, label in self._labels.items() if key not in labels)


def new_images(images: Iterable[LabelledImage], trained: TrainedImages) -> list[LabelledImage]:
    """Return the images that an earlier training did not have under their label; of equal ones, the first."""
    new: dict[tuple[str, str], LabelledImage] = {}
    for image in images:
        if image not in trained:
            new.setdefault(_identity(image), image)
    return list(new.values())


def fingerprint(images: Iterable[LabelledImage]) -> str:
    """Return the SHA-256 digest of a training set: of its labels and contents, whatever their order and number."""
    return _digest({f"{len(label)}:{label}{content}" for label, content in map(_identity, images)})


def dated_fingerprint(bucket: str, images: Iterable[LabelledImage]) -> str:
    """Return the fingerprint that version 0.2 and before gave a training set, by keys and dates."""
    return _digest(line(bucket, replace(image, etag="", content="")) for image in images)


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in sorted(texts):
        digest.update(text.encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _identity(image: LabelledImage) -> tuple[str, str]:
    return _same_label(image.label), image.content
