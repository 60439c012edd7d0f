"""Projects and their versions, and how a version's state moves with time."""

from dataclasses import dataclass, field

from local_aws.rekognition.project_dataset import ProjectDataset
from local_aws.rekognition.throttle import TokenBucket
from local_aws.rekognition.training import S3Location, Trainer, TrainingOutcome
from local_aws.settings import EndpointSettings

TRAINING_IN_PROGRESS = "TRAINING_IN_PROGRESS"
TRAINING_COMPLETED = "TRAINING_COMPLETED"
TRAINING_FAILED = "TRAINING_FAILED"
STARTING = "STARTING"
RUNNING = "RUNNING"
STOPPING = "STOPPING"
STOPPED = "STOPPED"
DELETING = "DELETING"

UNTRAINED = frozenset({TRAINING_IN_PROGRESS, TRAINING_FAILED})
STARTABLE = frozenset({TRAINING_COMPLETED, STOPPED})
DELETABLE = frozenset({TRAINING_COMPLETED, TRAINING_FAILED, STOPPED})
IN_TRANSIT = frozenset({TRAINING_IN_PROGRESS, STARTING, STOPPING, DELETING})
OCCUPYING = frozenset({STARTING, RUNNING, STOPPING})  # what counts against the limit of running models

DELETE_SECONDS = 1.0


@dataclass
class Version:
    """A model version. Its fields are the registry's to change, under its lock."""

    arn: str
    project_arn: str
    name: str
    created_ms: int
    training: tuple[S3Location, ...]
    testing: tuple[S3Location, ...] | None
    output_bucket: str
    output_prefix: str
    extras: dict[str, str]  # VersionDescription and KmsKeyId, as given
    status: str = TRAINING_IN_PROGRESS
    message: str = "The model is being trained."
    since: float = 0.0  # when the status began
    trainer: Trainer | None = None
    outcome: TrainingOutcome | None = None
    outcome_at: float = 0.0
    training_ended_at: float | None = None
    min_units: int | None = None
    max_units: int | None = None
    bucket: TokenBucket | None = None  # while it runs

    @property
    def created_at(self) -> float:
        """Seconds since the epoch."""
        return self.created_ms / 1000

    def advance(self, now: float, settings: EndpointSettings) -> None:
        """Move to the state that the time and the training have brought."""
        if self.status == TRAINING_IN_PROGRESS:
            self._end_training(now, settings)
        elif self.status == STARTING and now >= self.since + settings.start_seconds:
            self.enter(RUNNING, self.since + settings.start_seconds, "The model is running.")
        elif self.status == STOPPING and now >= self.since + settings.stop_seconds:
            self.enter(STOPPED, self.since + settings.stop_seconds, "The model has stopped.")

    def enter(self, status: str, at: float, message: str) -> None:
        """Change the status."""
        self.status, self.since, self.message = status, at, message

    def is_gone(self, now: float) -> bool:
        """Whether a deletion has ended."""
        return self.status == DELETING and now >= self.since + DELETE_SECONDS

    def _end_training(self, now: float, settings: EndpointSettings) -> None:
        if self.outcome is None:
            return
        end = max(self.outcome_at, self.since + settings.training_seconds)
        if now >= end:
            self.training_ended_at = end
            status = TRAINING_COMPLETED if self.outcome.succeeded else TRAINING_FAILED
            self.enter(status, end, self.outcome.message)


@dataclass
class Project:
    """A project; ``versions`` and ``datasets`` by ARN, oldest first."""

    arn: str
    name: str
    region: str
    created_ms: int
    versions: dict[str, Version] = field(default_factory=dict)
    datasets: dict[str, ProjectDataset] = field(default_factory=dict)
    deleting_since: float | None = None

    def is_gone(self, now: float) -> bool:
        """Whether a deletion has ended."""
        return self.deleting_since is not None and now >= self.deleting_since + DELETE_SECONDS
