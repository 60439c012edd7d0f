"""Deployment: from a trained version to the one that serves, blue-green, and never two that are paid for long."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from label_loop.domain import deployment, training
from label_loop.domain.detections import UNDETECTABLE
from label_loop.domain.idleness import BY_HAND, IDLE
from label_loop.domain.moments import timestamp
from label_loop.exceptions import NothingServesError, RunningLimitError, SmokeTestFailedError
from label_loop.hooks.aws_errors import error_code
from label_loop.payloads import LABELLED_FOLDER, LabelledImage, ProjectVersion, S3Upload
from label_loop.workflows.project import ModelProject, manifest_key

log = logging.getLogger(__name__)

_IMAGES_LOOKED_FOR = 20  # in each place: images of an old manifest may be gone, and one may be unreadable


class DeploymentWorkflow(ModelProject):
    """The steps that let a version serve. Each can be repeated after a crash."""

    def choose(self, version_name: str, *, asked_by: str) -> deployment.DeploymentDecision:
        """Decide on a deployment that a person asked for, and tell it. Raises VersionNotDeployableError."""
        endpoint_arn = self.context.record.endpoint_arn
        minimum = self.context.settings.minimum_f1_score
        decision = deployment.choose(version_name, self.versions(), endpoint_arn, minimum)
        wish = "is to be deployed" if decision.action == "deploy" else "is to be deployed and need not be"
        self.tell_model(version_name, f"{wish}, as {asked_by} asked: {decision.reason}", asked_by=asked_by)
        return decision

    def start_version(self, version_name: str) -> None:
        """Start a version beside the one that serves; what else runs is stopped, since Rekognition runs two.

        Raises RunningLimitError, after which it is worth trying again, where there is no room for it yet.
        """
        version = self.version(version_name)
        self.context.update_record({"deploying_since": _now()})
        self._stop(deployment.versions_to_stop(self.versions(), self.context.record.endpoint_arn, version.arn))
        self.ask_for_start(version, "starting")

    def ask_for_start(self, version: ProjectVersion, text: str) -> None:
        """Start a version with the units that the parameters ask for, and tell it.

        Raises RunningLimitError where it would be the third that is paid: an account's own limit may be higher.
        """
        others = [v.name for v in deployment.versions_to_stop(self.versions(), version.arn)]
        if len(others) >= deployment.MOST_PAID:
            raise RunningLimitError(
                f"{version.name} was not started: {', '.join(others)} run or start, and no third version shall be "
                "paid beside them. What does not serve is stopped as soon as it can be; it is tried again."
            )
        settings = self.context.settings
        units = deployment.Units.of(settings.minimum_inference_units, settings.maximum_inference_units)
        try:
            self.context.rekognition.start_version(version.arn, units.least, units.most)
        except ClientError as error:
            if error_code(error) != "LimitExceededException":
                raise
            raise RunningLimitError(
                f"{version.name} was not started: Rekognition runs as many versions as this account may (two a "
                "region, unless AWS raised it). Those that run idle in this project are being stopped, and it is "
                "tried again; stop another project's model, or ask AWS for a higher limit, if that does not help."
            ) from error
        self.tell_model(version.name, f"{text} with {units}")

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
        """Let a running version serve from now on."""
        version = self.version(version_name)
        changes: dict[str, Any] = {"endpoint_started_at": _now(), "stopped_because": None}
        if self.context.refresh().endpoint_arn != version.arn:
            changes["rekognition_project_version_arn"] = version.arn
            changes["endpoint_moved_at"] = _now()
        attempt = self.attempt
        if attempt:
            # From now on its place is a person's business: a rollback is not undone by the next check.
            outcome = training.outcome_after_deployment(attempt, version_name)
            changes["last_training_attempt"] = replace(attempt, outcome=outcome).to_json()
        self.context.update_record(changes)
        self.tell_model(version_name, "serves from now on", f1=version.f1_score)

    def stop_idle_versions(self) -> list[str]:
        """Stop each version that costs money and does not serve; return the names of those still to be asked.

        That is the previous version after a deployment, a new one after a failed one, and whatever a crash or
        a person left running.
        """
        endpoint_arn = self.context.refresh().endpoint_arn
        busy = self._stop(deployment.versions_to_stop(self.versions(), endpoint_arn))
        if self.context.record.deploying_since and not busy:
            self.context.update_record({"deploying_since": None})
        return busy

    def _stop(self, versions: Iterable[ProjectVersion]) -> list[str]:
        busy = []
        for version in versions:
            if self.context.rekognition.stop_version(version.arn):
                self.tell_model(version.name, "stopped: it was running and does not serve")
            else:
                busy.append(version.name)
        return busy

    def stop_serving(self, *, asked_by: str) -> str:
        """Stop the version that serves, and keep it as the endpoint: uploads wait until it is deployed again.

        Return its name. Raises NothingServesError where none runs that can be stopped.
        """
        endpoint_arn = self.context.refresh().endpoint_arn
        version = next((version for version in self.versions() if version.arn == endpoint_arn), None)
        if version is None:
            raise NothingServesError(f"{self.context.loop.name} has no deployed model to stop.")
        text = f"stopped, as {asked_by} asked; uploads wait until it is deployed again"
        if version.status == deployment.RUNNING and self.stop_endpoint(version, BY_HAND, text, asked_by=asked_by):
            return version.name
        if self.context.record.stopped_because == IDLE and version.status in {"STOPPING", "STOPPED"}:
            self.context.update_record({"stopped_because": BY_HAND})
            self.tell_model(version.name, f"stays {text}", asked_by=asked_by)
            return version.name
        raise NothingServesError(
            f"{version.name} is {deployment.spoken(version.status)}: only a model that runs can be stopped."
        )

    def stop_endpoint(self, version: ProjectVersion, because: str, text: str, **facts: Any) -> bool:
        """Stop the version that serves, keep it as the endpoint, and tell it; return False where it cannot stop yet.

        The reason is recorded first: a crash between the two leaves a model that runs, not one that nobody starts.
        """
        self.context.update_record({"stopped_because": because})
        if not self.context.rekognition.stop_version(version.arn):
            self.context.update_record({"stopped_because": None})
            return False
        self.tell_model(version.name, text, **facts)
        return True


def _now() -> str:
    return timestamp(datetime.now(UTC))
