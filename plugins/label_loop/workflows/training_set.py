"""The labelled images in S3: lists and validates them, and reads and writes manifests."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from itertools import batched
from typing import Any

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain import manifest, training
from label_loop.domain.images import image_problem, size_problem
from label_loop.domain.labels import Labels, folder_names, labels_of
from label_loop.hooks.aws_errors import error_code
from label_loop.payloads import LABELLED_FOLDER, LabelledImage

log = logging.getLogger(__name__)

_THREADS = 16
_IMAGES_PER_BATCH = 1000  # bounds the memory of pending work
_MANIFEST_CHUNK_BYTES = 1 << 16


class TrainingSet:
    """The training images of one loop. Methods raise botocore's errors."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context

    @property
    def _client(self) -> Any:
        return self.context.clients.s3_client

    @property
    def _bucket(self) -> str:
        return self.context.store.record.bucket

    def labelled(self, folder: str) -> Iterator[LabelledImage]:
        """Yield the images in the labels' folders, recognized by suffix; one call per 1,000 objects.

        The label is the name of the folder, which ``training.by_label`` validates.
        """
        for item in self.context.clients.s3.iter_file_metadata(prefix=folder, bucket_name=self._bucket):
            modified = item["LastModified"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
            image = training.labelled_image(folder, item["Key"], modified, item["Size"])
            if image:
                yield image

    def labels(self) -> Labels:
        """Return the labels that have a folder of training images; one call per 1,000 folders, and more for twins."""
        prefixes = self.context.clients.s3.list_prefixes(self._bucket, prefix=LABELLED_FOLDER, delimiter="/")
        return labels_of(folder_names(prefixes), self._images_in)

    def _images_in(self, name: str) -> int:
        listed = self.context.clients.s3.iter_file_metadata(
            prefix=f"{LABELLED_FOLDER}{name}/", bucket_name=self._bucket
        )
        return sum(training.labelled_image(LABELLED_FOLDER, item["Key"], "") is not None for item in listed)

    def in_manifest(self, key: str | None) -> Iterator[LabelledImage]:
        """Yield the images of a manifest written by ``write``; none if it does not exist."""
        if key is None:
            return
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        except ClientError as error:
            if error_code(error) != "NoSuchKey":
                raise
            log.warning("The manifest %s does not exist; its images count as new", key)
            return
        yield from manifest.parse(body.iter_lines(_MANIFEST_CHUNK_BYTES), self._bucket)

    def usable(
        self, images: Sequence[LabelledImage], checked: set[LabelledImage]
    ) -> tuple[list[LabelledImage], dict[str, str]]:
        """Return the usable images, and the problems of the others by key; images in ``checked`` are not read again."""
        problems: dict[str, str] = {}
        unknown = (image for image in images if image not in checked)
        with ThreadPoolExecutor(_THREADS) as pool:
            for batch in batched(unknown, _IMAGES_PER_BATCH):
                found = zip(batch, pool.map(self._problem, batch), strict=True)
                problems |= {image.key: problem for image, problem in found if problem}
        return [image for image in images if image.key not in problems], problems

    def _problem(self, image: LabelledImage) -> str | None:
        problem = size_problem(image.size_bytes)
        if problem:
            return problem  # known from the listing, without reading the object
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=image.key)["Body"].read()
        except ClientError as error:
            if error_code(error) not in {"NoSuchKey", "404"}:
                raise
            return "deleted in the meantime"
        return image_problem(body)

    def write(self, key: str, images: Sequence[LabelledImage]) -> None:
        """Write a manifest."""
        lines = (manifest.line(self._bucket, image) for image in sorted(images, key=lambda image: image.key))
        body = "".join(f"{line}\n" for line in lines).encode()
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/x-ndjson")

    def write_problems(self, key: str, problems: Mapping[str, str]) -> None:
        """Write the excluded images and the reasons, by key, as JSON."""
        body = json.dumps(problems, ensure_ascii=False, indent=1)
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body.encode(), ContentType="application/json")
