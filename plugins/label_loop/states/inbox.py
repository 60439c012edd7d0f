"""Where a state's work comes from: a queue of notifications, or the listing of a folder where there is none."""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from label_loop.domain.events import QueueEvent, parse_message
from label_loop.domain.reconciliation import FROM_THE_BEGINNING, LOOK_BACK
from label_loop.exceptions import MalformedEventError
from label_loop.hooks.notification_queue import RECEIVE_COUNT
from label_loop.payloads import MOST_RECEIVES, UPLOADS_FOLDER, S3Upload
from label_loop.settings import TAKEN_OVER_KEY, UPLOADS_SEEN_KEY
from label_loop.states.context import LoopContext

log = logging.getLogger(__name__)

BATCH_SIZE = 50


@dataclass(frozen=True)
class Delivery:
    """Events that are done together, and what to give back when they are; ``body`` and ``receives`` are a message's."""

    events: tuple[QueueEvent, ...]
    receipt: str
    body: str = ""
    receives: int = 0


class Inbox(Protocol):
    """Gives work at least once: what is not told to be done comes again."""

    def receive(self, wait_seconds: int) -> list[Delivery]:
        """Return some deliveries, waiting a while for the first; an empty list where there are none."""
        ...

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Tell that the work of these deliveries is finished and must not come again."""
        ...

    def failed(self, reasons: Mapping[Delivery, str]) -> None:
        """Tell why the work of some deliveries failed. They come again, or are given up for good."""
        ...

    def has_news(self) -> bool:
        """Return whether there is something to receive, without receiving it."""
        ...


class QueueInbox:
    """A queue of S3 notifications and A2I status changes.

    What nobody understands, and what failed the last time that the queue would deliver it, goes to the dead-letter
    queue with its reason, for a person to see. The queue's own redrive policy, which knows no reason, moves what a
    crash left, and what a loop without the name of its dead-letter queue gives up.
    """

    def __init__(self, context: LoopContext, queue_url: str) -> None:
        self.context = context
        self.queue_url = queue_url

    def receive(self, wait_seconds: int) -> list[Delivery]:
        """Receive and read up to a batch of messages."""
        messages = self.context.queue.receive(self.queue_url, most=BATCH_SIZE, wait_seconds=wait_seconds)
        return self.read(messages)

    def has_news(self) -> bool:
        """Return whether the queue holds messages: one received and given back five times ends as a dead letter."""
        return self.context.queue.waiting(self.queue_url) > 0

    def read(self, messages: Sequence[Any]) -> list[Delivery]:
        """Return the deliveries that received messages are."""
        deliveries = []
        for message in messages:
            delivery = Delivery((), message["ReceiptHandle"], message["Body"], _receives(message))
            try:
                deliveries.append(replace(delivery, events=tuple(parse_message(delivery.body))))
            except MalformedEventError as error:
                self._bury(delivery, str(error))
        return deliveries

    def failed(self, reasons: Mapping[Delivery, str]) -> None:
        """Give up what would not be delivered again."""
        for delivery, reason in reasons.items():
            if delivery.receives >= MOST_RECEIVES:
                self._bury(delivery, reason)

    def _bury(self, delivery: Delivery, reason: str) -> None:
        # Sent before it is deleted: cut in between, it is there twice, and a second try finds its work done.
        url = self.context.record.dead_letter_queue_url(self.queue_url)
        if url:
            self.context.queue.bury(url, delivery.body, reason)
            self.done([delivery])
        log.warning("A message is given up, and %s the dead-letter queue: %s", "is in" if url else "left for", reason)

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Delete the messages."""
        refused = self.context.queue.delete(self.queue_url, [delivery.receipt for delivery in deliveries])
        if refused:
            log.warning("%d messages could not be deleted and will come again", len(refused))


def _receives(message: Mapping[str, Any]) -> int:
    return int(message.get("Attributes", {}).get(RECEIVE_COUNT, 0))


class FolderInbox:
    """A folder that is listed, for a loop without queues. How far it was seen is kept in the system record.

    The receipt of a delivery is the object's last-modified time. Objects of the last minutes come again with
    the next listing, and are recognized by what they are, so nothing is lost by equal or late times. What is
    not told to be done comes again with the next inbox, that is with the next run: this one gives it once.

    Uploads that a log taken over from elsewhere covers have rows under other ids, so they cannot be recognized:
    they are told by the time of its latest row, which is kept in the system record as well.
    """

    def __init__(self, context: LoopContext, folder: str, seen_key: str) -> None:
        self.context = context
        self.folder = folder
        self.seen_key = seen_key
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
        record = self.context.record
        seen = record.get(self.seen_key) or ""
        items = self.context.s3.iter_file_metadata(prefix=self.folder, bucket_name=record.bucket)
        return any(not item["Key"].endswith("/") and item["LastModified"].isoformat() > seen for item in items)

    def _list(self) -> list[Delivery]:
        record = self.context.record
        start = datetime.fromisoformat(self._seen()) - LOOK_BACK
        taken_over = self.context.record.get(TAKEN_OVER_KEY)
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
        seen = self.context.record.get(self.seen_key)
        if seen is None:
            latest = self.context.log.latest()
            seen = latest or FROM_THE_BEGINNING
            taken_over = {TAKEN_OVER_KEY: latest} if latest and self.folder == UPLOADS_FOLDER else {}
            self.context.update_record({self.seen_key: seen, **taken_over})
        return seen

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
        if seen > (self.context.record.get(self.seen_key) or ""):
            self.context.update_record({self.seen_key: seen})


def uploads_inbox(context: LoopContext) -> QueueInbox | FolderInbox:
    """Return where the uploads of a loop come from."""
    url = context.record.uploads_queue_url
    return QueueInbox(context, url) if url else FolderInbox(context, UPLOADS_FOLDER, UPLOADS_SEEN_KEY)
