"""The datasets of a loop's versions in S3: which images exactly each was trained and tested with."""

import logging
import tempfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain import dataset_file
from label_loop.domain.dataset_file import DatasetReader
from label_loop.domain.dataset_version import (
    Dataset,
    DatasetHeader,
    DatasetImage,
    DatasetRole,
    dataset,
    dataset_image,
    dataset_key,
    dataset_number,
    role_of_test,
)
from label_loop.domain.version_numbers import number_of, numbered_name
from label_loop.exceptions import UnreadableDatasetError
from label_loop.hooks.aws_errors import object_problem
from label_loop.loop_state import LoopState
from label_loop.payloads import (
    DATASETS_FOLDER,
    LABELLED_FOLDER,
    NONE_FOLDER,
    TEST_FOLDER,
    LabelledImage,
    ProjectVersion,
    TrainingAttempt,
)
from label_loop.workflows.training_candidates import Candidates

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

log = logging.getLogger(__name__)

_FOLDERS = (LABELLED_FOLDER, TEST_FOLDER, NONE_FOLDER)


class DatasetVersions:
    """Numbers versions, and writes and reads their datasets. Methods raise botocore's errors."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context

    @property
    def _client(self) -> "S3Client":
        return self.context.clients.s3_client

    @property
    def _bucket(self) -> str:
        return self.context.store.record.bucket

    def numbered(self, name: str, versions: Iterable[ProjectVersion]) -> str:
        """Return the name of a new version with its number, which is given once and recorded in the loop's state.

        ``versions`` are those of the project: a training that is repeated has the same name, and is not paid again.
        """
        names = [version.name for version in versions]
        stored = max(self._numbers(), default=0)  # a state that was lost must not have datasets overwritten

        def number(state: LoopState) -> str:
            last = state.numbered_version or ""
            return numbered_name(name, [*names, last], max(stored, number_of(last) or 0))

        def given(state: LoopState) -> LoopState:
            numbered = number(state)
            return state if numbered in names else replace(state, numbered_version=numbered)

        return number(self.context.store.change_state(given))

    def write(self, attempt: TrainingAttempt, candidates: Candidates, labels: Collection[str]) -> None:
        """Write the dataset of an attempt; nothing for one of a release that gave versions no numbers.

        ``labels`` are those that train. One call for each 1,000 object versions in the folders of images.
        """
        number = number_of(attempt.version_name)
        if number is None:
            return
        images = list(_versioned(_roles(candidates, labels), self._version_ids()))
        self._put(self._compared(number, attempt, images, candidates))

    def newest_tests(self, attempt: TrainingAttempt) -> int | None:
        """Return how many datasets in a row the median test image of an attempt has tested; None if not known."""
        number = number_of(attempt.version_name)
        reader = self._reader(number) if number else None
        try:
            return reader.header().tests if reader else None
        except UnreadableDatasetError as error:
            log.warning("%s", error)
            return None

    def _compared(
        self, number: int, attempt: TrainingAttempt, images: list[DatasetImage], candidates: Candidates
    ) -> Dataset:
        """Return the dataset, compared with the newest one before it as far as that can be read."""
        parent = max((one for one in self._numbers() if one < number), default=None)
        reader = self._reader(parent) if parent else None

        def made(before: tuple[DatasetHeader, Iterable[DatasetImage]] | None) -> Dataset:
            return dataset(
                number,
                attempt.version_name,
                created_at=attempt.started_at,
                images=images,
                left_out=candidates.problems,
                parent=before,
            )

        try:
            return made((reader.header(), reader.images()) if reader else None)
        except UnreadableDatasetError as error:
            log.warning("%s The dataset v%d is compared with nothing.", error, number)
            return made(None)

    def _put(self, written: Dataset) -> None:
        with tempfile.TemporaryFile() as file:
            dataset_file.write(written, file)
            file.seek(0)
            key = dataset_key(written.header.number)
            self._client.put_object(Bucket=self._bucket, Key=key, Body=file, ContentType="application/gzip")

    def _reader(self, number: int) -> DatasetReader | None:
        """Return the reader of a dataset, or None if it is gone or cannot be read."""
        key = dataset_key(number)
        try:
            return DatasetReader(key, self._client.get_object(Bucket=self._bucket, Key=key)["Body"])
        except ClientError as error:
            problem = object_problem(error)
            if problem is None:
                raise
            log.warning("The dataset %s %s", key, problem)
            return None

    def _numbers(self) -> list[int]:
        """Return the numbers of the datasets in S3."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=DATASETS_FOLDER)
        found = (dataset_number(item["Key"]) for page in pages for item in page.get("Contents", ()))
        return [number for number in found if number]

    def _version_ids(self) -> dict[tuple[str, str], str]:
        """Return the newest version of each object with a certain content, by key and ETag; none without versioning."""
        ids: dict[tuple[str, str], str] = {}
        for folder in _FOLDERS:
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=folder)
            for page in pages:
                for item in page.get("Versions", ()):  # of a key, the newest comes first
                    if item.get("VersionId", "null") != "null":
                        ids.setdefault((item["Key"], item["ETag"].strip('"')), item["VersionId"])
        return ids


def _roles(candidates: Candidates, labels: Collection[str]) -> Iterator[tuple[LabelledImage, DatasetRole]]:
    for image in candidates.labelled_images:
        yield image, DatasetRole.TRAINING
    for image in candidates.none_images:
        yield image, DatasetRole.NONE
    if candidates.has_own_test:  # too few test images test nothing: Rekognition splits off some that train
        for image in candidates.test_images:
            if image.label in labels:
                yield image, role_of_test(image)


def _versioned(
    roles: Iterable[tuple[LabelledImage, DatasetRole]], ids: dict[tuple[str, str], str]
) -> Iterator[DatasetImage]:
    for image, role in roles:
        yield dataset_image(image, role, ids.get((image.key, image.etag)))
