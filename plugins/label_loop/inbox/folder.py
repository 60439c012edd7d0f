"""An inbox that lists a folder, for a loop without queues."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from label_loop.context import LoopContext
from label_loop.domain.reconciliation import FROM_THE_BEGINNING, LOOK_BACK
from label_loop.inbox.base import BATCH_SIZE, Delivery
from label_loop.inbox.put_aside import PutAside
from label_loop.loop_state import LoopState, Mark
from label_loop.payloads import UPLOADS_FOLDER, S3Upload


class FolderInbox:
    """Lists the objects of a folder. How far the folder was processed is kept as a mark in the loop's state.

    The receipt of a delivery is the object's last-modified time. Each listing starts some minutes before the mark, and
    skips the objects already delivered, so objects with equal or late times are not lost. One instance delivers an
    object once; what is not marked as done is redelivered by the next instance, in the next run, until it is put aside.

    Uploads in a log taken over from another installation have rows under other ids. They are skipped up to the time of
    its latest row, which is kept in the loop's state as well.
    """

    def __init__(self, context: LoopContext, folder: str, seen: Mark) -> None:
        self.context = context
        self.folder = folder
        self.seen = seen
        self._pending: Iterator[Delivery] | None = None
        self._given: set[S3Upload] = set()
        self._open: set[Delivery] = set()
        self._latest = ""  # receipt of what is done
        self._lock = threading.Lock()  # one thread receives while another marks deliveries as done
        self._put_aside = PutAside(context)

    def receive(self, wait_seconds: int) -> list[Delivery]:  # noqa: ARG002 - a listing does not wait
        """Return the next objects, oldest first."""
        for _ in range(2):  # the rest of the current listing, else a new one
            if self._pending is None:
                self._pending = iter(self._list())
            batch = [delivery for delivery, _ in zip(self._pending, range(BATCH_SIZE), strict=False)]
            if batch:
                with self._lock:
                    self._open.update(batch)
                self._given.update(e for delivery in batch for e in delivery.events if isinstance(e, S3Upload))
                return batch
            self._pending = None
        return []

    def has_unfinished(self) -> bool:
        """Return whether an object is newer than the mark."""
        seen = self._seen()
        bucket = self.context.store.record.bucket
        items = self.context.clients.s3.iter_file_metadata(prefix=self.folder, bucket_name=bucket)
        return any(not item["Key"].endswith("/") and item["LastModified"].isoformat() > seen for item in items)

    def has_work(self) -> bool:
        """Return whether an object is newer than the mark."""
        return self.has_unfinished()

    def _list(self) -> list[Delivery]:
        record = self.context.store.record
        start = datetime.fromisoformat(self._seen()) - LOOK_BACK
        taken_over = self.context.store.state.uploads_taken_over_until
        if taken_over and self.folder == UPLOADS_FOLDER:
            start = max(start, datetime.fromisoformat(taken_over))
        found = []
        for item in self.context.clients.s3.iter_file_metadata(prefix=self.folder, bucket_name=record.bucket):
            upload = S3Upload(record.bucket, item["Key"], item["ETag"].strip('"'), size_bytes=item["Size"])
            modified = item["LastModified"].isoformat()
            if item["LastModified"] > start and upload not in self._given and not self._put_aside.has(upload, modified):
                found.append(Delivery((upload,), modified))
        return sorted(found, key=lambda delivery: delivery.receipt)

    def _seen(self) -> str:
        """Return the mark; initially that of the latest row, so that uploads in the log are not detected again."""
        seen = self.context.store.state.mark(self.seen)
        if seen is None:
            latest = self.context.clients.log.latest()
            seen = latest or FROM_THE_BEGINNING
            self.context.store.change_state(lambda state: self._with_beginning(state, seen, latest))
        return seen

    def _with_beginning(self, state: LoopState, seen: str, latest: str | None) -> LoopState:
        state = state if state.mark(self.seen) else state.advanced(self.seen, seen)
        return replace(state, uploads_taken_over_until=latest) if self.folder == UPLOADS_FOLDER else state

    def failed(self, reasons: Mapping[Delivery, str]) -> list[Delivery]:
        """Put aside what failed five times, and return it. The rest is redelivered in the next run."""
        put_aside = self._put_aside.count(reasons) if reasons else []
        if reasons:
            self.done(put_aside)
        return put_aside

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Advance the mark, but never to an object that is not done, which would then not count as work."""
        with self._lock:
            self._open.difference_update(deliveries)
            self._latest = max([self._latest, *(delivery.receipt for delivery in deliveries)])
            seen = min((_before(delivery.receipt) for delivery in self._open), default=self._latest)
        self.context.store.advance(self.seen, seen)


def _before(moment: str) -> str:
    return (datetime.fromisoformat(moment) - timedelta(microseconds=1)).isoformat()
