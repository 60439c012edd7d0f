"""Corrects the label of an image: it moves to the folder of the right label, and the history keeps who said so.

Needs only boto3's clients: the command line has no Airflow.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from label_loop.domain import manifest
from label_loop.domain.corrections import FOLDERS, Corrected, folder_of, target_keys
from label_loop.domain.folders import Folder, copy_key
from label_loop.domain.images import MAX_IMAGE_BYTES, SIGNATURE_BYTES, image_suffix, size_problem
from label_loop.domain.label_history import LabelEntry
from label_loop.domain.labelling import from_metadata, to_metadata
from label_loop.domain.labels import Labels, folder_names, is_none_of_the_above, label_key, label_problem, labels_of
from label_loop.domain.log_row import LogRow
from label_loop.domain.moments import timestamp
from label_loop.domain.training_images import folder_label
from label_loop.exceptions import NotCorrectedError, shown
from label_loop.hooks.aws_errors import object_problem
from label_loop.hooks.label_history import LabelHistory
from label_loop.hooks.objects import LoopObjects
from label_loop.payloads import (
    CONSOLE_FOLDER,
    LABELLED_FOLDER,
    MANIFESTS_FOLDER,
    NONE_FOLDER,
    NONE_OF_THE_ABOVE,
    UPLOADS_FOLDER,
    LabelledImage,
    Labelling,
    LabelSource,
    ObjectVersion,
    S3Upload,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_MANIFEST, _TEST_MANIFEST = ".manifest", ".test.manifest"
_CHUNK_BYTES = 1 << 16
_SHOWN_LABELS = 20


@dataclass(frozen=True)
class _Image:
    """An object that is there, and what it holds."""

    file: S3Upload
    content: str
    labelling: Labelling
    head: bytes


@dataclass(frozen=True)
class Corrections:
    """The corrections of one loop. ``who`` is the person, as ``labelling.people`` writes them.

    ``row`` returns the row of a detection by its id, or None. ``history`` is None in a loop without the table. Whoever
    ``looks_elsewhere`` reads the manifests of the last training each time. A ``dry_run`` changes nothing.
    """

    client: "S3Client"
    bucket: str
    history: LabelHistory | None
    row: Callable[[str], LogRow | None]
    allows_new_labels: bool
    who: str
    looks_elsewhere: bool = True
    dry_run: bool = False

    def correct(self, what: str, label: str) -> Corrected:
        """Give an image, by its key or by the id of its detection, another label, which may be None of the Above.

        The image is copied first and deleted last, so it is always in a folder. Repeating it finishes what was
        interrupted, and does nothing more. The log keeps what was answered. An upload that is in no folder is copied to
        that of the label.

        Raises NotCorrectedError if there is no such image, or the label is not one of the loop.
        """
        label = self._resolved(what, label)
        row = None if folder_of(what) else self._row(what)
        if row and row.copied_key is None:
            return self._filed(row, label)
        key = str(row.copied_key) if row else what
        targets = target_keys(key, label)
        image = self._image(key, folder_label(str(folder_of(key)), key) or "")
        if image is None:
            return self._finished(what, key, targets, label)
        if label_key(folder_label(str(folder_of(key)), key) or "") == label_key(label):
            return Corrected(key, key, label, self._elsewhere(image.content, label, {key}), self.history is not None)
        target = self._copied(image, targets, label)
        self._keep(LabelEntry.of(target))
        self._delete(image)
        elsewhere = self._elsewhere(image.content, label, {key, target.key})
        return Corrected(key, target.key, label, elsewhere, self.history is not None)

    def remove(self, what: str) -> Corrected:
        """Delete a labelled image; what it was is kept in the history. Raises NotCorrectedError if it is not there."""
        row = None if folder_of(what) else self._row(what)
        key = row.copied_key if row else what
        if key is None:
            raise NotCorrectedError(what, "the image of this detection is in no folder of a label")
        image = self._image(key, "")
        if image is None:
            raise NotCorrectedError(what, f"there is no image {shown(key)} any more")
        now = datetime.now(UTC)
        self._keep(LabelEntry.removed(LabelledImage(key, "", "", content=image.content), now, self.who))
        self._delete(image)
        return Corrected(key, None, "", self._elsewhere(image.content, "", {key}), self.history is not None)

    # ------------------------------------------------------------------ what is meant

    def _row(self, what: str) -> LogRow:
        row = self.row(what)
        if row is None:
            places = " or ".join(FOLDERS)
            raise NotCorrectedError(what, f"it is neither the key of an image in {places}, nor the id of a detection")
        return row

    def _resolved(self, what: str, label: str) -> str:
        if is_none_of_the_above(label):
            return NONE_OF_THE_ABOVE
        labels = self._labels()
        known, name = labels.resolve(label), label.strip()
        problem = label_problem(name)
        if known:
            return known
        if problem:
            raise NotCorrectedError(what, f"{shown(label)} is not a label: a label must {problem}")
        if not self.allows_new_labels:
            names = ", ".join(map(shown, labels.names[:_SHOWN_LABELS])) or "none"
            way = f"turn on Review-Allow-New-Labels, or create its folder in {LABELLED_FOLDER}"
            raise NotCorrectedError(what, f"{shown(label)} is not a label of this loop ({names}). To add it, {way}")
        return name

    def _labels(self) -> Labels:
        pages = self.client.get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=self.bucket, Prefix=LABELLED_FOLDER, Delimiter="/")
        prefixes = [found["Prefix"] for page in listed for found in page.get("CommonPrefixes", ())]
        return labels_of(folder_names(LABELLED_FOLDER, prefixes), self._images_in)

    def _images_in(self, name: str) -> int:
        pages = self.client.get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=self.bucket, Prefix=f"{LABELLED_FOLDER}{name}/")
        keys = (found["Key"] for page in listed for found in page.get("Contents", ()))
        return sum(folder_label(LABELLED_FOLDER, key) is not None for key in keys)

    # ------------------------------------------------------------------ what is done

    def _filed(self, row: LogRow, label: str) -> Corrected:
        """Copy the image of a detection to the folder of a label, unless it is in one already: then correct that."""
        upload = S3Upload(row.bucket, row.key, row.etag, row.version_id)
        Folder(self.bucket, UPLOADS_FOLDER).check(upload.bucket, upload.key)
        image = self._image(upload.key, "", upload.version_id)
        if image is None or (upload.etag and image.file.etag != upload.etag):
            raise NotCorrectedError(row.detection_id, "its image was deleted from S3, or replaced")
        latest = self.history.latest(image.content) if self.history else None
        if latest and latest.label and folder_of(latest.key) and self._image(latest.key, latest.label):
            return self.correct(latest.key, label)
        folder = NONE_FOLDER if is_none_of_the_above(label) else LABELLED_FOLDER
        key = copy_key(folder, label, row.detection_id, row.key, image_suffix(row.key, image.head))
        now = timestamp(datetime.now(UTC))
        labelling = Labelling(self.who, now, LabelSource.CORRECTION, guess_shown=True, detection_id=row.detection_id)
        if not self.dry_run:
            objects = LoopObjects(self.client, self.bucket)
            objects.copy(upload, UPLOADS_FOLDER, key, to_metadata(labelling, label))
        self._keep(LabelEntry.of(LabelledImage(key, label, "", content=image.content, labelling=labelling)))
        elsewhere = self._elsewhere(image.content, label, {key})
        return Corrected(row.key, key, label, elsewhere, self.history is not None)

    def _image(self, key: str, label: str, version_id: str | None = None) -> _Image | None:
        """Return the image at a key, or None if there is none. Raises NotCorrectedError if it cannot be read."""
        version: ObjectVersion = {"VersionId": version_id} if version_id else {}
        try:
            response = self.client.get_object(Bucket=self.bucket, Key=key, **version)
        except ClientError as error:
            problem = object_problem(error)
            if problem is None:
                raise
            if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchVersion"}:
                return None
            raise NotCorrectedError(key, f"the image {problem}") from error
        body = response["Body"].read(MAX_IMAGE_BYTES + 1)
        response["Body"].close()
        problem = size_problem(len(body))
        if problem:
            raise NotCorrectedError(key, f"it is {problem}, so it never trains")
        labelling = from_metadata(response.get("Metadata", {}), label)
        file = S3Upload(self.bucket, key, response["ETag"].strip('"'))
        return _Image(file, hashlib.sha256(body).hexdigest(), labelling, body[:SIGNATURE_BYTES])

    def _copied(self, image: _Image, targets: tuple[str, str], label: str) -> LabelledImage:
        """Return the image under its new label, copied there unless it is there already."""
        for target in targets:
            there = self._image(target, label)
            if there is None:
                now = timestamp(datetime.now(UTC))
                detection_id = image.labelling.detection_id
                labelling = Labelling(self.who, now, LabelSource.CORRECTION, detection_id=detection_id)
                if not self.dry_run:
                    objects, folder = LoopObjects(self.client, self.bucket), str(folder_of(image.file.key))
                    objects.copy(image.file, folder, target, to_metadata(labelling, label))
                return LabelledImage(target, label, "", content=image.content, labelling=labelling)
            if there.content == image.content:
                return self._under(there, label)
        raise NotCorrectedError(image.file.key, f"{shown(targets[1])} is another image. Rename that one")

    def _under(self, there: _Image, label: str) -> LabelledImage:
        """Return an image that has the label already: by an interrupted correction, or since it was there before."""
        labelling = there.labelling
        if labelling.source is not LabelSource.CORRECTION:
            labelling = Labelling(self.who, timestamp(datetime.now(UTC)), LabelSource.CORRECTION)
        return LabelledImage(there.file.key, label, "", content=there.content, labelling=labelling)

    def _finished(self, what: str, key: str, targets: tuple[str, str], label: str) -> Corrected:
        """Return what an earlier correction did; raise NotCorrectedError if there was none."""
        for target in targets:
            there = self._image(target, label)
            if there and there.labelling.source is LabelSource.CORRECTION:
                self._keep(LabelEntry.of(self._under(there, label)))
                elsewhere = self._elsewhere(there.content, label, {target})
                return Corrected(key, target, label, elsewhere, self.history is not None)
        raise NotCorrectedError(what, f"there is no image {shown(key)} any more: name it by its present key")

    def _keep(self, entry: LabelEntry) -> None:
        if self.history is not None and not self.dry_run:
            added = entry.after(self.history.latest(entry.content))
            self.history.add([added] if added else [])

    def _delete(self, image: _Image) -> None:
        """Delete an image, unless it was replaced since it was read."""
        key = image.file.key
        present = self.client.head_object(Bucket=self.bucket, Key=key)["ETag"].strip('"')
        if present != image.file.etag:
            raise NotCorrectedError(key, "it was replaced in the meantime. Look at it, and try again")
        if not self.dry_run:
            self.client.delete_object(Bucket=self.bucket, Key=key)

    # ------------------------------------------------------------------ what else there is

    def _elsewhere(self, content: str, label: str, handled: set[str]) -> tuple[str, ...]:
        """Return where the last training had an equal image under another label; its manifests are read in one pass."""
        if not self.looks_elsewhere:
            return ()
        found = (image for key in self._last_manifests() for image in self._with(content, key))
        keys = {image.key for image in found if label_key(image.label) != label_key(label)}
        return tuple(sorted(keys - handled))

    def _last_manifests(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=MANIFESTS_FOLDER)
        dated = [
            (found["LastModified"], found["Key"])
            for page in pages
            for found in page.get("Contents", ())
            if found["Key"].endswith(_MANIFEST) and not found["Key"].startswith(CONSOLE_FOLDER)
        ]
        if not dated:
            return []
        name = max(dated)[1].removesuffix(_TEST_MANIFEST).removesuffix(_MANIFEST)
        return [key for _, key in dated if key in (f"{name}{_MANIFEST}", f"{name}{_TEST_MANIFEST}")]

    def _with(self, content: str, key: str) -> Iterator[LabelledImage]:
        body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
        lines = (line for line in body.iter_lines(_CHUNK_BYTES) if content.encode() in line)
        yield from (image for image in manifest.parse(lines, self.bucket) if image.content == content)
