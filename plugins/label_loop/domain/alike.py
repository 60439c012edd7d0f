"""Groups of images that look alike, such as frames of one film or copies in another size.

Alike images say the same thing several times. Divided between training and test they make a model look better than it
is, since it is tested with what it has seen.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from label_loop.payloads import LabelledImage

REACH_BITS = 4
"""Two images look alike if at most so many of the 64 bits of their difference hashes differ."""
_BANDS = REACH_BITS + 1  # of two hashes within reach, at least one band is equal
_BAND_BITS = 13
_SAMPLED_PAIRS = 2_000
_ALIKE_BY_CHANCE = 0.05


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

    Images without a difference hash look like those of equal content only, and so do all images with ``by_look`` off.
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
        found = {place for band in self._bands(image) for place in self._by_band.get(band, ())}
        return [
            self._groups[place] for place in sorted(found) if _distance(self._groups[place].first, image) <= REACH_BITS
        ]

    def start(self, image: LabelledImage, role: T) -> None:
        """Make an image the first one of a new group."""
        place = len(self._groups)
        self._groups.append(Group(image, role))
        self._by_content[image.content] = place
        for band in self._bands(image):
            self._by_band.setdefault(band, []).append(place)

    def join(self, group: Group[T], image: LabelledImage) -> None:
        """Add an image to a group."""
        group.others.append(image)
        self._by_content.setdefault(image.content, self._by_content[group.first.content])

    def _bands(self, image: LabelledImage) -> Iterator[tuple[int, int]]:
        if self._by_look and image.difference_hash:
            bits = int(image.difference_hash, 16)
            for band in range(_BANDS):
                yield band, bits >> band * _BAND_BITS & (1 << _BAND_BITS) - 1


def _distance(one: LabelledImage, other: LabelledImage) -> int:
    return (int(one.difference_hash, 16) ^ int(other.difference_hash, 16)).bit_count()


def are_of_one_scene(images: Sequence[LabelledImage]) -> bool:
    """Return whether images look alike whatever their label, as those of a fixed camera do.

    Then a look says nothing, and only equal contents are alike. More than 5 % of random pairs with different labels
    have to be within reach; 2,000 pairs are looked at, always the same ones of the same images.
    """
    # Ordered by a digest, neighbours have nothing in common.
    hashed = sorted((image for image in images if image.difference_hash), key=lambda image: image.content)
    if len(hashed) < 2:
        return False
    shifts = range(1, len(hashed))
    sampled = islice(((one, hashed[n - shift]) for shift in shifts for n, one in enumerate(hashed)), _SAMPLED_PAIRS)
    pairs = [(one, other) for one, other in sampled if one.label != other.label]
    alike = sum(_distance(one, other) <= REACH_BITS for one, other in pairs)
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
