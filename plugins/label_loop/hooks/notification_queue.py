"""SQS queues of S3 notifications."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.amazon.aws.hooks.sqs import SqsHook

from label_loop.hooks.retries import PATIENT
from label_loop.payloads import DEAD_LETTER_REASON

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.literals import QueueAttributeNameType
    from types_boto3_sqs.type_defs import DeleteMessageBatchRequestEntryTypeDef, MessageAttributeValueTypeDef

_MESSAGES_PER_CALL = 10
_MAX_RECEIVE_CALLS = 100
RECEIVE_COUNT: Final = "ApproximateReceiveCount"
_MAX_REASON_BYTES = 1000
_MAX_MESSAGE_BYTES = 1024 * 1024  # with the names, types and values of its attributes
RECEIVABLE: Final = "ApproximateNumberOfMessages"
IN_FLIGHT: Final = "ApproximateNumberOfMessagesNotVisible"


class NotificationQueueHook(SqsHook):
    """Adds receiving and deleting to the provider's hook. Takes SqsHook's arguments."""

    if TYPE_CHECKING:
        conn: SQSClient

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", PATIENT)
        super().__init__(*args, **kwargs)

    def receive(self, queue_url: str, *, most: int, wait_seconds: int) -> list[Mapping[str, Any]]:
        """Return up to ``most`` messages; wait up to ``wait_seconds`` for the first ones, then not for more."""
        messages: list[Mapping[str, Any]] = []
        for _ in range(_MAX_RECEIVE_CALLS):
            response = self.conn.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=min(_MESSAGES_PER_CALL, most - len(messages)),
                WaitTimeSeconds=0 if messages else wait_seconds,
                MessageSystemAttributeNames=[RECEIVE_COUNT],
            )
            received = response.get("Messages", [])
            messages += received
            # A partial response means that the queue is (nearly) empty: another call would be paid for nothing.
            if len(received) < _MESSAGES_PER_CALL or len(messages) >= most:
                break
        return messages

    def unfinished(self, queue_url: str) -> int:
        """Return the approximate number of messages in a queue, including those in flight."""
        return sum(self._counts(queue_url, [RECEIVABLE, IN_FLIGHT]))

    def receivable(self, queue_url: str) -> int:
        """Return the approximate number of visible messages."""
        return sum(self._counts(queue_url, [RECEIVABLE]))

    def _counts(self, queue_url: str, names: Sequence["QueueAttributeNameType"]) -> list[int]:
        attributes = self.conn.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
        return [int(attributes[name]) for name in names]

    def send_to_dead_letter_queue(self, queue_url: str, body: str, reason: str) -> None:
        """Send a message to a dead-letter queue, with as much of the reason as it has room for as an attribute."""
        # SQS rejects control characters and empty attribute values.
        text = "".join(c if c.isprintable() else " " for c in reason[:_MAX_REASON_BYTES]) or "unknown reason"
        room = _MAX_MESSAGE_BYTES - len((body + DEAD_LETTER_REASON + "String").encode())
        text = text.encode()[: max(0, min(room, _MAX_REASON_BYTES))].decode(errors="ignore")
        attributes: dict[str, MessageAttributeValueTypeDef] = {
            DEAD_LETTER_REASON: {"DataType": "String", "StringValue": text}
        }
        self.conn.send_message(QueueUrl=queue_url, MessageBody=body, MessageAttributes=attributes if text else {})

    def delete(self, queue_url: str, receipt_handles: Iterable[str]) -> Sequence[str]:
        """Delete messages, 10 per call; return the handles that failed (SQS will redeliver them)."""
        refused: list[str] = []
        for batch in batched(receipt_handles, _MESSAGES_PER_CALL):
            entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
                {"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(batch)
            ]
            response = self.conn.delete_message_batch(QueueUrl=queue_url, Entries=entries)
            refused += [batch[int(failed["Id"])] for failed in response.get("Failed", [])]
        return refused
