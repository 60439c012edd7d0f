"""An inbox of S3 notifications and A2I status changes in an SQS queue."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from label_loop.context import LoopContext
from label_loop.domain.events import parse_message
from label_loop.exceptions import MalformedEventError
from label_loop.hooks.notification_queue import RECEIVE_COUNT
from label_loop.inbox.base import BATCH_SIZE, Delivery
from label_loop.payloads import MAX_RECEIVES

log = logging.getLogger(__name__)


class QueueInbox:
    """An SQS queue of S3 notifications and A2I status changes.

    Malformed messages, and messages that failed on their last receive, are moved to the dead-letter queue with the
    reason as an attribute. The redrive policy of the queue, which adds no reason, moves messages left by a crash, and
    those of a loop whose record has no dead-letter queue.
    """

    def __init__(self, context: LoopContext, queue_url: str) -> None:
        self.context = context
        self.queue_url = queue_url

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
        """Parse received messages; malformed ones are moved to the dead-letter queue."""
        deliveries = []
        for message in messages:
            delivery = Delivery((), message["ReceiptHandle"], message["Body"], _receives(message))
            try:
                deliveries.append(replace(delivery, events=tuple(parse_message(delivery.body))))
            except MalformedEventError as error:
                self._give_up(delivery, str(error))
        return deliveries

    def failed(self, reasons: Mapping[Delivery, str]) -> None:
        """Move the messages that reached the maximum of receives to the dead-letter queue."""
        for delivery, reason in reasons.items():
            if delivery.receives >= MAX_RECEIVES:
                self._give_up(delivery, reason)

    def _give_up(self, delivery: Delivery, reason: str) -> None:
        # Sent before it is deleted: a crash in between leaves a duplicate, which is harmless since work is idempotent.
        url = self.context.store.record.dead_letter_queue_urls.get(self.queue_url)
        if url:
            self.context.clients.queue.send_to_dead_letter_queue(url, delivery.body, reason)
            self.done([delivery])
        moved = "moved to" if url else "left to the redrive policy of"
        log.warning("A message failed for good and was %s the dead-letter queue: %s", moved, reason)

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Delete the messages."""
        refused = self.context.clients.queue.delete(self.queue_url, [delivery.receipt for delivery in deliveries])
        if refused:
            log.warning("Could not delete %d message(s); they will be redelivered", len(refused))


def _receives(message: Mapping[str, Any]) -> int:
    return int(message.get("Attributes", {}).get(RECEIVE_COUNT, 0))
