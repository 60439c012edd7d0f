"""Deployment: blue-green, from a trained version to the one that serves."""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain import deployment, training
from label_loop.domain.bake import after_return, bake_of
from label_loop.domain.detections import UNDETECTABLE
from label_loop.domain.model_version import REQUESTED, THE_LOOP
from label_loop.domain.moments import timestamp
from label_loop.domain.training_images import storage_problem
from label_loop.exceptions import NoServingModelError, SmokeTestFailedError
from label_loop.hooks.aws_errors import error_code, object_problem
from label_loop.loop_state import LoopState
from label_loop.model_project import ModelProject, manifest_key
from label_loop.payloads import LABELLED_FOLDER, LabelledImage, S3Upload
from label_loop.serving import ServingModel
from label_loop.workflows.model_versions import ModelVersions
from label_loop.workflows.training_set import TrainingSet

log = logging.getLogger(__name__)

_MAX_IMAGES_TRIED = 20  # per source: images of an old manifest may be deleted, or unreadable


class DeploymentWorkflow(ModelProject):
    """The steps of a deployment. Each is idempotent, so it can be repeated after a crash."""

    def __init__(self, context: LoopContext) -> None:
        super().__init__(context)
        self.training_set = TrainingSet(context)
        self.serving = ServingModel(context)

    def decide(self, version_name: str, *, asked_by: str) -> deployment.DeploymentDecision:
        """Decide on a deployment by hand, and announce it. Raises VersionNotDeployableError."""
        endpoint_arn = self.context.store.state.endpoint_arn
        decision = deployment.decide_deployment(version_name, self.versions(), endpoint_arn, self.context.settings)
        request = f"deployment requested by {asked_by}"
        if decision.action == "deploy":
            ModelVersions(self.context).decided(version_name, REQUESTED, asked_by, decision.reason)
        verdict = request if decision.action == "deploy" else f"{request}, but not needed"
        self.announce_version(version_name, f"{verdict}: {decision.reason}", asked_by=asked_by)
        return decision

    def decide_approved(self, version_name: str) -> deployment.DeploymentDecision:
        """Decide on a deployment that was approved. While its run was queued, another version may have come first.

        Raises VersionNotDeployableError.
        """
        question = self.context.store.refresh().approval_question
        if question and question.version_name == version_name and question.answer == "deploy":
            return self.decide(version_name, asked_by="the DAG approval")
        return deployment.DeploymentDecision("none", "a newer version or another deployment came first", version_name)

    def decide_return(self, version_name: str) -> deployment.DeploymentDecision:
        """Decide on the return of the version that served before. In the meantime, another deployment may have come.

        Raises VersionNotDeployableError.
        """
        state = self.context.store.refresh()
        bake = state.current_bake
        if bake and bake.returning and bake.former_name == version_name and bake.version_arn == state.endpoint_arn:
            return self.decide(version_name, asked_by=f"the bake of {bake.version_name}")
        return deployment.DeploymentDecision("none", "another deployment came first", version_name)

    def start_version(self, version_name: str) -> None:
        """Start a version beside the serving one; other versions are stopped, since Rekognition runs two by default.

        Raises RunningLimitError if the limit of running versions is reached; retrying later may succeed.
        """
        version = self.version(version_name)
        now = _now()
        state = self.context.store.change_state(lambda state: replace(state, deploying_since=now))
        self.serving.stop(deployment.versions_to_stop(self.versions(), state.endpoint_arn, version.arn))
        self.serving.start(version, "starting")

    def smoke_test(self, version_name: str) -> None:
        """Run a detection on one known image, skipping those that are deleted or unreadable.

        Raises SmokeTestFailedError if the detection fails, or no image is usable.
        """
        version, bucket = self.version(version_name), self.context.store.record.bucket
        skipped = Counter[str]()
        for image in self._known_images(version_name):
            try:
                labels = self.context.clients.rekognition.detect(version.arn, S3Upload(bucket, image.key, ""))
            except ClientError as error:
                code = error_code(error)
                problem = UNDETECTABLE.get(code) or object_problem(error)
                if problem is None:
                    raise SmokeTestFailedError(
                        f"{version_name} is running, but its smoke test failed ({code}); the endpoint was not moved."
                    ) from error
                skipped[problem] += 1
                log.warning("Smoke test: skipping %s: %s", image.key, code)
            else:
                log.info("Smoke test of %s on %s: detected %s", version_name, image.key, labels)
                return
        causes = "".join(f"; {count} {reason}" for reason, count in skipped.most_common())
        raise SmokeTestFailedError(
            f"{version_name} could not be tested, so the endpoint was not moved: no readable image among the first "
            f"{_MAX_IMAGES_TRIED} of its manifest, of the last manifest and of {LABELLED_FOLDER}{causes}. Add an image "
            "there, or make these readable for Rekognition, and deploy again."
        )

    def _known_images(self, version_name: str) -> Iterator[LabelledImage]:
        """Yield images of the version's own manifest, if any, of the last manifest, and of the labels' folders."""
        last = self.attempt.manifest_key if self.attempt else None
        for key in dict.fromkeys((manifest_key(version_name), last)):
            yield from islice(self.training_set.in_manifest(key), _MAX_IMAGES_TRIED)
        listed = self.training_set.objects(LABELLED_FOLDER)
        readable = (image for image, problem in listed if not (problem or storage_problem(image)))
        yield from islice(readable, _MAX_IMAGES_TRIED)

    def move_endpoint(self, version_name: str) -> None:
        """Make a running version the endpoint. Raises NoServingModelError if it is no longer running."""
        version, now = self.version(version_name), _now()
        if version.status != deployment.RUNNING:
            raise NoServingModelError(
                f"{version_name} is now {deployment.status_label(version.status)} although it "
                "passed its smoke test, so the endpoint was not moved. Find out what stopped it and deploy it by hand."
            )

        bakes = bool(self.context.settings.bake_hours and self.context.store.record.statistics_table)

        def moved(state: LoopState) -> LoopState:
            state = after_return(state, version_name)
            attempt, is_same = state.last_training_attempt, state.endpoint_arn == version.arn
            bake = bake_of(attempt, version, state.endpoint_arn, now) if bakes else None
            if attempt:
                # Mark it as deployed, so that the next check does not undo a rollback by hand.
                attempt = replace(attempt, outcome=training.outcome_after_deployment(attempt, version_name))
            return replace(
                state,
                endpoint_arn=version.arn,
                endpoint_moved_at=state.endpoint_moved_at if is_same else now,
                endpoint_started_at=now,
                stopped_because=None,
                stopping_since=None,
                last_training_attempt=attempt,
                approval_question=None,
                current_bake=state.current_bake if is_same else bake,
            )

        moved_at = self.context.store.change_state(moved).endpoint_moved_at
        ModelVersions(self.context).decided(version_name, training.DEPLOYED, THE_LOOP, at=moved_at)
        self.announce_version(version_name, "is now serving", f1=version.f1_score)


def _now() -> str:
    return timestamp(datetime.now(UTC))
