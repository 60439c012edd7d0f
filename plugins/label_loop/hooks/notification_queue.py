"""A queue of S3 notifications."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from typing import Any

from airflow.providers.amazon.aws.hooks.sqs import SqsHook

from label_loop.hooks.retries import PATIENT
from label_loop.payloads import DEAD_LETTER_REASON

_MESSAGES_A_CALL = 10
_LONGEST_RECEIVE_CALLS = 100
RECEIVE_COUNT = "ApproximateReceiveCount"
_LONGEST_REASON = 1000
RECEIVABLE = "ApproximateNumberOfMessages"
IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"


class NotificationQueueHook(SqsHook):
    """Adds receiving and deleting to the provider's hook. Takes SqsHook's arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", PATIENT)
        super().__init__(*args, **kwargs)

    def receive(self, queue_url: str, *, most: int, wait_seconds: int) -> list[Mapping[str, Any]]:
        """Return up to ``most`` messages: wait for the first ones, then take what else is there."""
        messages: list[Mapping[str, Any]] = []
        for _ in range(_LONGEST_RECEIVE_CALLS):
            response = self.conn.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=min(_MESSAGES_A_CALL, most - len(messages)),
                WaitTimeSeconds=0 if messages else wait_seconds,
                MessageSystemAttributeNames=[RECEIVE_COUNT],
            )
            received = response.get("Messages", [])
            messages += received
            # A call that is not full tells that the queue is (nearly) empty: do not pay for another one.
            if len(received) < _MESSAGES_A_CALL or len(messages) >= most:
                break
        return messages

    def unfinished(self, queue_url: str) -> int:
        """Return about how many messages a queue holds, those that are worked on included."""
        return sum(self._counts(queue_url, [RECEIVABLE, IN_FLIGHT]))

    def receivable(self, queue_url: str) -> int:
        """Return about how many messages could be received now."""
        return sum(self._counts(queue_url, [RECEIVABLE]))

    def _counts(self, queue_url: str, names: Sequence[str]) -> list[int]:
        attributes = self.conn.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
        return [int(attributes[name]) for name in names]

    def bury(self, queue_url: str, body: str, reason: str) -> None:
        """Send a message to a dead-letter queue, with the reason why it is given up."""
        # SQS refuses control characters, and an attribute without a value.
        text = "".join(c if c.isprintable() else " " for c in reason[:_LONGEST_REASON]) or "no reason is known"
        attributes = {DEAD_LETTER_REASON: {"DataType": "String", "StringValue": text}}
        self.conn.send_message(QueueUrl=queue_url, MessageBody=body, MessageAttributes=attributes)

    def delete(self, queue_url: str, receipt_handles: Iterable[str]) -> Sequence[str]:
        """Delete messages, 10 a call; return the handles that SQS refused (it will deliver them again)."""
        refused: list[str] = []
        for some in batched(receipt_handles, _MESSAGES_A_CALL):
            entries = [{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(some)]
            response = self.conn.delete_message_batch(QueueUrl=queue_url, Entries=entries)
            refused += [some[int(failed["Id"])] for failed in response.get("Failed", [])]
        return refused
