"""Which pictures play which part: few with labels, a test set that stays the same, and the many to detect."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

FEWEST_A_LABEL = 12
_FEWEST_LABELLED, _MOST_LABELLED, _LABELLED_BUDGET = 2, 10, 200
_FEWEST_TESTING, _MOST_TESTING, _TESTING_BUDGET = 3, 20, 400
_MOST_UPLOADS, _MOST_LATER = 300, 100


class AnyPicture(Protocol):
    """A picture and its true label; the body may be read only when it is asked for."""

    @property
    def name(self) -> str:
        """A file name that no other picture has."""

    @property
    def label(self) -> str:
        """What it shows."""

    @property
    def body(self) -> bytes:
        """The file."""


@dataclass(frozen=True)
class Shares:
    """How many pictures of each label are labelled and tested with, and how many in all are uploaded."""

    labelled: int
    testing: int
    uploads: int = _MOST_UPLOADS
    later: int = _MOST_LATER


@dataclass(frozen=True)
class Cast:
    """The pictures by their part: ``later`` ones are uploaded when the second model serves."""

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
        """Every how many detections a sample is taken, so that there are some: 50 where there are 300."""
        return max(1, min(50, (len(self.uploads) + len(self.later)) // 6))


def shares_for(pictures_a_label: Mapping[str, int]) -> Shares:
    """Return shares that fit the label with the fewest pictures. At least ``FEWEST_A_LABEL`` are needed."""
    fewest, labels = min(pictures_a_label.values()), len(pictures_a_label)
    labelled = max(_FEWEST_LABELLED, min(_MOST_LABELLED, fewest // 10, _LABELLED_BUDGET // labels))
    testing = max(_FEWEST_TESTING, min(_MOST_TESTING, fewest // 4, _TESTING_BUDGET // labels))
    rest = sum(pictures_a_label.values()) - labels * (labelled + testing)
    later = min(_MOST_LATER, rest // 4)
    return Shares(labelled, testing, min(_MOST_UPLOADS, rest - later), later)


def cast(pictures: Iterable[AnyPicture], shares: Shares, seed: int = 0) -> Cast:
    """Give each picture at most one part; what is uploaded comes in an order that the seed fixes."""
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
