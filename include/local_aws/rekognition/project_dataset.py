"""A project's dataset, and how its state moves with time."""

from dataclasses import dataclass, field

from local_aws.rekognition.dataset_entries import MESSAGES, DatasetChange, Entries

TRAIN, TEST = "TRAIN", "TEST"
CREATE, UPDATE = "CREATE", "UPDATE"  # the operations that end in one of the states below

CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
CREATE_COMPLETE = "CREATE_COMPLETE"
UPDATE_COMPLETE = "UPDATE_COMPLETE"
UPDATE_FAILED = "UPDATE_FAILED"

IN_PROGRESS = frozenset({CREATE_IN_PROGRESS, UPDATE_IN_PROGRESS, DELETE_IN_PROGRESS})
TRAINABLE = frozenset({CREATE_COMPLETE, UPDATE_COMPLETE})
FILLED = TRAINABLE | {UPDATE_FAILED}  # an update that failed leaves the entries as they were

_PARTICIPLES = {CREATE: "created", UPDATE: "updated"}


@dataclass
class ProjectDataset:
    """A training or test dataset. Its fields are the registry's to change, under its lock."""

    arn: str
    project_arn: str
    kind: str  # TRAIN or TEST
    created_ms: int
    entries: Entries = field(default_factory=dict)
    status: str = CREATE_IN_PROGRESS
    message: str = ""
    message_code: str = "SUCCESS"
    since: float = 0.0  # when the status began
    _change: DatasetChange = field(default_factory=DatasetChange)

    def begin(self, operation: str, at: float, change: DatasetChange) -> None:
        """Begin to create or to update it; the change is seen when the operation has ended."""
        self._change = change
        self._enter(f"{operation}_IN_PROGRESS", at, f"The dataset is being {_PARTICIPLES[operation]}.")

    def delete(self, at: float) -> None:
        """Begin to delete it."""
        self._enter(DELETE_IN_PROGRESS, at, "The dataset is being deleted.")

    def advance(self, now: float, seconds: float) -> None:
        """End a creation or an update that has lasted ``seconds``."""
        if self.status not in {CREATE_IN_PROGRESS, UPDATE_IN_PROGRESS} or now < self.since + seconds:
            return
        operation, ended = self.status.removesuffix("_IN_PROGRESS"), self.since + seconds
        code = self._change.code
        if code:
            self._enter(f"{operation}_FAILED", ended, f"{MESSAGES[code]} ({code})", "CLIENT_ERROR")
        else:
            self.entries = self._change.entries
            self._enter(f"{operation}_COMPLETE", ended, f"The dataset was {_PARTICIPLES[operation]}.")

    def is_gone(self, now: float, seconds: float) -> bool:
        """Whether a deletion has lasted ``seconds``."""
        return self.status == DELETE_IN_PROGRESS and now >= self.since + seconds

    def manifest(self) -> str:
        """Return what a training reads."""
        return "".join(f"{entry.line}\n" for entry in self.entries.values() if entry.is_used)

    def _enter(self, status: str, at: float, message: str, code: str = "SUCCESS") -> None:
        self.status, self.since, self.message, self.message_code = status, at, message, code
