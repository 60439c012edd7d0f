"""Running one training: fetch from S3, train in a process, put the results back."""

import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import local_aws
from local_aws.rekognition import model as models
from local_aws.rekognition.manifest import image_address
from local_aws.rekognition.storage import S3Access, S3ObjectMissingError
from local_aws.rekognition.workfolder import SUMMARY, Job, Result, WorkFolder

log = logging.getLogger(__name__)
FETCH_THREADS = 4
_UNSUPPORTED = "ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT"
SINGLE_THREADED = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


@dataclass(frozen=True)
class S3Location:
    """An object, in one version if that was asked for."""

    bucket: str
    key: str
    version: str | None = None


@dataclass(frozen=True)
class TrainingOrder:
    """What CreateProjectVersion asks for; ``testing`` is None when the test set is to be split off.

    ``snapshots`` are written first: the manifests among the above whose text is a dataset's.
    """

    job: Job
    training: tuple[S3Location, ...]
    testing: tuple[S3Location, ...] | None
    output_bucket: str
    output_prefix: str
    snapshots: Mapping[S3Location, str] = field(default_factory=dict)


def results_folder(output_prefix: str, project_name: str, version_name: str) -> str:
    """Return the prefix of the keys of what a training leaves, but for its evaluation summary."""
    prefix = output_prefix.strip("/")
    return f"{prefix}/{project_name}-{version_name}/" if prefix else f"{project_name}-{version_name}/"


@dataclass(frozen=True)
class TrainingOutcome:
    """How a training ended; ``files`` maps the roles of ``workfolder`` to where the results lie."""

    succeeded: bool
    message: str
    f1_score: float | None = None
    files: dict[str, S3Location] = field(default_factory=dict)
    model: models.Model | None = None


class TrainingCancelledError(Exception):
    """The endpoint closes."""


class Trainer:
    """Trains one order after ``run``; ``cancel`` ends its process."""

    def __init__(self, order: TrainingOrder, s3: S3Access) -> None:
        self._order = order
        self._s3 = s3
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    def run(self) -> TrainingOutcome:
        """Train to the end; what goes wrong is an outcome, never an exception."""
        try:
            with tempfile.TemporaryDirectory(prefix="local-aws-training-") as path:
                return self._run_in(WorkFolder(Path(path)))
        except S3ObjectMissingError as error:
            return TrainingOutcome(succeeded=False, message=str(error))
        except TrainingCancelledError:
            return TrainingOutcome(succeeded=False, message="The training was cancelled.")
        except Exception:
            log.exception("training of %s failed", self._order.job.version_arn)
            return TrainingOutcome(succeeded=False, message="Amazon Rekognition experienced a service issue.")

    def cancel(self) -> None:
        """Kill the training process, or keep it from starting."""
        with self._lock:
            self._cancelled = True
            if self._process is not None and self._process.poll() is None:
                self._process.kill()

    def _run_in(self, folder: WorkFolder) -> TrainingOutcome:
        folder.create()
        folder.write_job(self._order.job)
        for location, text in self._order.snapshots.items():
            self._put(location, text.encode())
        rows = self._fetch_manifest(self._order.training, folder.training_manifest)
        if self._order.testing is not None:
            rows += self._fetch_manifest(self._order.testing, folder.testing_manifest)
        self._fetch_images(rows, folder)
        self._train(folder)
        result = folder.read_result()
        if result is None:
            raise RuntimeError("the training process gave no result")
        files = self._upload(result, folder)
        model = models.load(folder.model) if result.succeeded else None
        return TrainingOutcome(result.succeeded, result.message, result.f1_score, files, model)

    def _fetch_manifest(self, sources: Sequence[S3Location], file: Path) -> list[str]:
        texts = []
        for source in sources:
            manifest = f"The manifest s3://{source.bucket}/{source.key}"
            if not PurePosixPath(source.key).suffix:
                raise S3ObjectMissingError(f"{manifest} has no file extension. ({_UNSUPPORTED})")
            try:
                texts.append(self._s3.get(source.bucket, source.key, source.version).decode("utf-8", "replace"))
            except S3ObjectMissingError as error:
                raise S3ObjectMissingError(f"{manifest} cannot be read. ({_UNSUPPORTED})") from error
        text = "\n".join(part.rstrip("\n") for part in texts)
        file.write_text(text, "utf-8")
        return text.split("\n")

    def _fetch_images(self, rows: Sequence[str], folder: WorkFolder) -> None:
        addresses = {address for row in rows if (address := image_address(row)) is not None}

        def fetch(address: tuple[str, str]) -> None:
            if self._cancelled:
                return
            try:
                folder.image(*address).write_bytes(self._s3.get(*address))
            except S3ObjectMissingError as error:
                log.info("no training image: %s", error)  # the trainer reports the line as invalid

        with ThreadPoolExecutor(FETCH_THREADS) as pool:
            list(pool.map(fetch, sorted(addresses)))

    def _train(self, folder: WorkFolder) -> None:
        package_root = str(Path(local_aws.__file__).parent.parent)
        command = [sys.executable, "-m", "local_aws.rekognition.trainer", str(folder.path)]
        environment = {**os.environ, **SINGLE_THREADED, "PYTHONPATH": package_root}
        # Compiling scikit-learn anew at every training would take longer than the training.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        with self._lock:
            if self._cancelled:
                raise TrainingCancelledError
            self._process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
        code = self._process.wait()
        if self._cancelled:
            raise TrainingCancelledError
        if code != 0:
            raise RuntimeError(f"the training process ended with code {code}")

    def _upload(self, result: Result, folder: WorkFolder) -> dict[str, S3Location]:
        order = self._order
        place = results_folder(order.output_prefix, order.job.project_name, order.job.version_name)
        prefix = order.output_prefix.strip("/")
        prefix = f"{prefix}/" if prefix else ""
        files = {}
        for role, name in result.files.items():
            location = S3Location(order.output_bucket, f"{prefix if role == SUMMARY else place}{name}")
            self._put(location, (folder.output / name).read_bytes())
            files[role] = location
        return files

    def _put(self, location: S3Location, body: bytes) -> None:
        try:
            self._s3.put(location.bucket, location.key, body)
        except S3ObjectMissingError as error:
            raise S3ObjectMissingError(
                f"The output bucket {location.bucket} cannot be written. (ERROR_CANNOT_WRITE_OUTPUT_S3_BUCKET)"
            ) from error
