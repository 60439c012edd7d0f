"""What may train and test the next version: the images of all folders, as they are now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from label_loop.context import LoopContext
from label_loop.domain.labels import Labels
from label_loop.domain.moments import timestamp
from label_loop.domain.roles import EarlierRoles, covers, divide, trained_as_none
from label_loop.domain.training_images import TrainedImages, by_label, notes
from label_loop.domain.training_set import trainable
from label_loop.model_project import ModelProject, test_manifest_key
from label_loop.payloads import (
    LABELLED_FOLDER,
    NONE_FOLDER,
    NONE_OF_THE_ABOVE,
    TEST_FOLDER,
    LabelledImage,
    TrainingAttempt,
)
from label_loop.workflows.evaluation_snapshot import EvaluationSnapshots
from label_loop.workflows.training_set import TrainingSet

_TOO_FEW_TESTED = (
    "not used yet: with these and the images held out, fewer than half of the labels to train have a test image, the "
    "least that Rekognition takes. It splits off some of the training images instead"
)
_FORGOTTEN = "was trained the last time and has no usable image now: the new version will not know it"


@dataclass(frozen=True)
class _Look:
    """The usable images of a folder, and notes by key or prefix."""

    images: list[LabelledImage]
    labels: Labels
    problems: Mapping[str, str]
    twins: Mapping[str, str]


@dataclass(frozen=True)
class Candidates:
    """What trains and what tests, what changed since the last attempt, and notes by key or prefix.

    ``none_images`` are those that no label fits. ``test_images`` test a version if there are enough of them, which
    ``has_own_test`` says. ``labelled`` counts the usable images in the folders of labels, ``changed`` what is new,
    relabelled or removed. ``before`` are the images of the last attempt, and ``removed`` those in no folder any more.
    ``is_first`` is whether no image is known to have trained before.
    """

    labelled_images: list[LabelledImage]
    none_images: list[LabelledImage]
    test_images: list[LabelledImage]
    has_own_test: bool
    labelled: int
    changed: int
    before: TrainedImages
    removed: Sequence[LabelledImage]
    is_first: bool
    problems: Mapping[str, str]
    twins: Mapping[str, str]

    @property
    def images(self) -> list[LabelledImage]:
        """All that trains."""
        return [*self.labelled_images, *self.none_images]


class CandidateImages(ModelProject):
    """Looks at the images of a loop, and gives each its role."""

    def __init__(self, context: LoopContext) -> None:
        super().__init__(context)
        self.training_set = TrainingSet(context)

    def found(self, previous: TrainingAttempt | None) -> Candidates:
        """Look at all images again, as far as they may have changed since the last attempt."""
        trained, tested = (list(images) for images in self.of_attempt(previous))
        before = TrainedImages([*trained, *tested])
        labelled = self._look(LABELLED_FOLDER, before)
        core = self._look(TEST_FOLDER, before, labelled.labels)
        roles = self._roles(previous, trained, tested, labelled.images)
        division = divide(labelled.images, core.images, roles, before)
        has_own_test = covers(division.test, division.training)
        none, too_few = self._none_of_the_above(before, [*labelled.images, *core.images])
        images, short = trainable(division.training, lambda: has_own_test)
        of_labels = {**dict.fromkeys(before.labels_missing_in(images), _FORGOTTEN), **short}
        problems = {**notes(LABELLED_FOLDER, of_labels), **labelled.problems, **core.problems, **division.left_out}
        problems |= too_few
        if core.images and not has_own_test:
            problems[TEST_FOLDER] = _TOO_FEW_TESTED
        unreadable = len(labelled.problems) + len(core.problems)
        return Candidates(
            images,
            none,
            division.test,
            has_own_test,
            len(labelled.images),
            division.new + max(0, before.missing_in([*labelled.images, *core.images, *none]) - unreadable),
            before,
            _removed([*trained, *tested], [*labelled.images, *core.images, *none], problems),
            not trained,
            problems,
            {**labelled.twins, **core.twins},
        )

    def _none_of_the_above(
        self, before: TrainedImages, labelled: Sequence[LabelledImage]
    ) -> tuple[list[LabelledImage], Mapping[str, str]]:
        """Return the images that no label fits and that train, and notes on the others."""
        if not self.context.settings.train_none_of_the_above:
            return [], {}
        listing = self.training_set.listed(NONE_FOLDER)
        found = [replace(image, label=NONE_OF_THE_ABOVE) for image in listing.images]
        images, problems = self.training_set.usable(NONE_FOLDER, found, before)
        trained, too_few = trained_as_none(images, labelled)
        return trained, {**listing.problems, **problems, **too_few}

    def of_attempt(self, attempt: TrainingAttempt | None) -> tuple[Iterable[LabelledImage], Iterable[LabelledImage]]:
        """Return the training and the test images of an attempt."""
        if attempt is None:
            return (), ()
        test = test_manifest_key(attempt.version_name) if attempt.test_images else attempt.test_manifest_key
        return self.training_set.in_manifest(attempt.manifest_key), self.training_set.in_manifest(test)

    def _roles(
        self,
        previous: TrainingAttempt | None,
        trained: Sequence[LabelledImage],
        tested: Sequence[LabelledImage],
        labelled: Sequence[LabelledImage],
    ) -> EarlierRoles:
        if not (previous and tested):
            return self._roles_of_serving(labelled)
        keys = {image.key for image in tested}
        # Without the manifest that lists them, the images of that time are those that trained.
        lost = (image for image in labelled if image.key not in keys and image.modified <= previous.started_at)
        return EarlierRoles.of(trained or lost, tested)

    def _roles_of_serving(self, labelled: Iterable[LabelledImage]) -> EarlierRoles:
        """Return the roles that images had for the serving version, if Rekognition split off its test images.

        What it was tested with is held out from now on, so that its successor can be compared with it at once.
        """
        arn = self.context.store.state.endpoint_arn
        serving = next((version for version in self.versions() if version.arn == arn), None)
        keys = EvaluationSnapshots(self.context).keys(serving) if serving else set()
        if not (serving and serving.created_at and keys):
            return EarlierRoles.of((), ())
        then = timestamp(serving.created_at)
        images = list(labelled)
        return EarlierRoles.of(
            (image for image in images if image.key not in keys and image.modified <= then),
            (image for image in images if image.key in keys),
        )

    def _look(self, folder: str, before: TrainedImages, known: Labels | None = None) -> _Look:
        listing = self.training_set.listed(folder)
        found, labels = by_label(listing.images, known)
        images, problems = self.training_set.usable(folder, found, before)
        problems = {**notes(folder, labels.refused), **listing.problems, **problems}
        return _Look(images, labels, problems, notes(folder, labels.twins))


def _removed(
    before: Iterable[LabelledImage], now: Iterable[LabelledImage], problems: Mapping[str, str]
) -> list[LabelledImage]:
    """Return the images that are in no folder of a label any more; of equal ones one.

    What cannot be read at present is still there, and what no label fits may be left out by a parameter.
    """
    present = {image.content for image in now} | {""}  # a manifest of version 0.2 knows no contents
    gone = (image for image in before if image.content not in present and image.key not in problems)
    return list({image.content: image for image in gone if not image.key.startswith(NONE_FOLDER)}.values())
