"""Finds objects without an event: S3 may fail to send one, and SQS retains messages for at most 14 days."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import batched, islice

from label_loop.context import LoopContext
from label_loop.domain.moments import read_moment, timestamp
from label_loop.domain.reconciliation import FROM_THE_BEGINNING, ListingWindow, next_listing, window
from label_loop.domain.reviews import detection_id_of
from label_loop.inbox.base import BATCH_SIZE, Delivery
from label_loop.inbox.put_aside import PutAside
from label_loop.loop_state import Mark
from label_loop.parameters import filing
from label_loop.payloads import ANSWERS_FOLDER, UPLOADS_FOLDER, S3Upload

log = logging.getLogger(__name__)


class Reconciliation(ABC):
    """An inbox of the objects in a folder that the log does not know; its listing takes one call per 1,000 objects.

    How far the folder was listed is kept as a mark in the loop's state. The mark only advances when everything is done
    or put aside, so failures are redelivered by the next listing. Memory is bounded by a page of the listing.
    """

    folder: str
    mark: Mark

    def __init__(self, context: LoopContext, now: datetime | None = None) -> None:
        self.context = context
        self.now = now or datetime.now(UTC)
        self._is_listed = False
        self._open: set[Delivery] = set()
        self._put_aside = PutAside(context)

    def begin(self) -> None:
        """Set the mark if there is none: to the beginning if no model was deployed yet, else to now.

        Before the first deployment uploads may wait longer than the queue retains them. Afterwards, older objects were
        already processed, by this loop or by its predecessor.
        """
        state = self.context.store.state
        if state.mark(self.mark) is None:
            self.context.store.advance(self.mark, timestamp(self.now) if state.endpoint_arn else FROM_THE_BEGINNING)

    @property
    def next_at(self) -> str | None:
        """When the folder is to be listed next, in ISO 8601, or None."""
        at = next_listing(self.context.store.state.mark(self.mark))
        return timestamp(at) if at else None

    def is_due(self) -> bool:
        """Return whether the folder is to be listed now."""
        at = next_listing(self.context.store.state.mark(self.mark))
        return at is not None and self.now >= at

    def receive(self, wait_seconds: int) -> list[Delivery]:  # noqa: ARG002 - a listing does not wait
        """Return the next objects that the log does not know."""
        batch = list(islice(self._unknown, BATCH_SIZE))
        if batch:
            log.warning("Found %d object(s) in %s without an event", len(batch), self.folder)
        self._is_listed = not batch
        self._open.update(batch)
        return batch

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Mark deliveries as done."""
        self._open.difference_update(deliveries)

    def failed(self, reasons: Mapping[Delivery, str]) -> list[Delivery]:
        """Put aside what failed five times, and return it. The rest is redelivered by the next listing."""
        put_aside = self._put_aside.count(reasons) if reasons else []
        self.done(put_aside)
        return put_aside

    def has_unfinished(self) -> bool:
        """Return whether the listing is incomplete."""
        return not self._is_listed

    def has_work(self) -> bool:
        """Return whether the listing is incomplete."""
        return self.has_unfinished()

    def finish(self) -> None:
        """Advance the mark to the end of the window, if all of it was listed and done."""
        if self._is_listed and not self._open:
            self.context.store.advance(self.mark, timestamp(self._window.until))

    @cached_property
    def _window(self) -> ListingWindow:
        return window(self.context.store.state.mark(self.mark) or timestamp(self.now), self.now)

    @cached_property
    def _unknown(self) -> Iterator[Delivery]:
        """The objects that the log does not know, except those put aside; the receipt is the last-modified time."""
        for batch in batched(self._listed(), 100):
            modified = dict(batch)
            for upload in self.unknown(list(modified)):
                if not self._put_aside.has(upload, modified[upload]):
                    yield Delivery((upload,), modified[upload])

    def _listed(self) -> Iterator[tuple[S3Upload, str]]:
        """Yield the object versions in the window, as an event would report them, and when each was written."""
        bucket = self.context.store.record.bucket
        client = self.context.clients.s3_client
        pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=self.folder)
        for page in pages:
            for item in page.get("Versions", []):
                if self._window.has(item["LastModified"]) and not item["Key"].endswith("/"):
                    version = item.get("VersionId")
                    version_id = version if version not in (None, "", "null") else None
                    etag = item["ETag"].strip('"')
                    upload = S3Upload(bucket, item["Key"], etag, version_id, size_bytes=item["Size"])
                    yield upload, item["LastModified"].isoformat()

    @abstractmethod
    def unknown(self, uploads: Sequence[S3Upload]) -> list[S3Upload]:
        """Return those of at most 100 objects that are not in the log, or whose work is not complete."""


class UploadsReconciliation(Reconciliation):
    """Uploads without a row.

    Without bucket versioning a listing cannot tell two uploads of a key apart: there, a row with the same key and ETag
    counts as the row of the upload.
    """

    folder = UPLOADS_FOLDER
    mark = Mark.UPLOADS_RECONCILED

    @cached_property
    def _window(self) -> ListingWindow:
        """The window without the uploads detected before a takeover, whose rows have other ids."""
        usual = super()._window
        taken_over = read_moment(self.context.store.state.uploads_taken_over_until)
        return usual._replace(after=max(usual.after, taken_over)) if taken_over else usual

    def unknown(self, uploads: Sequence[S3Upload]) -> list[S3Upload]:
        """Return the uploads without a row."""
        rows = self.context.clients.log.rows([upload.detection_id for upload in uploads])
        missing = [upload for upload in uploads if upload.detection_id not in rows]
        return [upload for upload in missing if upload.version_id or (upload.key, upload.etag) not in self._detected]

    @cached_property
    def _detected(self) -> set[tuple[str, str]]:
        """The keys and ETags detected since the beginning of the window."""
        return set(self.context.clients.log.detected_since(timestamp(self._window.after)))


class AnswersReconciliation(Reconciliation):
    """Answers to reviews whose row has no human label yet, and answers of human loops with other names."""

    folder = ANSWERS_FOLDER
    mark = Mark.ANSWERS_RECONCILED

    def unknown(self, uploads: Sequence[S3Upload]) -> list[S3Upload]:
        """Return the answers that are not in the log, or whose image is not copied yet."""
        ids = {upload: detection_id_of(upload.key.split("/")[-2]) for upload in uploads if upload.key.count("/") > 1}
        rows = self.context.clients.log.rows([id_ for id_ in ids.values() if id_])
        filed = filing(self.context.settings)
        answered = {id_ for id_, row in rows.items() if row.is_answered and not row.awaited_copy(**filed)}
        return [upload for upload, id_ in ids.items() if id_ not in answered]
