"""A loop's Rekognition project: its versions, and the events about them."""

import logging
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain import evaluation
from label_loop.domain.evaluation import EvaluationSummary
from label_loop.domain.version_numbers import display_name
from label_loop.hooks.aws_errors import object_problem
from label_loop.payloads import MANIFESTS_FOLDER, Event, ProjectVersion, TrainingAttempt

log = logging.getLogger(__name__)

_MAX_EVALUATION_BYTES = 16 << 20  # 250 labels, each confused with every other, take less


def manifest_key(version_name: str) -> str:
    """Return the S3 key of the manifest of a version that the loop trains."""
    return f"{MANIFESTS_FOLDER}{version_name}.manifest"


def test_manifest_key(version_name: str) -> str:
    """Return the S3 key of the manifest of the test images of a version that the loop trains."""
    return f"{MANIFESTS_FOLDER}{version_name}.test.manifest"


class ModelProject:
    """The base of training, deployment and the serving model."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context

    @property
    def attempt(self) -> TrainingAttempt | None:
        """The last training attempt, or None."""
        return self.context.store.state.last_training_attempt

    def versions(self) -> list[ProjectVersion]:
        """Return all versions, newest first."""
        return list(self.context.clients.rekognition.versions(self.context.store.record.project_arn))

    def version(self, name: str) -> ProjectVersion:
        """Return one version. Raises LabelLoopError if the project has none of that name."""
        return self.context.clients.rekognition.version(self.context.store.record.project_arn, name)

    def is_serving(self) -> bool:
        """Return whether the endpoint is a version with the status RUNNING; reads both from AWS."""
        arn = self.context.store.refresh().endpoint_arn
        versions = self.versions() if arn else []
        return any(version.arn == arn and version.status == "RUNNING" for version in versions)

    def evaluation(self, version: ProjectVersion) -> EvaluationSummary | None:
        """Return a version's evaluation; None if it has none, or its file is gone or cannot be read."""
        if version.evaluation_summary is None:
            return None
        try:
            return _read_evaluation(self.context.clients.s3_client, *version.evaluation_summary)
        except ClientError as error:
            if object_problem(error) is None:
                raise
            return None

    def announce_version(self, version_name: str, text: str, **facts: Any) -> None:
        """Publish a change of a version's status."""
        self.announce("model_status", f"Model {display_name(version_name)}: {text}", version=version_name, **facts)

    def announce(self, kind: str, text: str, **facts: Any) -> None:
        """Log an event and publish it to the loop's topic."""
        log.info(text)
        self.context.clients.announcer.publish([Event(kind, text, facts=facts)])


@lru_cache(maxsize=1024)  # the file never changes once the training has ended
def _read_evaluation(client: Any, bucket: str, key: str) -> EvaluationSummary | None:
    body = client.get_object(Bucket=bucket, Key=key)["Body"]
    return evaluation.parse(body.read(_MAX_EVALUATION_BYTES))
