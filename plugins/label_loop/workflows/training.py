"""Training: from the labelled images to an evaluated version."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, islice

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain import training
from label_loop.domain.moments import timestamp
from label_loop.domain.roles import contradictions, count_new
from label_loop.domain.training_images import (
    TrainedImages,
    by_label,
    dated_fingerprint,
    fingerprint,
    notes,
    storage_problem,
)
from label_loop.domain.training_set import ImageLimits, check_set, check_test_set, trainable
from label_loop.exceptions import DatasetFailedError, UnusableTrainingSetError, VersionNotCreatedError
from label_loop.hooks.aws_errors import is_refused_for_good, reason
from label_loop.loop_state import LoopState
from label_loop.model_project import ModelProject, manifest_key, test_manifest_key
from label_loop.payloads import (
    EVALUATION_FOLDER,
    LABELLED_FOLDER,
    MANIFESTS_FOLDER,
    TEST_FOLDER,
    ProjectVersion,
    TrainingAttempt,
)
from label_loop.workflows.dataset_versions import DatasetVersions
from label_loop.workflows.label_records import record_labels
from label_loop.workflows.project_datasets import ProjectDatasets
from label_loop.workflows.training_candidates import CandidateImages, Candidates
from label_loop.workflows.training_set import TrainingSet

log = logging.getLogger(__name__)

_SHOWN_PROBLEMS = 20


@dataclass(frozen=True)
class NewImages:
    """What a check finds: the number of new images, notes on folders by prefix, and what is left out, by key."""

    count: int
    folders: Mapping[str, str]
    left_out: Mapping[str, str]


class TrainingWorkflow(ModelProject):
    """The steps of a training run. Each is idempotent: after a crash nothing is paid for twice."""

    def __init__(self, context: LoopContext) -> None:
        super().__init__(context)
        self.training_set = TrainingSet(context)
        self.candidates = CandidateImages(context)

    # ---------------------------------------------------------------- check

    def check(self, *, forced: bool) -> training.TrainingDecision:
        """Decide whether to train, resume or do nothing, and announce the decision."""
        found = self.new_images()
        decision = training.decide_training(
            new_images=found.count,
            minimum_untrained_images=self.context.settings.minimum_untrained_images,
            forced=forced,
            attempt=self.attempt,
            versions=self.versions(),
            endpoint_arn=self.context.store.state.endpoint_arn,
        )
        for name, note in {**found.folders, **_first_few(found.left_out)}.items():
            log.warning("%s: %s", name, note)
        remarks = (
            f"; {len(found.folders)} folder(s) need attention" if found.folders else "",
            f"; {len(found.left_out)} object(s) cannot be trained on" if found.left_out else "",
        )
        text = f"Training check: {decision.action} ({decision.reason}){''.join(remarks)}"
        folders, left_out = _first_few(found.folders), _first_few(found.left_out)
        self.announce("training_checked", text, folders=folders, left_out=left_out)
        return decision

    def new_images(self) -> NewImages:
        """Return what a check finds, without reading an image. One call per 1,000 images."""
        listing = self.training_set.listed(LABELLED_FOLDER)
        found, labels = by_label(listing.images)
        attempt = self.attempt
        before = list(chain(*self.candidates.of_attempt(attempt)))
        recalled = self.training_set.recall(LABELLED_FOLDER, found, TrainedImages(before))
        unread = [replace(image, content=image.etag) for image in recalled.unread]
        images, short = trainable([*recalled.known, *unread], self._has_test_images)
        # The sample keeps a count and no list of what it trained.
        counted = 0 if attempt else self.context.store.state.previous_trained_images
        return NewImages(
            count=max(0, count_new(images, before) - counted),
            folders=notes(LABELLED_FOLDER, {**labels.refused, **labels.twins, **short}),
            left_out=listing.problems | recalled.refused | recalled.blocked | contradictions(recalled.known),
        )

    def _has_test_images(self) -> bool:
        if self.attempt and self.attempt.test_manifest_key:
            return True
        listed = self.training_set.objects(TEST_FOLDER)
        return any(problem is None and storage_problem(image) is None for image, problem in listed)

    # ------------------------------------------------------------- manifest

    def prepare(self, *, resume: bool, forced: bool, run_id: str) -> TrainingAttempt | None:
        """Return the attempt to run: the interrupted one, or a new one whose manifest was written.

        None if too few of the new images are usable, or the images were trained before. Raises UnusableTrainingSetError
        if the set as a whole cannot be trained. In these cases nothing was started.
        """
        previous = self.attempt
        versions = self.versions()
        interrupted = previous if resume else None
        if interrupted and any(version.name == interrupted.version_name for version in versions):
            return interrupted
        candidates = self.candidates.found(previous)
        digest = fingerprint(candidates.images)
        if not (resume or forced):
            refusal = self._nothing_new(previous, candidates) or self._same_as_before(digest, versions)
            if refusal:
                self.announce("manifest", f"No training: {refusal}", left_out=_first_few(candidates.problems))
                return None
        labels = self._check(candidates)
        datasets = DatasetVersions(self.context)
        name = interrupted.version_name if interrupted else None
        name = name or datasets.numbered(training.version_name(digest, run_id), versions)
        attempt = TrainingAttempt(
            version_name=name,
            manifest_key=manifest_key(name),
            images=len(candidates.images),
            fingerprint=digest,
            started_at=interrupted.started_at if interrupted else timestamp(datetime.now(UTC)),
            test_manifest_key=test_manifest_key(name) if candidates.has_own_test else None,
            test_images=len(candidates.test_images),
            labelled_images=candidates.labelled,
        )
        self._write(attempt, candidates, labels)
        datasets.write(attempt, candidates, labels)
        return attempt

    def _nothing_new(self, previous: TrainingAttempt | None, candidates: Candidates) -> str | None:
        """Return why there is nothing new to train, or None if there is."""
        bucket, images = self.context.store.record.bucket, candidates.images
        # A loop of version 0.2 or before recorded another fingerprint of the same images.
        lost = previous if candidates.is_first else None
        if lost and lost.fingerprint in {fingerprint(images), dated_fingerprint(bucket, images)}:
            # Without its manifest, images that were already trained would count as new.
            self.training_set.write(lost.manifest_key, images)
            return f"no new images. The deleted manifest {lost.manifest_key} was restored"
        minimum = self.context.settings.minimum_untrained_images
        return f"{candidates.changed} usable new images of at least {minimum}" if candidates.changed < minimum else None

    def _same_as_before(self, digest: str, versions: Iterable[ProjectVersion]) -> str | None:
        """Return which version was trained with the same images, or None if none was."""
        name = training.trained_before(digest, versions)
        return name and f"{name} was trained with the same images"

    def _check(self, candidates: Candidates) -> Mapping[str, int]:
        """Return the number of images of each label. Raises UnusableTrainingSetError if the set exceeds a limit."""
        images, limits = candidates.labelled_images, ImageLimits.of(self.context.store.record.project_arn)
        try:
            counts = check_set(images, limits, has_test_set=candidates.has_own_test)
            if candidates.has_own_test:
                check_test_set(counts, candidates.test_images, limits)
        except UnusableTrainingSetError as error:
            raise UnusableTrainingSetError(f"{error}{_for_example(candidates.problems)}") from error
        return counts

    def _write(self, attempt: TrainingAttempt, candidates: Candidates, labels: Mapping[str, int]) -> None:
        """Write the manifests and the report. Raises UnusableTrainingSetError if one is too large."""
        self.training_set.write(attempt.manifest_key, candidates.images)
        tested = [image for image in candidates.test_images if image.label in labels]
        if candidates.test_images:
            self.training_set.write(test_manifest_key(attempt.version_name), tested)
        record_labels(self.context, candidates, [*candidates.images, *tested])
        self._report(attempt, len(labels), candidates)

    def _report(self, attempt: TrainingAttempt, labels: int, candidates: Candidates) -> None:
        problems, twins = candidates.problems, candidates.twins
        if problems:
            self.training_set.write_problems(f"{MANIFESTS_FOLDER}{attempt.version_name}.left-out.json", problems)
            for key, problem in _first_few(problems).items():
                log.warning("Excluded from training: %s: %s", key, problem)
        merged = f"; {len(twins)} folder(s) merged into another label" if twins else ""
        tested = f"{attempt.test_images} to test it" if attempt.test_manifest_key else "Rekognition splits off a test"
        self.announce(
            "manifest",
            f"Manifest written: {attempt.images} images, {labels} labels; {tested}; {len(problems)} excluded{merged}",
            images=attempt.images,
            test_images=attempt.test_images,
            left_out=_first_few(problems),
            twins=_first_few(twins),
        )

    # ---------------------------------------------------------------- train

    def create_version(self, attempt: TrainingAttempt) -> str | None:
        """Start the training of an attempt unless it has already been started; return the name of the version.

        None while the project's datasets are being made for it: call it again then. The attempt is recorded first, so
        that after a crash the version can be found by its name. Raises VersionNotCreatedError if AWS refuses the
        training for good, or too often.
        """
        datasets, recorded = ProjectDatasets(self.context), self.attempt
        if recorded and recorded.version_name == attempt.version_name:  # its images may have been prepared again
            attempt = replace(
                attempt, outcome=recorded.outcome, tries=recorded.tries, from_datasets=recorded.from_datasets
            )
        if not attempt.from_datasets:  # afterwards there may be none for a moment, as they are replaced
            attempt = replace(attempt, from_datasets=bool(datasets.found()))
        self._record(attempt)
        try:
            if attempt.from_datasets and not datasets.hold(attempt):
                return None
            self._create(attempt)
        except (ClientError, DatasetFailedError) as error:
            self._record_refusal(attempt, error)
            raise
        self.announce_version(attempt.version_name, f"training started with {attempt.images} images")
        return attempt.version_name

    def _create(self, attempt: TrainingAttempt) -> None:
        record = self.context.store.record
        self.context.clients.rekognition.create_version(
            project_arn=record.project_arn,
            name=attempt.version_name,
            bucket=record.bucket,
            manifest_key=None if attempt.from_datasets else attempt.manifest_key,
            test_manifest_key=None if attempt.from_datasets else attempt.test_manifest_key,
            output_prefix=f"{EVALUATION_FOLDER}{attempt.version_name}",
        )

    def _record(self, attempt: TrainingAttempt) -> None:
        self.context.store.change_state(
            lambda state: replace(state, last_training_attempt=attempt, previous_trained_images=attempt.labelled_images)
        )

    def _record_refusal(self, attempt: TrainingAttempt, error: Exception) -> None:
        """Count a refusal. Raises VersionNotCreatedError, with the attempt ended, if another try makes no sense."""

        def refused(state: LoopState) -> LoopState:
            last = state.last_training_attempt
            if last is None or last.version_name != attempt.version_name:
                return state
            return replace(state, last_training_attempt=training.refused(last, why, is_final=is_final))

        is_final = isinstance(error, DatasetFailedError) or is_refused_for_good(error)
        # What AWS says of a request is about the request; what it says of permissions names accounts and roles.
        why = f"{str(error).rstrip('.')}." if is_final else f"{reason(error)}, {training.MAX_TRIES} times."
        last = self.context.store.change_state(refused).last_training_attempt
        if last and last.version_name == attempt.version_name and last.outcome:
            dag_id = self.context.loop.dag_id("training")
            ended = VersionNotCreatedError(attempt.version_name, why, dag_id)
            self.announce_version(attempt.version_name, str(ended))
            raise ended from error


def _first_few(notes: Mapping[str, str]) -> dict[str, str]:
    return dict(islice(notes.items(), _SHOWN_PROBLEMS))


def _for_example(problems: Mapping[str, str]) -> str:
    key, problem = next(iter(problems.items()), ("", ""))
    return f" {len(problems)} object(s) or folder(s) were left out, such as {key}: {problem}." if problems else ""
