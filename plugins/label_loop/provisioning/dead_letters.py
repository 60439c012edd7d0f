"""Shows a loop's messages that failed five times, sends them again or discards them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from label_loop.domain.envelopes import unwrapped
from label_loop.exceptions import MalformedEventError, shown
from label_loop.payloads import DEAD_LETTER_REASON, MAX_RECEIVES
from label_loop.provisioning.names import PURPOSES
from label_loop.provisioning.parameter_store import require_record
from label_loop.provisioning.site import Site, aws_errors_as

_MESSAGES_PER_CALL = 10
_MOST_CALLS = 1000
# A message that is being shown or moved is hidden from other consumers for this long.
_HIDDEN_SECONDS = 60


@dataclass(frozen=True)
class DeadLetter:
    """One message: its subject, and the reason why it failed, as far as the message contains it."""

    purpose: str
    about: str
    reason: str
    message: Mapping[str, Any]

    @property
    def message_id(self) -> str:
        """The ID that SQS assigned."""
        return str(self.message["MessageId"])

    def to_json(self) -> dict[str, str]:
        """Return the message as a JSON object."""
        return {
            "message_id": self.message_id,
            "queue": self.purpose,
            "about": self.about,
            "reason": self.reason,
            "body": self.message["Body"],
        }

    def __str__(self) -> str:
        return f"{self.purpose:8} {self.message_id} {self.about}: {self.reason}"


def dead_letters(site: Site) -> Iterator[DeadLetter]:
    """Yield the messages of both dead-letter queues."""
    record = require_record(site)
    for purpose in PURPOSES:
        url = record.get(f"{purpose}_dead_letter_queue_url")
        if url:
            with aws_errors_as("dead letters", url):
                yield from (_letter(purpose, message) for message in _receive(site.client("sqs"), url))


def send_again(site: Site, letters: Iterator[DeadLetter]) -> Iterator[DeadLetter]:
    """Return each message to its queue; yield those that were returned.

    A message is sent before it is deleted. After an interruption in between, it exists twice but is processed once.
    """
    record, sqs = require_record(site), site.client("sqs")
    for letter in letters:
        url = record[f"{letter.purpose}_queue_url"]
        with aws_errors_as("queue", url):
            sqs.send_message(QueueUrl=url, MessageBody=letter.message["Body"])
            sqs.delete_message(
                QueueUrl=record[f"{letter.purpose}_dead_letter_queue_url"],
                ReceiptHandle=letter.message["ReceiptHandle"],
            )
        yield letter


def discard(site: Site, letters: Iterator[DeadLetter]) -> Iterator[DeadLetter]:
    """Delete each message permanently; yield those that were deleted."""
    record, sqs = require_record(site), site.client("sqs")
    for letter in letters:
        url = record[f"{letter.purpose}_dead_letter_queue_url"]
        with aws_errors_as("dead letters", url):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=letter.message["ReceiptHandle"])
        yield letter


def show(site: Site, letters: Iterator[DeadLetter]) -> Iterator[DeadLetter]:
    """Yield each message, then make all of them visible again."""
    shown = []
    for letter in letters:
        shown.append(letter)
        yield letter
    _leave(site, shown)


def pick(site: Site, letters: Iterator[DeadLetter], message_ids: Collection[str]) -> Iterator[DeadLetter]:
    """Yield the messages with these IDs; make the others visible again."""
    others = []
    for letter in letters:
        if letter.message_id in message_ids:
            yield letter
        else:
            others.append(letter)
    _leave(site, others)


def _leave(site: Site, letters: Collection[DeadLetter]) -> None:
    record, sqs = require_record(site), site.client("sqs")
    for letter in letters:
        url = record[f"{letter.purpose}_dead_letter_queue_url"]
        with aws_errors_as("dead letters", url):
            sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=letter.message["ReceiptHandle"], VisibilityTimeout=0
            )


def _receive(sqs: Any, url: str) -> Iterator[Mapping[str, Any]]:
    seen: set[str] = set()
    for _ in range(_MOST_CALLS):
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_MESSAGES_PER_CALL,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=1,
            MessageAttributeNames=[DEAD_LETTER_REASON],
        )
        new = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
        if not new:
            return
        seen.update(message["MessageId"] for message in new)
        yield from new


def _letter(purpose: str, message: Mapping[str, Any]) -> DeadLetter:
    try:
        about = _about(unwrapped(message["Body"]))
    except MalformedEventError as error:
        return DeadLetter(purpose, "not an event", str(error), message)
    attribute = message.get("MessageAttributes", {}).get(DEAD_LETTER_REASON, {}).get("StringValue")
    reason = (
        f"failed {MAX_RECEIVES} times, the last time with {shown(attribute)}"
        if attribute
        else "failed repeatedly; see the logs of the failed tasks in its DAG for the reason"
    )
    return DeadLetter(purpose, about or "neither an upload nor an answer", reason, message)


def _about(event: Mapping[str, Any]) -> str:
    """Return which objects or review an event names, in any of its formats; an empty text if it names none."""
    try:
        if "Records" in event:
            found = [record["s3"] for record in event["Records"]]
            return ", ".join(f"s3://{s3['bucket']['name']}/{unquote_plus(s3['object']['key'])}" for s3 in found)
        detail = event["detail"]
        return str(detail.get("humanLoopName") or f"s3://{detail['bucket']['name']}/{detail['object']['key']}")
    except (KeyError, TypeError, AttributeError):
        return ""
