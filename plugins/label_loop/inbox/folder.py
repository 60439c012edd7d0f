"""An inbox of the objects in a folder, for a loop without queues."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from label_loop.context import LoopContext
from label_loop.domain.reconciliation import FROM_THE_BEGINNING, LOOK_BACK
from label_loop.inbox.base import BATCH_SIZE, Delivery
from label_loop.loop_state import LoopState, Mark
from label_loop.payloads import UPLOADS_FOLDER, S3Upload


class FolderInbox:
    """A folder that is listed, for a loop without queues. How far it was seen is kept in the loop's state.

    The receipt of a delivery is the object's last-modified time. Objects of the last minutes come again with
    the next listing, and are recognized by what they are, so nothing is lost by equal or late times. What is
    not told to be done comes again with the next inbox, that is with the next run: this one gives it once.

    Uploads that a log taken over from elsewhere covers have rows under other ids, so they cannot be recognized:
    they are told by the time of its latest row, which is kept in the loop's state as well.
    """

    def __init__(self, context: LoopContext, folder: str, seen: Mark) -> None:
        self.context = context
        self.folder = folder
        self.seen = seen
        self._pending: Iterator[Delivery] | None = None
        self._given: set[S3Upload] = set()
        self._open: set[Delivery] = set()
        self._lock = threading.Lock()  # one thread receives while another tells what is done

    def receive(self, wait_seconds: int) -> list[Delivery]:  # noqa: ARG002 - a listing does not wait
        """Return the next objects in the order of their times."""
        for _ in range(2):  # what is left of this listing, else a new one
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

    def has_news(self) -> bool:
        """Return whether an object is newer than what was seen."""
        seen = self._seen()
        items = self.context.s3.iter_file_metadata(prefix=self.folder, bucket_name=self.context.record.bucket)
        return any(not item["Key"].endswith("/") and item["LastModified"].isoformat() > seen for item in items)

    def has_work(self) -> bool:
        """Return whether an object is newer than what was seen."""
        return self.has_news()

    def _list(self) -> list[Delivery]:
        record = self.context.record
        start = datetime.fromisoformat(self._seen()) - LOOK_BACK
        taken_over = self.context.state.uploads_taken_over_until
        if taken_over and self.folder == UPLOADS_FOLDER:
            start = max(start, datetime.fromisoformat(taken_over))
        found = []
        for item in self.context.s3.iter_file_metadata(prefix=self.folder, bucket_name=record.bucket):
            upload = S3Upload(record.bucket, item["Key"], item["ETag"].strip('"'), size_bytes=item["Size"])
            if item["LastModified"] > start and upload not in self._given:
                found.append(Delivery((upload,), item["LastModified"].isoformat()))
        return sorted(found, key=lambda delivery: delivery.receipt)

    def _seen(self) -> str:
        """Return until when the folder was seen; what a log taken over from elsewhere has is not paid again."""
        seen = self.context.state.mark(self.seen)
        if seen is None:
            latest = self.context.log.latest()
            seen = latest or FROM_THE_BEGINNING
            self.context.change_state(lambda state: self._begun(state, seen, latest))
        return seen

    def _begun(self, state: LoopState, seen: str, latest: str | None) -> LoopState:
        state = state if state.mark(self.seen) else state.advanced(self.seen, seen)
        return replace(state, uploads_taken_over_until=latest) if self.folder == UPLOADS_FOLDER else state

    def failed(self, reasons: Mapping[Delivery, str]) -> None:
        """Nothing to do: what is not done comes again with the next run."""

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Move on how far the folder was seen: never past an object whose work is not done."""
        with self._lock:
            self._open.difference_update(deliveries)
            if self._open:
                seen = min(delivery.receipt for delivery in self._open)
            else:
                seen = max((delivery.receipt for delivery in deliveries), default="")
        self.context.advance(self.seen, seen)
