"""The labelled images in S3: listed, checked, and written down as manifests."""

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
_IMAGES_AT_ONCE = 1000  # what waits for a thread takes memory, too
_MANIFEST_CHUNK_BYTES = 1 << 16


class TrainingSet:
    """Reads and writes the training images of one loop. Errors are botocore's unless a method says otherwise."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context

    @property
    def _client(self) -> Any:
        return self.context.s3.conn

    @property
    def _bucket(self) -> str:
        return self.context.record.bucket

    def labelled(self, folder: str) -> Iterator[LabelledImage]:
        """Yield what lies in the labels' folders and is named like an image; a call for each 1,000 objects.

        Each has its folder's name for a label, whether that can be one or not: ``training.by_label`` tells.
        """
        for item in self.context.s3.iter_file_metadata(prefix=folder, bucket_name=self._bucket):
            modified = item["LastModified"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
            image = training.labelled_image(folder, item["Key"], modified, item["Size"])
            if image:
                yield image

    def labels(self) -> Labels:
        """Return the labels that have a folder of training images; a call for each 1,000, and more for twins."""
        prefixes = self.context.s3.list_prefixes(self._bucket, prefix=LABELLED_FOLDER, delimiter="/")
        return labels_of(folder_names(prefixes), self._images_in)

    def _images_in(self, name: str) -> int:
        listed = self.context.s3.iter_file_metadata(prefix=f"{LABELLED_FOLDER}{name}/", bucket_name=self._bucket)
        return sum(training.labelled_image(LABELLED_FOLDER, item["Key"], "") is not None for item in listed)

    def in_manifest(self, key: str | None) -> Iterator[LabelledImage]:
        """Yield the images of a manifest that ``write`` wrote; none where there is no manifest (any more)."""
        if key is None:
            return
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        except ClientError as error:
            if error_code(error) != "NoSuchKey":
                raise
            log.warning("There is no manifest %s (any more); a training would count its images as new", key)
            return
        yield from manifest.parse(body.iter_lines(_MANIFEST_CHUNK_BYTES), self._bucket)

    def usable(
        self, images: Sequence[LabelledImage], checked: set[LabelledImage]
    ) -> tuple[list[LabelledImage], dict[str, str]]:
        """Return the images that can train, and why the others cannot, by key; ``checked`` ones are not read."""
        problems: dict[str, str] = {}
        unknown = (image for image in images if image not in checked)
        with ThreadPoolExecutor(_THREADS) as pool:
            for some in batched(unknown, _IMAGES_AT_ONCE):
                found = zip(some, pool.map(self._problem, some), strict=True)
                problems |= {image.key: problem for image, problem in found if problem}
        return [image for image in images if image.key not in problems], problems

    def _problem(self, image: LabelledImage) -> str | None:
        problem = size_problem(image.size_bytes)
        if problem:
            return problem  # told by the listing: nothing of that size is read
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=image.key)["Body"].read()
        except ClientError as error:
            if error_code(error) not in {"NoSuchKey", "404"}:
                raise
            return "deleted meanwhile"
        return image_problem(body)

    def write(self, key: str, images: Sequence[LabelledImage]) -> None:
        """Write a manifest."""
        lines = (manifest.line(self._bucket, image) for image in sorted(images, key=lambda image: image.key))
        body = "".join(f"{line}\n" for line in lines).encode()
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/x-ndjson")

    def write_problems(self, key: str, problems: Mapping[str, str]) -> None:
        """Write which images were left out, and why."""
        body = json.dumps(problems, ensure_ascii=False, indent=1)
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body.encode(), ContentType="application/json")
