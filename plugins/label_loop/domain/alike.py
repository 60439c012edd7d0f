"""Groups of images that look alike, such as frames of one film or copies in another size.

Alike images say the same thing several times. Divided between training and test they make a model look better than it
is, since it is tested with what it has seen. Two images look alike if the levels of their areas have a correlation of
at least 0.97; steps in brightness, of which hardly any differ then, find the few that have to be compared. ``bench/``
measures how well such groups keep a test set honest.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import batched, islice, pairwise
from math import sqrt
from operator import mul

from label_loop.domain.images import HASH_SIDE
from label_loop.payloads import LabelledImage

_LEAST_CORRELATION = 0.97
_REACH = 6  # of the steps from an area to the one to its right, at most so many differ
_STEP = 2  # of 15 levels
_BANDS = _REACH + 1  # of two images within reach, the steps of at least one band are equal
_BAND_BITS = HASH_SIDE * (HASH_SIDE - 1) // _BANDS
_LEVELS = bytes.maketrans(b"0123456789abcdef", bytes(range(16)))
_SAMPLED_PAIRS = 2_000
_ALIKE_BY_CHANCE = 0.05


class _Look:
    """What an image looks like, from its perceptual hash."""

    __slots__ = ("levels", "spread", "steps", "total")

    def __init__(self, perceptual_hash: str) -> None:
        self.levels: bytes = perceptual_hash.encode().translate(_LEVELS)
        self.total = sum(self.levels)
        self.spread: float = sqrt(len(self.levels) * sum(map(mul, self.levels, self.levels)) - self.total**2)
        rows = batched(self.levels, HASH_SIDE)
        rises = (right - left >= _STEP for row in rows for left, right in pairwise(row))
        self.steps = sum(rises << place for place, rises in enumerate(rises))

    def is_like(self, other: "_Look") -> bool:
        """Return whether another image looks alike."""
        if (self.steps ^ other.steps).bit_count() > _REACH:
            return False
        if not (self.spread and other.spread):
            return self.spread == other.spread  # images of one colour
        common: int = len(self.levels) * sum(map(mul, self.levels, other.levels)) - self.total * other.total
        return common >= _LEAST_CORRELATION * self.spread * other.spread


@lru_cache(maxsize=1 << 14)
def _look(perceptual_hash: str) -> _Look:
    return _Look(perceptual_hash)


@dataclass
class Group[T]:
    """Alike images: the first one, which the others look like, and what is known of the group."""

    first: LabelledImage
    role: T
    others: list[LabelledImage] = field(default_factory=list)

    @property
    def images(self) -> list[LabelledImage]:
        """All its images, the first one first."""
        return [self.first, *self.others]


class Groups[T]:
    """The groups of one label. An image belongs to each whose first image it looks like; groups never merge.

    Images without a perceptual hash look like those of equal content only, and so do all images with ``by_look`` off.
    """

    def __init__(self, *, by_look: bool) -> None:
        self._by_look = by_look
        self._groups: list[Group[T]] = []
        self._by_content: dict[str, int] = {}
        self._by_band: dict[tuple[int, int], list[int]] = {}

    def __iter__(self) -> Iterator[Group[T]]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)

    def of(self, image: LabelledImage) -> list[Group[T]]:
        """Return the groups that an image belongs to, the earliest first; one only if it has the content of another."""
        known = self._by_content.get(image.content)
        if known is not None:
            return [self._groups[known]]
        look = self._look_of(image)
        if look is None:
            return []
        found = {place for band in _bands(look) for place in self._by_band.get(band, ())}
        groups = [self._groups[place] for place in sorted(found)]
        return [group for group in groups if look.is_like(_look(group.first.perceptual_hash))]

    def start(self, image: LabelledImage, role: T) -> None:
        """Make an image the first one of a new group."""
        place = len(self._groups)
        self._groups.append(Group(image, role))
        self._by_content[image.content] = place
        look = self._look_of(image)
        for band in _bands(look) if look else ():
            self._by_band.setdefault(band, []).append(place)

    def join(self, group: Group[T], image: LabelledImage) -> None:
        """Add an image to a group."""
        group.others.append(image)
        self._by_content.setdefault(image.content, self._by_content[group.first.content])

    def _look_of(self, image: LabelledImage) -> _Look | None:
        return _look(image.perceptual_hash) if self._by_look and image.perceptual_hash else None


def _bands(look: _Look) -> Iterator[tuple[int, int]]:
    return ((band, look.steps >> band * _BAND_BITS & (1 << _BAND_BITS) - 1) for band in range(_BANDS))


def are_of_one_scene(images: Sequence[LabelledImage]) -> bool:
    """Return whether images look alike whatever their label, as those of a fixed camera do.

    Then a look says nothing, and only equal contents are alike. More than 5 % of random pairs with different labels
    have to be alike; 2,000 pairs are looked at, always the same ones of the same images.
    """
    # Ordered by a digest, neighbours have nothing in common.
    hashed = sorted((image for image in images if image.perceptual_hash), key=lambda image: image.content)
    if len(hashed) < 2:
        return False
    shifts = range(1, len(hashed))
    sampled = islice(((one, hashed[n - shift]) for shift in shifts for n, one in enumerate(hashed)), _SAMPLED_PAIRS)
    pairs = [(one, other) for one, other in sampled if one.label != other.label]
    alike = sum(_look(one.perceptual_hash).is_like(_look(other.perceptual_hash)) for one, other in pairs)
    return alike > _ALIKE_BY_CHANCE * len(pairs)


def alike_to(others: Iterable[LabelledImage], images: Iterable[LabelledImage], *, by_look: bool) -> set[str]:
    """Return the contents of images that are alike to one of the others with the same label."""
    by_label: dict[str, Groups[str]] = {}
    for image in images:
        by_label.setdefault(image.label, Groups(by_look=by_look)).start(image, image.content)
    found = set()
    for other in others:
        if other.label in by_label:
            found |= {group.role for group in by_label[other.label].of(other)}
    return found


def count_groups(images: Iterable[LabelledImage], *, by_look: bool) -> int:
    """Return how many groups images make, label by label, in their order."""
    by_label: dict[str, Groups[None]] = {}
    for image in images:
        groups = by_label.setdefault(image.label, Groups(by_look=by_look))
        if not groups.of(image):
            groups.start(image, None)
    return sum(map(len, by_label.values()))
