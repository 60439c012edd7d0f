"""The datasets of a loop's versions, read from S3 alone: listed, shown and downloaded."""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import batched
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from label_loop.domain import manifest
from label_loop.domain.dataset_file import DatasetReader
from label_loop.domain.dataset_version import DatasetHeader, DatasetImage, dataset_key, dataset_number
from label_loop.domain.file_names import image_path
from label_loop.domain.model_version import ModelVersion, model_key
from label_loop.hooks.aws_errors import object_problem
from label_loop.payloads import DATASETS_FOLDER, LabelledImage, ObjectVersion
from label_loop.provisioning.parameter_store import require_record
from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.site import Site, aws_errors_as
from label_loop.system_record import RecordKey

_THREADS = 8
_IMAGES_PER_BATCH = 1000  # bounds the memory of pending work
_CHUNK_BYTES = 1 << 16
_MOST_MODEL_BYTES = 1 << 20


@dataclass(frozen=True)
class ListedVersion:
    """A dataset, and what became of the version that was trained with it; None if that is not recorded."""

    header: DatasetHeader
    model: ModelVersion | None

    def __str__(self) -> str:
        header, decision = self.header, self.model.decision if self.model else None
        became = f"{decision.decision} by {decision.by}" if decision else "not judged"
        reason = f": {self.model.reason}" if self.model and self.model.reason else ""
        return f"v{header.number}  {header.created_at[:16]}  {in_words(header)}; {became}{reason}"

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {**asdict(self.header), "model": asdict(self.model) if self.model else None}


@dataclass(frozen=True)
class Downloaded:
    """An image that was downloaded, was there already, or, for the reason in ``problem``, is missing."""

    image: DatasetImage
    is_new: bool = False
    problem: str = ""


def in_words(header: DatasetHeader) -> str:
    """Return the numbers of a dataset."""
    roles = ", ".join(f"{count} {role}" for role, count in sorted(header.images.items()))
    changes = ""
    if header.changes is not None:
        counts = ", ".join(f"{count} {change}" for change, count in header.changes.items() if count)
        changes = f"; since v{header.parent_number}: {counts or 'no changes'}"
    return f"{sum(header.images.values())} images ({roles}){changes}"


class DatasetVersions:
    """The datasets of one loop. Methods raise ProvisioningError for what AWS refuses."""

    def __init__(self, site: Site) -> None:
        self.bucket = str(require_record(site).get(RecordKey.BUCKET))
        self._client = site.client("s3")

    def numbers(self) -> list[int]:
        """Return the numbers of the datasets that there are, newest first."""
        with aws_errors_as("bucket", self.bucket):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=DATASETS_FOLDER)
            found = [dataset_number(item["Key"]) for page in pages for item in page.get("Contents", [])]
        return sorted((number for number in found if number), reverse=True)

    def listed(self) -> Iterator[ListedVersion]:
        """Yield all versions with a dataset, newest first; two calls for each."""
        for number in self.numbers():
            yield ListedVersion(self.reader(number).header(), self.model(number))

    def reader(self, number: int) -> DatasetReader:
        """Return the reader of a dataset."""
        key = dataset_key(number)
        try:
            return DatasetReader(key, self._client.get_object(Bucket=self.bucket, Key=key)["Body"])
        except ClientError as error:
            if object_problem(error) is None:
                raise ProvisioningError.of("dataset", key, error) from error
            others = ", ".join(f"v{one}" for one in self.numbers()[:5]) or "none"
            problem = f"it {object_problem(error)}, or never was in {self.bucket}; the newest are: {others}"
            raise ProvisioningError("dataset", key, problem, "choose another version, or restore the object") from error

    def model(self, number: int) -> ModelVersion | None:
        """Return what is recorded of a version, or None."""
        try:
            body = self._client.get_object(Bucket=self.bucket, Key=model_key(number))["Body"]
        except ClientError as error:
            if object_problem(error) is None:
                raise ProvisioningError.of("model", model_key(number), error) from error
            return None
        return ModelVersion.from_json(body.read(_MOST_MODEL_BYTES))

    def manifest(self, number: int, *, tests: bool) -> Iterator[dict[str, Any]]:
        """Yield the entries of the Ground Truth manifest of the images that train, or of those that test."""
        reader = self.reader(number)
        reader.header()
        for image in reader.images():
            if image.role.tests == tests:
                labelled = LabelledImage(image.key, image.label, image.modified, content=image.sha256)
                yield json.loads(manifest.line(self.bucket, labelled))

    def download(self, number: int, folder: Path) -> Iterator[Downloaded]:
        """Download the images of a dataset to a folder, each in the version that it had; yield what became of each.

        A file that is there already and has the content of the image is kept.
        """
        reader = self.reader(number)
        reader.header()
        with ThreadPoolExecutor(_THREADS) as pool:
            for batch in batched(reader.images(), _IMAGES_PER_BATCH):
                yield from pool.map(lambda image: self._download(image, folder / image_path(image)), batch)

    def _download(self, image: DatasetImage, path: Path) -> Downloaded:
        if path.is_file() and _sha256(path) == image.sha256:
            return Downloaded(image)
        version: ObjectVersion = {"VersionId": image.version_id} if image.version_id else {}
        try:
            body = self._client.get_object(Bucket=self.bucket, Key=image.key, **version)["Body"]
        except ClientError as error:
            problem = object_problem(error)
            if problem is None:
                raise ProvisioningError.of("image", image.key, error) from error
            return Downloaded(image, problem=f"the image {problem}")
        part = path.with_name(f"{path.name}.part")  # so that an interrupted download is no image
        part.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with closing(body), part.open("wb") as file:
            for chunk in body.iter_chunks(_CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != image.sha256:
            part.unlink()
            return Downloaded(image, problem="the image was overwritten in S3: its content is another")
        part.replace(path)
        return Downloaded(image, is_new=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
