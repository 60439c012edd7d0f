"""Training: from the labelled images to an evaluated version."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain import deployment, training
from label_loop.domain.images import size_problem
from label_loop.domain.labels import Labels
from label_loop.domain.moments import timestamp
from label_loop.exceptions import DatasetFailedError, VersionNotCreatedError
from label_loop.hooks.aws_errors import is_refused_for_good, reason
from label_loop.loop_state import LoopState
from label_loop.model_project import ModelProject, manifest_key
from label_loop.payloads import (
    EVALUATION_FOLDER,
    LABELLED_FOLDER,
    MANIFESTS_FOLDER,
    TEST_FOLDER,
    LabelledImage,
    TrainingAttempt,
)
from label_loop.workflows.project_datasets import ProjectDatasets
from label_loop.workflows.training_set import TrainingSet

log = logging.getLogger(__name__)

_SHOWN_PROBLEMS = 20


class TrainingWorkflow(ModelProject):
    """The steps of a training run. Each is idempotent: after a crash nothing is paid for twice."""

    def __init__(self, context: LoopContext) -> None:
        super().__init__(context)
        self.training_set = TrainingSet(context)

    # ---------------------------------------------------------------- check

    def check(self, *, forced: bool) -> training.TrainingDecision:
        """Decide whether to train, resume or do nothing, and announce the decision."""
        new, folders = self.new_images()
        decision = training.decide_training(
            new_images=new,
            minimum_untrained_images=self.context.settings.minimum_untrained_images,
            forced=forced,
            attempt=self.attempt,
            versions=self.versions(),
            endpoint_arn=self.context.store.state.endpoint_arn,
        )
        for name, note in folders.items():
            log.warning("%s: %s", name, note)
        remark = f"; {len(folders)} folder(s) need attention" if folders else ""
        text = f"Training check: {decision.action} ({decision.reason}){remark}"
        self.announce("training_checked", text, folders=_first_few(folders))
        return decision

    def new_images(self) -> tuple[int, Mapping[str, str]]:
        """Return the number of labelled images that are new since the last attempt, and notes on their folders.

        The notes are keyed by the folder's prefix in S3. One call per 1,000 images.
        """
        found, labels = training.by_label(self.training_set.labelled(LABELLED_FOLDER))
        folders = training.notes(LABELLED_FOLDER, {**labels.refused, **labels.twins})
        # Empty and oversized files cannot be used for training.
        images = [image for image in found if not size_problem(image.size_bytes)]
        attempt = self.attempt
        if attempt is None:
            # The sample keeps a count and no list of what it trained.
            return max(0, len(images) - self.context.store.state.previous_trained_images), folders
        return len(training.new_images(images, self.training_set.in_manifest(attempt.manifest_key))), folders

    # ------------------------------------------------------------- manifest

    def prepare(self, *, resume: bool, forced: bool, run_id: str) -> TrainingAttempt | None:
        """Return the attempt to run: the interrupted one, or a new one whose manifest was written.

        None if too few of the new images are usable. Raises UnusableTrainingSetError if the set as a whole cannot be
        trained. In both cases nothing was started.
        """
        previous = self.attempt
        if resume and previous:
            return previous
        checked = set(self.training_set.in_manifest(previous.manifest_key)) if previous else set()
        found, labels = training.by_label(self.training_set.labelled(LABELLED_FOLDER))
        images, problems = self.training_set.usable(found, checked)
        problems = {**training.notes(LABELLED_FOLDER, labels.refused), **problems}
        if previous and not (checked or forced) and self._is_same_set(previous, images):
            self._write_again(previous, images)
            return None
        new, minimum = len(training.new_images(images, checked)), self.context.settings.minimum_untrained_images
        if new < minimum and not forced:
            text = f"No training: {new} usable new images of at least {minimum}"
            self.announce("manifest", text, left_out=_first_few(problems))
            return None
        return self._new_attempt(run_id, images, labels, problems)

    def _is_same_set(self, attempt: TrainingAttempt, images: list[LabelledImage]) -> bool:
        return training.fingerprint(self.context.store.record.bucket, images) == attempt.fingerprint

    def _write_again(self, attempt: TrainingAttempt, images: list[LabelledImage]) -> None:
        """Restore a deleted manifest: without it, images that were already trained would count as new."""
        self.training_set.write(attempt.manifest_key, images)
        self.announce(
            "manifest", f"No training: no new images. The deleted manifest {attempt.manifest_key} was restored"
        )

    def _new_attempt(
        self, run_id: str, images: list[LabelledImage], labels: Labels, problems: dict[str, str]
    ) -> TrainingAttempt:
        previous = self.attempt
        checked = set(self.training_set.in_manifest(previous.test_manifest_key)) if previous else set()
        found, test_labels = training.by_label(self.training_set.labelled(TEST_FOLDER), known=labels)
        test_images, test_problems = self.training_set.usable(found, checked)
        counts = training.check_set(images, has_test_set=bool(test_images))
        if test_images:
            training.check_test_set(counts, test_images)
        test_images = [image for image in test_images if image.label in counts]
        digest = training.fingerprint(self.context.store.record.bucket, images)
        name = training.version_name(digest, run_id)
        attempt = TrainingAttempt(
            version_name=name,
            manifest_key=manifest_key(name),
            images=len(images),
            fingerprint=digest,
            started_at=timestamp(datetime.now(UTC)),
            test_manifest_key=f"{MANIFESTS_FOLDER}{name}.test.manifest" if test_images else None,
        )
        self.training_set.write(attempt.manifest_key, images)
        if attempt.test_manifest_key:
            self.training_set.write(attempt.test_manifest_key, test_images)
        problems |= {**training.notes(TEST_FOLDER, test_labels.refused), **test_problems}
        twins = {**training.notes(LABELLED_FOLDER, labels.twins), **training.notes(TEST_FOLDER, test_labels.twins)}
        self._report(attempt, len(counts), problems, twins)
        return attempt

    def _report(self, attempt: TrainingAttempt, labels: int, problems: dict[str, str], twins: dict[str, str]) -> None:
        if problems:
            self.training_set.write_problems(f"{MANIFESTS_FOLDER}{attempt.version_name}.left-out.json", problems)
            for key, problem in _first_few(problems).items():
                log.warning("Excluded from training: %s: %s", key, problem)
        merged = f"; {len(twins)} folder(s) merged into another label" if twins else ""
        self.announce(
            "manifest",
            f"Manifest written: {attempt.images} images, {labels} labels; {len(problems)} excluded{merged}",
            images=attempt.images,
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
        if recorded and recorded.version_name == attempt.version_name:
            attempt = recorded
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
        def begun(state: LoopState) -> LoopState:
            last = state.last_training_attempt
            if last is not None and last.version_name == attempt.version_name:
                return replace(state, last_training_attempt=replace(last, from_datasets=attempt.from_datasets))
            return replace(state, last_training_attempt=attempt, previous_trained_images=attempt.images)

        self.context.store.change_state(begun)

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

    # ---------------------------------------------------------------- judge

    def passes_gate(self, version_name: str) -> bool:
        """Return whether a trained version's F1 score reaches the minimum; record and announce the outcome."""
        version = self.version(version_name)
        minimum = self.context.settings.minimum_f1_score
        passed = deployment.passes_gate(version.f1_score, minimum)
        comparison = f"F1 {version.f1_score}, minimum {minimum}"
        self._record_outcome(version_name, training.ACCEPTED if passed else f"rejected: {comparison}")
        self.announce_version(
            version_name, f"{'accepted' if passed else 'rejected'}: {comparison}", f1=version.f1_score
        )
        return passed

    def record_failure(self, version_name: str) -> str:
        """Record that a training failed; return a message with the status and reason from Rekognition."""
        version = self.version(version_name)
        self._record_outcome(version_name, f"{version.status}: {version.status_message}")
        message = version.status_message.rstrip(".") or "no reason given"
        return f"Version {version_name} is {version.status}: {message}."

    def _record_outcome(self, version_name: str, outcome: str) -> None:
        def judged(state: LoopState) -> LoopState:
            attempt = state.last_training_attempt
            if attempt is None or attempt.version_name != version_name:
                return state
            return replace(state, last_training_attempt=replace(attempt, outcome=outcome))

        self.context.store.refresh()
        self.context.store.change_state(judged)


def _first_few(notes: Mapping[str, str]) -> dict[str, str]:
    return dict(islice(notes.items(), _SHOWN_PROBLEMS))
