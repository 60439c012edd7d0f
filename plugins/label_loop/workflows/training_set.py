"""The labelled images in S3: lists and validates them, and reads and writes manifests."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC
from itertools import batched
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.decoder import DecoderUnavailableError, inspect_image
from label_loop.domain import manifest, training_verdicts
from label_loop.domain.images import SIGNATURE_BYTES, is_image_start
from label_loop.domain.labelling import from_metadata
from label_loop.domain.labels import Labels, folder_names, labels_of
from label_loop.domain.training_images import (
    TIERED,
    TrainedImages,
    Verdict,
    folder_label,
    is_marker,
    listing_problem,
    storage_problem,
)
from label_loop.domain.training_set import check_manifest, check_readable
from label_loop.hooks.aws_errors import object_problem
from label_loop.payloads import LABELLED_FOLDER, MANIFESTS_FOLDER, LabelledImage, Labelling

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ObjectTypeDef

log = logging.getLogger(__name__)

_THREADS = 16
_IMAGES_PER_BATCH = 1000  # bounds the memory of pending work
_MANIFEST_CHUNK_BYTES = 1 << 16
_MAX_SAMPLES = 5  # of images that were read before, if none of the others can be read


@dataclass(frozen=True)
class Listing:
    """The objects in the folders of labels that may be images, and the problems of all others, by key."""

    images: list[LabelledImage]
    problems: dict[str, str]


@dataclass(frozen=True)
class Recalled:
    """Listed images by what is known of them without reading any.

    ``known`` are usable and have their content, ``unread`` were never read. ``refused`` are no usable images, and
    ``blocked`` cannot be read at present: both are problems by key. ``verdicts`` are those of earlier checks, by ETag.
    ``moved`` are the keys of known images whose content was seen under another key: who put it there is not known.
    """

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    known: list[LabelledImage] = field(default_factory=list)
    unread: list[LabelledImage] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)


class TrainingSet:
    """The training images of one loop. Methods raise botocore's errors."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context

    @property
    def _client(self) -> "S3Client":
        return self.context.clients.s3_client

    @property
    def _bucket(self) -> str:
        return self.context.store.record.bucket

    def objects(self, folder: str) -> Iterator[tuple[LabelledImage, str | None]]:
        """Yield all objects in a folder with subfolders for labels, each with its problem if the listing shows one.

        One call per 1,000 objects. The label is the name of the subfolder, which ``by_label`` validates; "" if the
        object is in none.
        """
        pages = self._client.get_paginator("list_objects_v2")
        # Without this attribute, a restored object is listed like an archived one.
        for page in pages.paginate(Bucket=self._bucket, Prefix=folder, OptionalObjectAttributes=["RestoreStatus"]):
            for item in page.get("Contents", ()):
                if not is_marker(item["Key"]):
                    image = _listed(folder, item)
                    yield image, listing_problem(folder, image)

    def listed(self, folder: str) -> Listing:
        """Return what ``objects`` yields, divided into what may be images and problems."""
        listing = Listing([], {})
        for image, problem in self.objects(folder):
            if problem:
                listing.problems[image.key] = problem
            else:
                listing.images.append(image)
        return listing

    def some(self, folder: str, prefix: str, after: str, most: int) -> tuple[list[LabelledImage], bool]:
        """Return the objects of a folder whose keys begin with a prefix, after a key, and whether these are all.

        One call. At most ``most``, in the order of their keys, whatever they are.
        """
        listed = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, StartAfter=after, MaxKeys=most)
        return [_listed(folder, item) for item in listed.get("Contents", ())], not listed["IsTruncated"]

    def labels(self, folder: str = LABELLED_FOLDER) -> Labels:
        """Return the labels that have a subfolder; one call per 1,000 of them, and more for twins."""
        prefixes = self.context.clients.s3.list_prefixes(self._bucket, prefix=folder, delimiter="/")
        return labels_of(folder_names(folder, prefixes), lambda name: self._images_in(folder, name))

    def _images_in(self, folder: str, name: str) -> int:
        listed = self.context.clients.s3.iter_file_metadata(prefix=f"{folder}{name}/", bucket_name=self._bucket)
        return sum(folder_label(folder, item["Key"]) is not None for item in listed)

    def in_manifest(self, key: str | None) -> Iterator[LabelledImage]:
        """Yield the images of a manifest written by ``write``; none if it is missing or cannot be read."""
        if key is None:
            return
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        except ClientError as error:
            problem = object_problem(error)
            if problem is None:
                raise
            log.warning("The manifest %s cannot be read (%s); its images count as new", key, problem)
            return
        yield from manifest.parse(body.iter_lines(_MANIFEST_CHUNK_BYTES), self._bucket)

    def recall(self, folder: str, images: Iterable[LabelledImage], trained: TrainedImages) -> Recalled:
        """Divide the listed images of a folder by what earlier trainings and earlier checks found."""
        contents = [(image, trained.verdict_of(image)) for image in images]
        asked = {image.etag for image, content in contents if content is None or not content.is_of(image)}
        stored = self._verdicts(folder) if asked else {}
        recalled = Recalled({etag: stored[etag] for etag in asked & stored.keys()})
        for image, content in contents:
            problem = storage_problem(image)
            verdict = content
            if content is None or not content.is_of(image):
                verdict = recalled.verdicts.get(image.etag, content)
            _sort(image, problem or verdict, recalled, recalled.known)
        return recalled

    def usable(
        self, folder: str, images: Sequence[LabelledImage], trained: TrainedImages
    ) -> tuple[list[LabelledImage], dict[str, str]]:
        """Return the usable images with their content, and the problems of the others by key.

        Reads the images of which nothing is known. Raises UnusableTrainingSetError if no image can be read.
        """
        recalled = self.recall(folder, images, trained)
        known = self._looked_at(recalled)
        read = self._read_all(recalled.unread)
        self._remember(folder, recalled, read, known)
        if read and not any(isinstance(one, Verdict) for one in read.values()):
            known = self._unless_all_are_blocked(known)
        for image in recalled.unread:
            _sort(image, read[image.key], recalled, known)
        check_readable(known, recalled.blocked)
        by_key = {image.key: image for image in known}
        usable = [by_key[image.key] for image in images if image.key in by_key]
        return usable, recalled.refused | recalled.blocked

    def _looked_at(self, recalled: Recalled) -> list[LabelledImage]:
        """Return the known images that can be read, with their labelling; the others are then ``blocked``."""
        doubtful = (one for one in recalled.known if one.storage_class == TIERED or one.key in recalled.moved)
        looks = self._looks(doubtful)
        recalled.blocked.update({key: look for key, look in looks.items() if isinstance(look, str)})
        known = []
        for image in recalled.known:
            look = looks.get(image.key, image.labelling)
            if not isinstance(look, str):
                known.append(image if look == image.labelling else replace(image, labelling=look))
        return known

    def _unless_all_are_blocked(self, known: Sequence[LabelledImage]) -> list[LabelledImage]:
        """Return the images, or none if a sample of them cannot be read any more: then the cause is not an image's."""
        sample = known[:_MAX_SAMPLES]
        looks = self._looks(sample).values()
        return [] if all(isinstance(look, str) for look in looks) else list(known)

    def _looks(self, images: Iterable[LabelledImage]) -> dict[str, Labelling | str]:
        """Return who labelled each image, by key, or as text why it cannot be read; each takes a call."""
        with ThreadPoolExecutor(_THREADS) as pool:
            return {image.key: look for image, look in _each(pool, self._look, images)}

    def _look(self, image: LabelledImage) -> Labelling | str:
        # Not HEAD: its errors have no code, and it answers for objects in an archive tier.
        try:
            response = self._client.get_object(Bucket=self._bucket, Key=image.key, Range="bytes=0-0")
        except ClientError as error:
            problem = object_problem(error)
            if problem is None:
                raise
            return problem
        response["Body"].close()
        return from_metadata(response.get("Metadata", {}), image.label)

    def _read_all(self, images: Iterable[LabelledImage]) -> dict[str, Verdict | str]:
        """Return what each image is by key, or as text why it cannot be read."""
        with ThreadPoolExecutor(_THREADS) as pool:
            return {image.key: found for image, found in _each(pool, self._read, images)}

    def _read(self, image: LabelledImage) -> Verdict | str:
        try:
            response = self._client.get_object(Bucket=self._bucket, Key=image.key)
        except ClientError as error:
            problem = object_problem(error)
            if problem is None:
                raise
            return problem
        if _etag(response["ETag"]) != image.etag:
            return "replaced in the meantime"
        stream = response["Body"]
        body = stream.read(SIGNATURE_BYTES)
        if is_image_start(body):
            body += stream.read()
        else:
            stream.close()  # what is no image is not downloaded
        try:
            inspection = inspect_image(body)
        except DecoderUnavailableError as error:
            return str(error)
        return Verdict(
            hashlib.sha256(body).hexdigest(),
            inspection.problem or "",
            inspection.perceptual_hash,
            from_metadata(response.get("Metadata", {}), image.label),
            image.key,
        )

    def _verdicts(self, folder: str) -> dict[str, Verdict]:
        """Return what earlier checks found in a folder, by ETag."""
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=_verdicts_key(folder))["Body"]
        except ClientError as error:
            if object_problem(error) is None:
                raise
            return {}
        return training_verdicts.parse(body.read())

    def _remember(
        self, folder: str, recalled: Recalled, read: Mapping[str, Verdict | str], known: Iterable[LabelledImage]
    ) -> None:
        """Keep what was found now, and earlier of objects that are still there and were not trained since."""
        found = {image.etag: verdict for image in recalled.unread if isinstance(verdict := read[image.key], Verdict)}
        moved = (image for image in known if image.key in recalled.moved)
        found |= {one.etag: Verdict(one.content, "", one.perceptual_hash, one.labelling, one.key) for one in moved}
        if found:
            verdicts = {**recalled.verdicts, **found}
            self._put(_verdicts_key(folder), training_verdicts.to_json(verdicts), "application/json")

    def write(self, key: str, images: Sequence[LabelledImage]) -> None:
        """Write a manifest. Raises UnusableTrainingSetError if it is too large for Rekognition."""
        lines = (manifest.line(self._bucket, image) for image in sorted(images, key=lambda image: image.key))
        body = "".join(f"{line}\n" for line in lines).encode()
        check_manifest(key, len(body))
        self._put(key, body, "application/x-ndjson")

    def write_problems(self, key: str, problems: Mapping[str, str]) -> None:
        """Write the excluded images and the reasons, by key, as JSON."""
        self._put(key, json.dumps(problems, ensure_ascii=False, indent=1).encode(), "application/json")

    def _put(self, key: str, body: bytes, kind: str) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=kind)


def _listed(folder: str, item: "ObjectTypeDef") -> LabelledImage:
    key, size = item["Key"], item["Size"]
    modified = item["LastModified"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    # A restored object keeps its storage class, and can be read until its copy expires.
    restored = item.get("RestoreStatus", {}).get("RestoreExpiryDate") is not None
    storage_class = "" if restored else item.get("StorageClass", "")
    label = folder_label(folder, key) or ""
    return LabelledImage(key, label, modified, _etag(item["ETag"]), size_bytes=size, storage_class=storage_class)


def _etag(text: str) -> str:
    return text.strip('"')


def _verdicts_key(folder: str) -> str:
    return f"{MANIFESTS_FOLDER}checked/{folder.removesuffix('/')}.json"


def _sort(image: LabelledImage, verdict: Verdict | str | None, recalled: Recalled, known: list[LabelledImage]) -> None:
    """Put an image where it belongs by what is known of it."""
    if verdict is None:
        recalled.unread.append(image)
    elif isinstance(verdict, str):
        recalled.blocked[image.key] = verdict
    elif verdict.problem:
        recalled.refused[image.key] = verdict.problem
    else:
        image = replace(image, content=verdict.content, perceptual_hash=verdict.perceptual_hash)
        if verdict.is_of(image):
            image = replace(image, labelling=verdict.labelling)
        else:
            recalled.moved.add(image.key)
        known.append(image)


def _each[T](
    pool: ThreadPoolExecutor, work: Callable[[LabelledImage], T], images: Iterable[LabelledImage]
) -> Iterator[tuple[LabelledImage, T]]:
    for batch in batched(images, _IMAGES_PER_BATCH):
        yield from zip(batch, pool.map(work, batch), strict=True)
