"""What training and deployment share: the project's versions, the last attempt, and what is told."""

import logging
from typing import Any

from label_loop.context import LoopContext
from label_loop.payloads import MANIFESTS_FOLDER, Event, ProjectVersion, TrainingAttempt
from label_loop.workflows.training_set import TrainingSet

log = logging.getLogger(__name__)


def manifest_key(version_name: str) -> str:
    """Return where the manifest of a version is written that the loop trains itself."""
    return f"{MANIFESTS_FOLDER}{version_name}.manifest"


class ModelProject:
    """A loop's Rekognition project."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context
        self.set = TrainingSet(context)

    @property
    def attempt(self) -> TrainingAttempt | None:
        """The last training attempt in the record."""
        return TrainingAttempt.from_json(self.context.record.last_training_attempt)

    def versions(self) -> list[ProjectVersion]:
        """Return all versions, newest first."""
        return list(self.context.rekognition.versions(self.context.record.project_arn))

    def version(self, name: str) -> ProjectVersion:
        """Return one version. Raises LabelLoopError where there is none of that name."""
        return self.context.rekognition.version(self.context.record.project_arn, name)

    def tell_model(self, version_name: str, text: str, **facts: Any) -> None:
        """Tell what became of a version."""
        self.tell("model_status", f"Model {version_name}: {text}", version=version_name, **facts)

    def tell(self, kind: str, text: str, **facts: Any) -> None:
        """Tell an event to the log and to the loop's topic."""
        log.info(text)
        self.context.announcer.tell([Event(kind, text, facts=facts)])
