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
from label_loop.payloads import MOST_RECEIVES

log = logging.getLogger(__name__)


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
        return self.context.queue.unfinished(self.queue_url) > 0

    def has_work(self) -> bool:
        """Return whether a message can be received, none being: what is worked on, or failed lately, is hidden."""
        return self.context.queue.receivable(self.queue_url) > 0

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
        url = self.context.record.dead_letter_queue_urls.get(self.queue_url)
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
