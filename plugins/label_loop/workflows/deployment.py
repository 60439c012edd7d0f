"""Deployment: from a trained version to the one that serves, blue-green, and never two that are paid for long."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain import deployment, training
from label_loop.domain.detections import UNDETECTABLE
from label_loop.domain.moments import timestamp
from label_loop.exceptions import NothingServesError, SmokeTestFailedError
from label_loop.hooks.aws_errors import error_code
from label_loop.loop_state import LoopState
from label_loop.model_project import ModelProject, manifest_key
from label_loop.payloads import LABELLED_FOLDER, LabelledImage, S3Upload
from label_loop.serving import ServingModel
from label_loop.workflows.training_set import TrainingSet

log = logging.getLogger(__name__)

_IMAGES_LOOKED_FOR = 20  # in each place: images of an old manifest may be gone, and one may be unreadable


class DeploymentWorkflow(ModelProject):
    """The steps that let a version serve. Each can be repeated after a crash."""

    def __init__(self, context: LoopContext) -> None:
        super().__init__(context)
        self.set = TrainingSet(context)
        self.serving = ServingModel(context)

    def choose(self, version_name: str, *, asked_by: str) -> deployment.DeploymentDecision:
        """Decide on a deployment that a person asked for, and tell it. Raises VersionNotDeployableError."""
        endpoint_arn = self.context.state.endpoint_arn
        minimum = self.context.settings.minimum_f1_score
        decision = deployment.choose(version_name, self.versions(), endpoint_arn, minimum)
        wish = "is to be deployed" if decision.action == "deploy" else "is to be deployed and need not be"
        self.announce_version(version_name, f"{wish}, as {asked_by} asked: {decision.reason}", asked_by=asked_by)
        return decision

    def start_version(self, version_name: str) -> None:
        """Start a version beside the one that serves; what else runs is stopped, since Rekognition runs two.

        Raises RunningLimitError, after which it is worth trying again, where there is no room for it yet.
        """
        version = self.version(version_name)
        now = _now()
        state = self.context.change_state(lambda state: replace(state, deploying_since=now))
        self.serving.stop(deployment.versions_to_stop(self.versions(), state.endpoint_arn, version.arn))
        self.serving.start(version, "starting")

    def smoke_test(self, version_name: str) -> None:
        """Detect one known image; those that are gone or cannot be read are passed over.

        Raises SmokeTestFailedError where the version does not answer, or no image is left.
        """
        version, bucket = self.version(version_name), self.context.record.bucket
        for image in self._known_images(version_name):
            try:
                labels = self.context.rekognition.detect(version.arn, S3Upload(bucket, image.key, ""))
            except ClientError as error:
                code = error_code(error)
                if code not in UNDETECTABLE:
                    raise SmokeTestFailedError(
                        f"{version_name} runs but does not answer ({code}); the endpoint was not moved."
                    ) from error
                log.warning("The smoke test passes over %s: %s", image.key, code)
            else:
                log.info("The smoke test of %s on %s found %s", version_name, image.key, labels)
                return
        raise SmokeTestFailedError(
            f"{version_name} could not be tested: there is no image that can be read among {_IMAGES_LOOKED_FOR} of its "
            f"manifest, of the last one, and in {LABELLED_FOLDER}. Put one there and deploy again; the endpoint was "
            "not moved."
        )

    def _known_images(self, version_name: str) -> Iterator[LabelledImage]:
        """Yield images that the version was trained with, else others; versions of other makers have no manifest."""
        last = self.attempt.manifest_key if self.attempt else None
        for key in dict.fromkeys((manifest_key(version_name), last)):
            yield from islice(self.set.in_manifest(key), _IMAGES_LOOKED_FOR)
        yield from islice(self.set.labelled(LABELLED_FOLDER), _IMAGES_LOOKED_FOR)

    def move_endpoint(self, version_name: str) -> None:
        """Let a running version serve from now on. Raises NothingServesError where it does not run any more."""
        version, now = self.version(version_name), _now()
        if version.status != deployment.RUNNING:
            raise NothingServesError(
                f"{version_name} is {deployment.spoken(version.status)}, and was running when it was tested; the "
                "endpoint was not moved. Deploy it again by hand, once it is known who stopped it."
            )

        def moved(state: LoopState) -> LoopState:
            attempt = state.last_training_attempt
            if attempt:
                # From now on its place is a person's business: a rollback is not undone by the next check.
                attempt = replace(attempt, outcome=training.outcome_after_deployment(attempt, version_name))
            return replace(
                state,
                endpoint_arn=version.arn,
                endpoint_moved_at=state.endpoint_moved_at if state.endpoint_arn == version.arn else now,
                endpoint_started_at=now,
                stopped_because=None,
                stopping_since=None,
                last_training_attempt=attempt,
            )

        self.context.change_state(moved)
        self.announce_version(version_name, "serves from now on", f1=version.f1_score)


def _now() -> str:
    return timestamp(datetime.now(UTC))
