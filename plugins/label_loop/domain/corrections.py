"""Where an image goes whose label is corrected."""

import hashlib
from dataclasses import dataclass

from label_loop.domain.folders import key_stem
from label_loop.domain.images import SUFFIXES
from label_loop.domain.labels import is_none_of_the_above
from label_loop.payloads import LABELLED_FOLDER, NONE_FOLDER, NONE_OF_THE_ABOVE, TEST_FOLDER

FOLDERS = (LABELLED_FOLDER, TEST_FOLDER, NONE_FOLDER)
"""The folders of images that people labelled."""
_MAX_KEY_BYTES = 1024  # in S3


def folder_of(key: str) -> str | None:
    """Return the folder of a labelled image by its key, or None if it is in none."""
    return next((folder for folder in FOLDERS if key.startswith(folder)), None)


def target_keys(key: str, label: str) -> tuple[str, str]:
    """Return the key of an image under another label, and the one if there is another image of that name.

    It keeps its name, and goes on to train or to test. What no label fits has a folder of its own, and never tests.
    Both keys follow from the old one, so that a repetition finds what an interrupted correction has copied.
    """
    folder = TEST_FOLDER if key.startswith(TEST_FOLDER) else LABELLED_FOLDER
    if is_none_of_the_above(label):
        folder, label = NONE_FOLDER, NONE_OF_THE_ABOVE
    name = key.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".") if name.lower().endswith(SUFFIXES) else (name, "", "")
    other = f"{folder}{label}/{key_stem(stem)}-{hashlib.sha256(key.encode()).hexdigest()[:13]}{dot}{suffix}"
    same = f"{folder}{label}/{name}"
    return (same if len(same.encode()) <= _MAX_KEY_BYTES else other), other


@dataclass(frozen=True)
class Corrected:
    """What a correction did: the image was at ``source``, and is at ``target``, or None if it was removed.

    ``label`` is the one that it has now, "" if none. ``elsewhere`` are the keys of equal images that the last training
    had under another label. ``is_kept`` is whether the history of labels has it: a loop may lack the table.
    """

    source: str
    target: str | None
    label: str
    elsewhere: tuple[str, ...] = ()
    is_kept: bool = True

    def __str__(self) -> str:
        where = f"is {self.target} now" if self.target else "was removed"
        others = (
            f"; the same image is also {', '.join(self.elsewhere)}: correct it there, too" if self.elsewhere else ""
        )
        lost = "" if self.is_kept else "; the loop has no table of labels to keep this in: provision it again"
        return f"{self.source} {where}{others}{lost}"
