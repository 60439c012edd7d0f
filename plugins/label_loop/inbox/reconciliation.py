"""Finds what no event told of: S3 may fail to send one, and a queue forgets a message after 14 days."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import batched, islice
from typing import Any

from label_loop.context import LoopContext
from label_loop.domain.moments import read_moment, timestamp
from label_loop.domain.reconciliation import FROM_THE_BEGINNING, Window, next_listing, window
from label_loop.domain.reviews import detection_id_of
from label_loop.inbox.base import BATCH_SIZE, Delivery
from label_loop.loop_state import Mark
from label_loop.payloads import ANSWERS_FOLDER, UPLOADS_FOLDER, S3Upload

log = logging.getLogger(__name__)


class Reconciliation(ABC):
    """An inbox of the objects of a folder that the log does not know, by a listing that costs a call for each 1,000.

    Until when the folder was seen is kept in the loop's state. It moves on only when everything was done, so what
    fails comes again with the next listing. Nothing is held but a page of the listing.
    """

    folder: str
    mark: Mark

    def __init__(self, context: LoopContext, now: datetime | None = None) -> None:
        self.context = context
        self.now = now or datetime.now(UTC)
        self._is_listed = False
        self._open: set[str] = set()

    def begin(self) -> None:
        """Note from when on the folder is looked through, unless that is known: all of it where there is no model yet.

        Uploads may wait for the first model longer than their queue keeps them. Where a model serves already, older
        objects were its business, or that of what served before.
        """
        state = self.context.state
        if state.mark(self.mark) is None:
            self.context.advance(self.mark, timestamp(self.now) if state.endpoint_arn else FROM_THE_BEGINNING)

    @property
    def next_at(self) -> str | None:
        """When the folder is to be listed next, in ISO 8601."""
        at = next_listing(self.context.state.mark(self.mark))
        return timestamp(at) if at else None

    def is_due(self) -> bool:
        """Return whether the folder is to be listed now."""
        at = next_listing(self.context.state.mark(self.mark))
        return at is not None and self.now >= at

    def receive(self, wait_seconds: int) -> list[Delivery]:  # noqa: ARG002 - a listing does not wait
        """Return the next objects that the log does not know."""
        batch = list(islice(self._unknown, BATCH_SIZE))
        if batch:
            log.warning("%d objects of %s came without an event", len(batch), self.folder)
        self._is_listed = not batch
        self._open.update(upload.detection_id for upload in batch)  # two versions of a key are two uploads
        return [Delivery((upload,), upload.detection_id) for upload in batch]

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Note what is done."""
        self._open.difference_update(delivery.receipt for delivery in deliveries)

    def failed(self, reasons: Mapping[Delivery, str]) -> None:  # noqa: B027 - no subclass has more to do
        """Nothing to do: what is not done comes again with the next listing."""

    def has_news(self) -> bool:
        """Return whether the listing has not come to its end."""
        return not self._is_listed

    def has_work(self) -> bool:
        """Return whether the listing has not come to its end."""
        return self.has_news()

    def finish(self) -> None:
        """Move on until when the folder was seen, if all of it was listed and done."""
        if self._is_listed and not self._open:
            self.context.advance(self.mark, timestamp(self._window.until))

    @cached_property
    def _window(self) -> Window:
        return window(self.context.state.mark(self.mark) or timestamp(self.now), self.now)

    @cached_property
    def _unknown(self) -> Iterator[S3Upload]:
        return (upload for some in batched(self._listed(), 100) for upload in self.unknown(some))

    def _listed(self) -> Iterator[S3Upload]:
        """Yield the objects of the window, each version for itself, as an event would name it."""
        bucket = self.context.record.bucket
        client: Any = self.context.s3.conn
        pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=self.folder)
        for page in pages:
            for item in page.get("Versions", []):
                if self._window.has(item["LastModified"]) and not item["Key"].endswith("/"):
                    version = item.get("VersionId")
                    version_id = version if version not in (None, "", "null") else None
                    yield S3Upload(bucket, item["Key"], item["ETag"].strip('"'), version_id, size_bytes=item["Size"])

    @abstractmethod
    def unknown(self, uploads: Sequence[S3Upload]) -> list[S3Upload]:
        """Return those that the log knows nothing of; at most 100 are given."""


class UploadsReconciliation(Reconciliation):
    """Uploads without a row.

    A bucket without versions gives a listing nothing to tell one upload of a key from the next, so there a row of
    the same key and content stands for it.
    """

    folder = UPLOADS_FOLDER
    mark = Mark.UPLOADS_RECONCILED

    @cached_property
    def _window(self) -> Window:
        """What was detected before the loop took over has rows under other ids, and is not looked at."""
        usual = super()._window
        taken_over = read_moment(self.context.state.uploads_taken_over_until)
        return usual._replace(after=max(usual.after, taken_over)) if taken_over else usual

    def unknown(self, uploads: Sequence[S3Upload]) -> list[S3Upload]:
        """Return the uploads without a row."""
        rows = self.context.log.rows([upload.detection_id for upload in uploads])
        missing = [upload for upload in uploads if upload.detection_id not in rows]
        return [upload for upload in missing if upload.version_id or (upload.key, upload.etag) not in self._detected]

    @cached_property
    def _detected(self) -> set[tuple[str, str]]:
        """Keys and eTags that were detected since the window began."""
        return set(self.context.log.detected_since(timestamp(self._window.after)))


class AnswersReconciliation(Reconciliation):
    """Answers of reviews whose row has no label yet. Human loops of other names are given to be read."""

    folder = ANSWERS_FOLDER
    mark = Mark.ANSWERS_RECONCILED

    def unknown(self, uploads: Sequence[S3Upload]) -> list[S3Upload]:
        """Return the answers that are not in the log."""
        ids = {upload: detection_id_of(upload.key.split("/")[-2]) for upload in uploads if upload.key.count("/") > 1}
        rows = self.context.log.rows([id_ for id_ in ids.values() if id_])
        answered = {id_ for id_, row in rows.items() if row.is_answered}
        return [upload for upload, id_ in ids.items() if id_ not in answered]
