"""Amazon SQS: queues with a visibility timeout, receive counts, delays, and redrive to a dead-letter queue."""

# ruff: noqa: N803 - AWS's names
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.clock import CLOCK
from tests.simulation.fakes.errors import Refusal

_VISIBILITY_SECONDS = 180.0
_MOST_RECEIVES = 5
_ABSENT = "AWS.SimpleQueueService.NonExistentQueue"


@dataclass
class Message:
    """A message; its receipt changes with each receive."""

    id: int
    body: str
    visible_at: float
    attributes: Mapping[str, Any] = field(default_factory=dict)
    receives: int = 0
    receipt: str = ""


@dataclass
class Queue:
    """A queue; ``dead_letters`` is None for one that has no redrive policy."""

    dead_letters: "Queue | None" = None
    messages: list[Message] = field(default_factory=list)

    def visible(self) -> list[Message]:
        return [one for one in self.messages if one.visible_at <= CLOCK.monotonic()]

    def redrive(self) -> None:
        """Move what was received too often, as SQS does when it would be received once more."""
        for message in self.visible() if self.dead_letters else []:
            if message.receives >= _MOST_RECEIVES:
                self.messages.remove(message)
                assert self.dead_letters
                self.dead_letters.messages.append(message)


class FakeSqs:
    """The queues of one account, by URL; ``deleting`` is told of each message before it is deleted.

    A receive gives at most ``most_at_a_receive`` messages: SQS may give fewer than it is asked for, and than it has.
    """

    def __init__(self) -> None:
        self.most_at_a_receive = 10
        self.queues: dict[str, Queue] = {}
        self.deleting: Callable[[str, Message], None] = lambda url, message: None
        self._numbers = itertools.count(1)

    def send(self, url: str, body: str, *, delay_seconds: float = 0.0, **attributes: Any) -> None:
        visible_at = CLOCK.monotonic() + delay_seconds
        self._queue(url).messages.append(Message(next(self._numbers), body, visible_at, attributes))

    def _queue(self, url: str) -> Queue:
        if url not in self.queues:
            raise Refusal(_ABSENT, url)
        return self.queues[url]

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int,
        WaitTimeSeconds: int,
        MessageSystemAttributeNames: Sequence[str] = (),
    ) -> dict[str, Any]:
        queue = self._queue(QueueUrl)
        self._wait(queue, WaitTimeSeconds)
        queue.redrive()
        taken = queue.visible()[: min(MaxNumberOfMessages, self.most_at_a_receive)]
        return {"Messages": [self._received(one, MessageSystemAttributeNames) for one in taken]} if taken else {}

    def _wait(self, queue: Queue, seconds: float) -> None:
        if not queue.visible():
            earliest = min((one.visible_at for one in queue.messages), default=float("inf"))
            CLOCK.advance(min(seconds, max(0.0, earliest - CLOCK.monotonic())))

    def _received(self, message: Message, names: Sequence[str]) -> dict[str, Any]:
        message.receives += 1
        message.visible_at = CLOCK.monotonic() + _VISIBILITY_SECONDS
        message.receipt = f"{message.id}-{message.receives}"
        attributes = {"ApproximateReceiveCount": str(message.receives)}
        known = {name: attributes[name] for name in names}
        return {
            "MessageId": str(message.id),
            "ReceiptHandle": message.receipt,
            "Body": message.body,
            "Attributes": known,
        }

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        queue = self._queue(QueueUrl)
        if not 1 <= len(Entries) <= 10:
            raise Refusal("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", str(len(Entries)))
        for entry in Entries:
            for message in [one for one in queue.messages if one.receipt == entry["ReceiptHandle"]]:
                self.deleting(QueueUrl, message)
                queue.messages.remove(message)
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries], "Failed": []}

    def send_message(
        self, *, QueueUrl: str, MessageBody: str, MessageAttributes: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        self.send(QueueUrl, MessageBody, **(MessageAttributes or {}))
        return {"MessageId": str(next(self._numbers))}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str]) -> dict[str, Any]:
        queue = self._queue(QueueUrl)
        visible = len(queue.visible())
        values = {
            "ApproximateNumberOfMessages": visible,
            "ApproximateNumberOfMessagesNotVisible": sum(
                one.visible_at > CLOCK.monotonic() and one.receives > 0 for one in queue.messages
            ),
        }
        return {"Attributes": {name: str(values[name]) for name in AttributeNames}}
