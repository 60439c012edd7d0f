"""The folder through which the endpoint and the training process hand each other their files."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """What is to be trained."""

    project_name: str
    version_name: str
    version_arn: str


@dataclass(frozen=True)
class Result:
    """What came of it: ``files`` maps each result's role to its file in the output folder."""

    succeeded: bool
    message: str
    f1_score: float | None = None
    files: dict[str, str] = field(default_factory=dict)


# The roles of result files.
SUMMARY, MANIFEST_SUMMARY = "summary", "manifest_summary"
TRAINING_OUTPUT, TESTING_OUTPUT = "training_output", "testing_output"
TRAINING_VALIDATION, TESTING_VALIDATION = "training_validation", "testing_validation"


class WorkFolder:
    """Names every file of one training."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.training_manifest = path / "training.manifest"
        self.testing_manifest = path / "testing.manifest"  # absent when the test set is to be split off
        self.model = path / "model.npz"
        self.images = path / "images"
        self.output = path / "output"

    def create(self) -> None:
        """Make the folders."""
        self.images.mkdir(parents=True)
        self.output.mkdir()

    def image(self, bucket: str, key: str) -> Path:
        """Return the file of one S3 object; keys may be longer than file names, so it is named by hash."""
        return self.images / hashlib.sha256(f"{bucket}/{key}".encode()).hexdigest()

    def read_image(self, bucket: str, key: str) -> bytes | None:
        """Return an image's bytes, None if it could not be fetched."""
        file = self.image(bucket, key)
        return file.read_bytes() if file.exists() else None

    def write_job(self, job: Job) -> None:
        """Leave the order."""
        (self.path / "job.json").write_text(json.dumps(asdict(job)))

    def read_job(self) -> Job:
        """Read the order."""
        return Job(**json.loads((self.path / "job.json").read_text()))

    def write_result(self, result: Result) -> None:
        """Leave the answer."""
        (self.path / "result.json").write_text(json.dumps(asdict(result)))

    def read_result(self) -> Result | None:
        """Read the answer, None if the process died before it gave one."""
        file = self.path / "result.json"
        return Result(**json.loads(file.read_text())) if file.exists() else None
