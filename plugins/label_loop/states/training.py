"""Training: from the labelled images to a deployed version, blue-green behind an F1 gate."""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from label_loop.domain import deployment, training
from label_loop.domain.detections import timestamp
from label_loop.domain.images import size_problem
from label_loop.exceptions import SmokeTestFailedError
from label_loop.hooks.retries import error_code
from label_loop.payloads import (
    EVALUATION_FOLDER,
    LABELLED_FOLDER,
    MANIFESTS_FOLDER,
    TEST_FOLDER,
    Event,
    LabelledImage,
    ProjectVersion,
    S3Upload,
    TrainingAttempt,
)
from label_loop.states.context import LoopContext
from label_loop.states.training_set import TrainingSet

log = logging.getLogger(__name__)

_THREADS = 16
_SHOWN_PROBLEMS = 20


class TrainingState:
    """The steps of a training run. Each can be repeated after a crash without paying for anything twice."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context
        self.set = TrainingSet(context)

    @property
    def attempt(self) -> TrainingAttempt | None:
        """The last training attempt in the record."""
        return TrainingAttempt.from_json(self.context.record.last_training_attempt)

    # ---------------------------------------------------------------- check

    def check(self, *, forced: bool) -> training.TrainingDecision:
        """Decide whether to train, resume or do nothing; tell the decision."""
        record = self.context.record
        decision = training.decide(
            new_images=self._count_new(),
            minimum_untrained_images=self.context.settings.minimum_untrained_images,
            forced=forced,
            attempt=self.attempt,
            versions=list(self.context.rekognition.versions(record.project_arn)),
            endpoint_arn=record.endpoint_arn,
        )
        self._tell("training_checked", f"Training check: {decision.action} ({decision.reason})")
        return decision

    def _count_new(self) -> int:
        # What is empty or too large for Rekognition is no image, however it is named.
        images = [image for image in self.set.labelled(LABELLED_FOLDER) if not size_problem(image.size_bytes)]
        attempt = self.attempt
        if attempt is None:
            # The sample keeps a count and no list of what it trained.
            return max(0, len(images) - self.context.record.previous_trained_images)
        return len(training.new_images(images, self.set.in_manifest(attempt.manifest_key)))

    # ------------------------------------------------------------- manifest

    def prepare(self, *, resume: bool, forced: bool, run_id: str) -> TrainingAttempt | None:
        """Return the attempt to go on with: the one left behind, or a new one with its manifest written.

        None where too few of the new images are usable. Raises UnusableTrainingSetError where the whole set
        cannot train. In both cases nothing was started.
        """
        previous = self.attempt
        if resume and previous:
            return previous
        checked = set(self.set.in_manifest(previous.manifest_key)) if previous else set()
        images, problems = self.set.usable(list(self.set.labelled(LABELLED_FOLDER)), checked)
        new, minimum = len(training.new_images(images, checked)), self.context.settings.minimum_untrained_images
        if new < minimum and not forced:
            left_out = dict(list(problems.items())[:_SHOWN_PROBLEMS])
            self._tell("manifest", f"Only {new} of {minimum} new images are usable; no training", left_out=left_out)
            return None
        return self._new_attempt(run_id, images, problems)

    def _new_attempt(self, run_id: str, images: list[LabelledImage], problems: dict[str, str]) -> TrainingAttempt:
        previous = self.attempt
        checked = set(self.set.in_manifest(previous.test_manifest_key)) if previous else set()
        test_images, test_problems = self.set.usable(list(self.set.labelled(TEST_FOLDER)), checked)
        labels = training.check_set(images, has_test_set=bool(test_images))
        test_images = [image for image in test_images if image.label in labels]
        digest = training.fingerprint(self.context.record.bucket, images)
        name = training.version_name(digest, run_id)
        attempt = TrainingAttempt(
            version_name=name,
            manifest_key=f"{MANIFESTS_FOLDER}{name}.manifest",
            images=len(images),
            fingerprint=digest,
            started_at=timestamp(datetime.now(UTC)),
            test_manifest_key=f"{MANIFESTS_FOLDER}{name}.test.manifest" if test_images else None,
        )
        self.set.write(attempt.manifest_key, images)
        if attempt.test_manifest_key:
            self.set.write(attempt.test_manifest_key, test_images)
        self._report(attempt, labels, {**problems, **test_problems})
        return attempt

    def _report(self, attempt: TrainingAttempt, labels: Any, problems: dict[str, str]) -> None:
        if problems:
            self.set.write_problems(f"{MANIFESTS_FOLDER}{attempt.version_name}.left-out.json", problems)
            for image_key, problem in list(problems.items())[:_SHOWN_PROBLEMS]:
                log.warning("Left out of the training: %s: %s", image_key, problem)
        self._tell(
            "manifest",
            f"Manifest with {attempt.images} images of {len(labels)} labels written; {len(problems)} left out",
            images=attempt.images,
            left_out=dict(list(problems.items())[:_SHOWN_PROBLEMS]),
        )

    # ---------------------------------------------------------------- train

    def create_version(self, attempt: TrainingAttempt) -> str:
        """Start the training of an attempt, or find it started; return the version's name.

        The attempt is recorded first: a crash right after AWS took the call leaves a name to look for.
        """
        record = self.context.record
        if self.attempt is None or self.attempt.version_name != attempt.version_name:
            self.context.update_record(
                {"last_training_attempt": attempt.to_json(), "previous_trained_images": attempt.images}
            )
        self.context.rekognition.create_version(
            project_arn=record.project_arn,
            name=attempt.version_name,
            bucket=record.bucket,
            manifest_key=attempt.manifest_key,
            test_manifest_key=attempt.test_manifest_key,
            output_prefix=f"{EVALUATION_FOLDER}{attempt.version_name}",
        )
        self._tell_model(attempt.version_name, f"training with {attempt.images} images")
        return attempt.version_name

    # ----------------------------------------------------------- deployment

    def passes_gate(self, version_name: str) -> bool:
        """Compare a trained version's F1 score with the minimum, and record the outcome."""
        version = self._version(version_name)
        minimum = self.context.settings.minimum_f1_score
        passed = deployment.passes_gate(version.f1_score, minimum)
        comparison = f"F1 {version.f1_score} against a minimum of {minimum}"
        self._record_outcome(version_name, training.ACCEPTED if passed else f"rejected: {comparison}")
        self._tell_model(version_name, f"{'accepted' if passed else 'rejected'}: {comparison}", f1=version.f1_score)
        return passed

    def start_version(self, version_name: str) -> None:
        """Start a version beside the one that serves."""
        units = self.context.settings.minimum_inference_units
        version = self._version(version_name)
        self.context.rekognition.start_version(version.arn, units)
        self._tell_model(version_name, f"starting with {units} inference unit(s)")

    def smoke_test(self, version_name: str) -> None:
        """Detect one training image. Raises SmokeTestFailedError where the version does not answer."""
        version, attempt = self._version(version_name), self.attempt
        image = next(iter(self.set.in_manifest(attempt.manifest_key)), None) if attempt else None
        if image is None:
            raise SmokeTestFailedError(f"{version_name} could not be tested: its manifest is gone or empty.")
        try:
            labels = self.context.rekognition.detect(version.arn, S3Upload(self.context.record.bucket, image.key, ""))
        except ClientError as error:
            raise SmokeTestFailedError(
                f"{version_name} runs but does not answer ({error_code(error)}); the endpoint was not moved."
            ) from error
        log.info("The smoke test of %s on %s found %s", version_name, image.key, labels)

    def move_endpoint(self, version_name: str) -> None:
        """Let a running version serve from now on."""
        version = self._version(version_name)
        self.context.refresh()
        changes: dict[str, Any] = {"rekognition_project_version_arn": version.arn}
        attempt = self.attempt
        if attempt and attempt.version_name == version_name:
            # From now on its place is a person's business: a rollback is not undone by the next check.
            changes["last_training_attempt"] = replace(attempt, outcome=training.DEPLOYED).to_json()
        self.context.update_record(changes)
        self._tell_model(version_name, "serves from now on", f1=version.f1_score)

    def stop_idle_versions(self) -> list[str]:
        """Stop each version that costs money and does not serve; return the names of those still to be asked.

        That is the previous version after a deployment, a new one after a failed one, and whatever a crash or
        a person left running.
        """
        record = self.context.refresh()
        versions = self.context.rekognition.versions(record.project_arn)
        busy = []
        for version in deployment.versions_to_stop(versions, record.endpoint_arn):
            if self.context.rekognition.stop_version(version.arn):
                self._tell_model(version.name, "stopped: it was running and does not serve")
            else:
                busy.append(version.name)
        return busy

    def _version(self, name: str) -> ProjectVersion:
        return self.context.rekognition.version(self.context.record.project_arn, name)

    def record_failure(self, version_name: str) -> str:
        """Record that a training failed; return what Rekognition says of it, for people."""
        version = self._version(version_name)
        self._record_outcome(version_name, f"{version.status}: {version.status_message}")
        reason = version.status_message.rstrip(".") or "no reason given"
        return f"The version {version_name} is {version.status}: {reason}."

    def _record_outcome(self, version_name: str, outcome: str) -> None:
        self.context.refresh()
        attempt = self.attempt
        if attempt and attempt.version_name == version_name:
            self.context.update_record({"last_training_attempt": replace(attempt, outcome=outcome).to_json()})

    def _tell_model(self, version_name: str, text: str, **facts: Any) -> None:
        self._tell("model_status", f"Model {version_name}: {text}", version=version_name, **facts)

    def _tell(self, kind: str, text: str, **facts: Any) -> None:
        log.info(text)
        self.context.announcer.tell([Event(kind, text, facts=facts)])
