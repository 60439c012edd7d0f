"""How the pictures are used: a few labelled ones, a test set that does not change, and many to detect."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

FEWEST_PER_LABEL = 12
_FEWEST_LABELLED, _MOST_LABELLED, _LABELLED_BUDGET = 2, 10, 200
_FEWEST_TESTING, _MOST_TESTING, _TESTING_BUDGET = 3, 20, 400
_MOST_UPLOADS, _MOST_LATER = 300, 100


class AnyPicture(Protocol):
    """A picture and its true label; the body may be read lazily."""

    @property
    def name(self) -> str:
        """A unique file name."""

    @property
    def label(self) -> str:
        """What it shows."""

    @property
    def body(self) -> bytes:
        """The file's content."""


@dataclass(frozen=True)
class Shares:
    """The number of pictures per label for training and for testing, and in total for detection."""

    labelled: int
    testing: int
    uploads: int = _MOST_UPLOADS
    later: int = _MOST_LATER


@dataclass(frozen=True)
class Cast:
    """The pictures by their use; those in ``later`` are uploaded when the second model serves."""

    labelled: Sequence[AnyPicture]
    testing: Sequence[AnyPicture]
    uploads: Sequence[AnyPicture]
    later: Sequence[AnyPicture]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(sorted({picture.label for picture in self.labelled}))

    @property
    def sampling_interval(self) -> int:
        """The interval of samples among the detections: at most 50, and short enough to give some samples."""
        return max(1, min(50, (len(self.uploads) + len(self.later)) // 6))


def shares_for(pictures_per_label: Mapping[str, int]) -> Shares:
    """Return shares that fit the label with the fewest pictures, of which at least ``FEWEST_PER_LABEL`` are needed."""
    fewest, labels = min(pictures_per_label.values()), len(pictures_per_label)
    labelled = max(_FEWEST_LABELLED, min(_MOST_LABELLED, fewest // 10, _LABELLED_BUDGET // labels))
    testing = max(_FEWEST_TESTING, min(_MOST_TESTING, fewest // 4, _TESTING_BUDGET // labels))
    rest = sum(pictures_per_label.values()) - labels * (labelled + testing)
    later = min(_MOST_LATER, rest // 4)
    return Shares(labelled, testing, min(_MOST_UPLOADS, rest - later), later)


def cast(pictures: Iterable[AnyPicture], shares: Shares, seed: int = 0) -> Cast:
    """Give each picture at most one use; the seed determines the order of the uploads."""
    by_label: dict[str, list[AnyPicture]] = {}
    for picture in pictures:
        by_label.setdefault(picture.label, []).append(picture)
    tested_until = shares.labelled + shares.testing
    rest = list(chain.from_iterable(some[tested_until:] for some in by_label.values()))
    random.Random(seed).shuffle(rest)
    uploads_until = shares.uploads
    return Cast(
        labelled=list(chain.from_iterable(some[: shares.labelled] for some in by_label.values())),
        testing=list(chain.from_iterable(some[shares.labelled : tested_until] for some in by_label.values())),
        uploads=rest[:uploads_until],
        later=rest[uploads_until : uploads_until + shares.later],
    )
