"""Which images train and which test a version, so that it is never tested with what it has seen."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from label_loop.domain.alike import Group, Groups, alike_to, are_of_one_scene, count_groups
from label_loop.domain.training_images import TrainedImages, new_images
from label_loop.domain.training_set import MAX_TEST_IMAGES_PER_LABEL
from label_loop.payloads import LABELLED_FOLDER, SAMPLE_MARK, TEST_FOLDER, LabelledImage

HELD_OUT_EVERY = 5
ENOUGH_SAMPLES = 200
"""So many human samples test; of later ones, half train."""
MOST_OF_A_GROUP = 3
_SHOWN_LABELS = 3


class Role(StrEnum):
    """What an image is used for."""

    TRAINING = "training"
    TEST = "test"


@dataclass(frozen=True)
class EarlierRoles:
    """The labelled images that trained, and those that were held out, when roles were last given."""

    training: TrainedImages
    held_out: TrainedImages

    @classmethod
    def of(cls, training: Iterable[LabelledImage], test: Iterable[LabelledImage]) -> "EarlierRoles":
        """Return the roles of images; those that people chose to test are not held out: they may move them."""
        held_out = (image for image in test if image.key.startswith(LABELLED_FOLDER))
        return cls(TrainedImages(training), TrainedImages(held_out))


@dataclass
class Division:
    """The images that train and those that test, and why others do neither, by key.

    ``new`` counts the groups of alike images that no earlier training had, and the images with another label than then.
    """

    training: list[LabelledImage] = field(default_factory=list)
    test: list[LabelledImage] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    new: int = 0


def divide(
    labelled: Sequence[LabelledImage], core: Sequence[LabelledImage], roles: EarlierRoles, before: TrainedImages
) -> Division:
    """Divide labelled images into training and test images; those in ``core``, which people chose, test.

    Alike images have one role, which they keep: that of ``roles``, else of the core; of new groups, every fifth of a
    label is held out, in order of arrival. At most three images of a group train, and one tests. An image that is alike
    to groups of both roles has none, and a content under two labels has none until a person decides. Nothing is held
    out as long as that would not give half of the labels a test image: Rekognition could not test with so few.
    ``before`` has all images of the last attempt, which are not new.
    """
    division = _divided(labelled, core, roles, before, holds_out=True)
    if covers(division.test, division.training):
        return division
    return _divided(labelled, core, roles, before, holds_out=False)


def _divided(
    labelled: Sequence[LabelledImage],
    core: Sequence[LabelledImage],
    roles: EarlierRoles,
    before: TrainedImages,
    *,
    holds_out: bool,
) -> Division:
    division = Division()
    division.left_out |= contradictions([*labelled, *core])
    by_look = not are_of_one_scene(labelled)
    by_label: dict[str, tuple[list[LabelledImage], list[LabelledImage]]] = {}
    given_back = _given_back(core)
    for images, is_core in ((labelled, False), (core, True)):
        for image in images:
            if image.key not in division.left_out:
                of_label = by_label.setdefault(image.label, ([], []))
                of_label[is_core and image.key not in given_back].append(image)
    for of_label in by_label.values():
        groups: Groups[Role] = Groups(by_look=by_look)
        _LabelDivision(division, groups, roles, before, holds_out).divide(*of_label)
    return division


def count_new(images: Sequence[LabelledImage], before: Sequence[LabelledImage]) -> int:
    """Return how many groups of labelled images the last attempt had not, or had under another label.

    As ``divide`` counts them, as far as images were read. ``before`` are all images of that attempt.
    """
    unclear = contradictions(images)
    found = new_images(sorted(images, key=_arrival), TrainedImages(before))
    new = [image for image in found if image.key not in unclear]
    if not new:
        return 0
    by_look = not are_of_one_scene(images)
    known = alike_to(before, new, by_look=by_look)
    return count_groups((image for image in new if image.content not in known), by_look=by_look)


def follows_production(image: LabelledImage) -> bool:
    """Return whether a test image is a human sample, so that it was chosen by nobody."""
    return image.key.startswith(TEST_FOLDER) and image.key.rpartition("/")[2].startswith(SAMPLE_MARK)


def _given_back(core: Iterable[LabelledImage]) -> set[str]:
    """Return the keys of the human samples that are to train: beyond the first ones, every second by its content."""
    samples = sorted(filter(follows_production, core), key=_arrival)
    later = samples[ENOUGH_SAMPLES:]
    return {image.key for image in later if hashlib.sha256(image.content.encode()).digest()[0] % 2}


def contradictions(images: Sequence[LabelledImage]) -> dict[str, str]:
    """Return the images whose content has several labels, by key, with what to do."""
    labels: dict[str, set[str]] = {}
    for image in images:
        labels.setdefault(image.content, set()).add(image.label)
    names = {content: " and ".join(sorted(of)[:_SHOWN_LABELS]) for content, of in labels.items() if len(of) > 1}
    unclear = (image for image in images if image.content in names)
    return {image.key: f"the same image is labelled {names[image.content]}: keep the right one" for image in unclear}


@dataclass
class _LabelDivision:
    """Divides the images of one label: first those with a role, then the others."""

    division: Division
    groups: Groups[Role]
    roles: EarlierRoles
    before: TrainedImages
    holds_out: bool
    core_groups: int = 0
    tests: int = 0

    def divide(self, labelled: Iterable[LabelledImage], core: Iterable[LabelledImage]) -> None:
        by_role: dict[Role | None, list[LabelledImage]] = {Role.TRAINING: [], Role.TEST: [], None: []}
        for image in sorted(labelled, key=_arrival):
            by_role[self._role_of(image)].append(image)
        self._place(by_role[Role.TRAINING], Role.TRAINING)
        before_core = len(self.groups)
        self._place(sorted(core, key=_arrival), Role.TEST)
        self.core_groups = len(self.groups) - before_core
        self._place(by_role[Role.TEST], Role.TEST)
        self._place(by_role[None], None)
        relabelled = {image.content for image in labelled if self.before.had(image) and image not in self.before}
        self.division.new += len(relabelled)
        for group in self.groups:
            self._take(group)

    def _role_of(self, image: LabelledImage) -> Role | None:
        # A human sample among them is given back to train.
        if self.roles.training.had(image) or image.key.startswith(TEST_FOLDER):
            return Role.TRAINING
        return Role.TEST if self.roles.held_out.had(image) else None

    def _place(self, images: Iterable[LabelledImage], role: Role | None) -> None:
        """Put images into the groups that they look like, or into new ones; None is the role that is next."""
        for image in images:
            alike = self.groups.of(image)
            roles = {group.role for group in alike}
            if not alike:
                self._start(image, role)
            elif len(roles) == 1 and role in (None, *roles):
                self.groups.join(alike[0], image)
            else:
                other = next(group for group in alike if group.role != (role or alike[0].role))
                self.division.left_out[image.key] = f"looks like {other.first.key}, {_USE[other.role]}"

    def _start(self, image: LabelledImage, role: Role | None) -> None:
        if role is None:
            self.division.new += not self.before.had(image)
            is_turn = (len(self.groups) - self.core_groups + 1) % HELD_OUT_EVERY == 0
            has_room = self.tests < MAX_TEST_IMAGES_PER_LABEL
            role = Role.TEST if self.holds_out and is_turn and has_room else Role.TRAINING
        self.tests += role is Role.TEST
        self.groups.start(image, role)

    def _take(self, group: Group[Role]) -> None:
        is_training = group.role is Role.TRAINING
        most = MOST_OF_A_GROUP if is_training else 1
        (self.division.training if is_training else self.division.test).extend(group.images[:most])
        note = f"looks like {group.first.key}, {_USE[group.role]}: of alike images, {_OF_A_GROUP[group.role]}"
        self.division.left_out |= {image.key: note for image in group.images[most:]}


_USE = {Role.TRAINING: "with which the model is trained", Role.TEST: "with which it is tested"}
_OF_A_GROUP = {Role.TRAINING: f"at most {MOST_OF_A_GROUP} are trained", Role.TEST: "one is tested"}


def _arrival(image: LabelledImage) -> tuple[str, str]:
    return image.modified, image.key


def covers(test: Iterable[LabelledImage], training: Iterable[LabelledImage]) -> bool:
    """Return whether test images have at least half of the labels to train, as Rekognition requires.

    If not, Rekognition splits off some of the training images itself.
    """
    labels = {image.label for image in training}
    return bool(labels) and 2 * len(labels & {image.label for image in test}) >= len(labels)
