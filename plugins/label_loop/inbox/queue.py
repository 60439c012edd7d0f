"""An inbox of S3 notifications and A2I status changes in an SQS queue."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from label_loop.context import LoopContext
from label_loop.domain.events import QueueEvent, parse_message
from label_loop.domain.folders import Folder
from label_loop.exceptions import ForeignObjectError, MalformedEventError
from label_loop.hooks.notification_queue import RECEIVE_COUNT
from label_loop.inbox.base import BATCH_SIZE, Delivery
from label_loop.payloads import MAX_RECEIVES, S3Upload

log = logging.getLogger(__name__)


class QueueInbox:
    """An SQS queue of S3 notifications of one folder, and of A2I status changes.

    Malformed messages, messages about objects outside the folder, and messages that failed on their last receive are
    moved to the dead-letter queue with the reason as an attribute. If only a part of a message is refused, its other
    events are processed first. The redrive policy of the queue, which adds no reason, moves messages left by a crash,
    and those of a loop whose record has no dead-letter queue.
    """

    def __init__(self, context: LoopContext, queue_url: str, folder: str) -> None:
        self.context = context
        self.queue_url = queue_url
        self.folder = folder

    def receive(self, wait_seconds: int) -> list[Delivery]:
        """Receive and parse up to a batch of messages."""
        messages = self.context.clients.queue.receive(self.queue_url, most=BATCH_SIZE, wait_seconds=wait_seconds)
        return self.read(messages)

    def has_unfinished(self) -> bool:
        """Return whether the queue has messages, in flight or not.

        It reads attributes only: each receive would count towards the dead-letter queue.
        """
        return self.context.clients.queue.unfinished(self.queue_url) > 0

    def has_work(self) -> bool:
        """Return whether a message is visible: those in flight, or that failed recently, are not."""
        return self.context.clients.queue.receivable(self.queue_url) > 0

    def read(self, messages: Sequence[Any]) -> list[Delivery]:
        """Parse received messages; those of which nothing can be processed are given up."""
        deliveries = []
        for delivery in map(self._read, messages):
            if delivery.refusal and not delivery.events:
                self._give_up(delivery, delivery.refusal)
            else:
                deliveries.append(delivery)
        return deliveries

    def _read(self, message: Mapping[str, Any]) -> Delivery:
        delivery = Delivery((), message["ReceiptHandle"], message["Body"], _receives(message))
        try:
            parsed = parse_message(delivery.body)
        except MalformedEventError as error:
            return replace(delivery, refusal=str(error))
        foreign = {event: problem for event in parsed.events if (problem := self._problem(event))}
        own = tuple(event for event in parsed.events if event not in foreign)
        return replace(delivery, events=own, refusal=next(iter(foreign.values()), parsed.refusal))

    def _problem(self, event: QueueEvent) -> str:
        """Return why an event is none of this queue's, or "" if it is one."""
        if isinstance(event, S3Upload):
            try:
                Folder(self.context.store.record.bucket, self.folder).check(event.bucket, event.key)
            except ForeignObjectError as error:
                return str(error)
        return ""

    def failed(self, reasons: Mapping[Delivery, str]) -> list[Delivery]:
        """Move the messages that reached the maximum of receives to the dead-letter queue, and return them."""
        given_up = [delivery for delivery in reasons if delivery.receives >= MAX_RECEIVES]
        for delivery in given_up:
            self._give_up(delivery, reasons[delivery])
        return given_up

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Delete the messages; those of which a part was refused are moved to the dead-letter queue."""
        self._delete([delivery for delivery in deliveries if not delivery.refusal])
        for delivery in deliveries:
            if delivery.refusal:
                self._give_up(delivery, delivery.refusal)

    def _give_up(self, delivery: Delivery, reason: str) -> None:
        # Sent before it is deleted: a crash in between leaves a duplicate, which is harmless since work is idempotent.
        url = self.context.store.record.dead_letter_queue_urls.get(self.queue_url)
        if url:
            self.context.clients.queue.send_to_dead_letter_queue(url, delivery.body, reason)
            self._delete([delivery])
        moved = "moved to" if url else "left to the redrive policy of"
        log.warning("A message failed for good and was %s the dead-letter queue: %s", moved, reason)

    def _delete(self, deliveries: Sequence[Delivery]) -> None:
        refused = self.context.clients.queue.delete(self.queue_url, [delivery.receipt for delivery in deliveries])
        if refused:
            log.warning("Could not delete %d message(s); they will be redelivered", len(refused))


def _receives(message: Mapping[str, Any]) -> int:
    return int(message.get("Attributes", {}).get(RECEIVE_COUNT, 0))
