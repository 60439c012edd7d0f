"""The user's own images: a folder with one subfolder per label."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from label_loop.domain.images import inspect_image, size_problem
from label_loop.domain.labels import labels_of

MOST_PER_LABEL = 400


class TooFewPicturesError(Exception):
    """The folder has too few usable images; the message says what it has and what it needs."""


@dataclass(frozen=True)
class FolderPicture:
    """An image file, which is read on each access to its body, so that memory does not limit their number."""

    name: str
    label: str
    path: Path

    @property
    def body(self) -> bytes:
        """The file's content."""
        return self.path.read_bytes()


def pictures(folder: Path, fewest_per_label: int) -> list[FolderPicture]:
    """Return the usable PNG and JPEG files of each label, sorted by name, at most 400 per label.

    Raises TooFewPicturesError if there are fewer than two labels, or a label has too few usable images.
    """
    if not folder.is_dir():
        raise TooFewPicturesError(f"{folder} is not a folder.")
    found: list[FolderPicture] = []
    short: list[str] = []
    folders = {each.name: each for each in sorted(folder.iterdir()) if each.is_dir()}
    labels = labels_of(folders, lambda name: sum(1 for _ in folders[name].iterdir()))
    for label in labels.names:
        problems: dict[Path, str] = {}
        mine = (folders[name] for name in folders if labels.of_folder.get(name) == label)
        usable = list(islice(chain.from_iterable(_usable(each, problems) for each in mine), MOST_PER_LABEL))
        if len(usable) < fewest_per_label:
            short.append(f"{label} has {len(usable)}{_first(problems)}")
        for path in usable:
            found.append(FolderPicture(f"picture-{len(found):05}{path.suffix.lower()}", label, path))
    refused = [f"{name} is {note}" for name, note in labels.refused.items()]
    if len(labels.names) < 2 or short:
        counted = "; ".join([*short, *refused]) or f"it has {len(labels.names)} such folder(s)"
        raise TooFewPicturesError(
            f"{folder} needs at least two folders, each named after its label, with at least {fewest_per_label} PNG or "
            f"JPEG images of 64 to 4096 px a side: {counted}."
        )
    return found


def _usable(label: Path, problems: dict[Path, str]) -> Iterator[Path]:
    for path in sorted(label.iterdir()):
        if not path.is_file():
            continue
        problem = size_problem(path.stat().st_size) or inspect_image(path.read_bytes()).problem
        if problem:
            problems[path] = problem
        else:
            yield path


def _first(problems: dict[Path, str]) -> str:
    if not problems:
        return ""
    path, problem = next(iter(problems.items()))
    return f" ({len(problems)} unusable, such as {path.name}: {problem})"
