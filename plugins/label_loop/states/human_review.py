"""Human review: each answer reaches the inference log once, and its image the training folder."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from label_loop.domain.images import image_suffix, is_image_key
from label_loop.domain.reviews import parse_answer, training_key
from label_loop.exceptions import MalformedAnswerError, UnfinishedWorkError
from label_loop.hooks.retries import error_code
from label_loop.payloads import (
    ANSWERS_FOLDER,
    NONE_OF_THE_ABOVE,
    SAMPLING_SOURCE,
    Event,
    ReviewAnswer,
    ReviewEnded,
    S3Upload,
)
from label_loop.states.context import LoopContext
from label_loop.states.inbox import Delivery, Inbox

log = logging.getLogger(__name__)

_ANSWER_FILE = "/output.json"
_LARGEST_ANSWER_BYTES = 4 * 1024 * 1024


@dataclass
class ReviewSummary:
    """What a run did, in numbers of reviews."""

    answered: int = 0
    copied: int = 0
    repeated: int = 0
    refused: int = 0
    ended_without_answer: int = 0
    ignored: int = 0


class HumanReviewState:
    """Drains an inbox of answers. Every step can be repeated: a crash between two of them loses nothing."""

    def __init__(self, context: LoopContext, inbox: Inbox, linger_seconds: int = 10) -> None:
        self.context = context
        self.inbox = inbox
        self.linger_seconds = linger_seconds
        self.summary = ReviewSummary()
        self.problems: list[str] = []

    def drain(self, first: Sequence[Delivery] = ()) -> ReviewSummary:
        """Process deliveries until none has come for a while.

        Raises UnfinishedWorkError at the end where answers could not be applied (they come again).
        """
        deliveries = list(first) or self.inbox.receive(wait_seconds=1)
        while deliveries:
            events: list[Event] = []
            done = []
            for delivery in deliveries:
                try:
                    events += [event for item in delivery.events for event in self._apply(item)]
                except Exception as error:  # any failure concerns one answer; the others go on
                    log.warning("An answer is left for a later try: %s", error)
                    self.problems.append(f"{type(error).__name__}: {error_code(error) or error}")
                    continue
                done.append(delivery)
            self.context.announcer.tell(events)
            self.inbox.done(done)
            deliveries = self.inbox.receive(wait_seconds=self.linger_seconds)
        if self.problems:
            raise UnfinishedWorkError(len(self.problems), self.problems)
        return self.summary

    def _apply(self, item: S3Upload | ReviewEnded) -> list[Event]:
        if isinstance(item, ReviewEnded):
            return self._apply_end(item)
        if not (item.key.startswith(ANSWERS_FOLDER) and item.key.endswith(_ANSWER_FILE)):
            self.summary.ignored += 1
            return []
        try:
            answer = parse_answer(self._read(item))
        except MalformedAnswerError as error:
            self.summary.refused += 1
            log.warning("%s is refused: %s", item.uri, error)
            return [Event("failure", f"A review answer is refused: {error}", facts={"answer": item.uri})]
        return self._apply_answer(answer)

    def _read(self, item: S3Upload) -> bytes:
        client: Any = self.context.s3.conn
        try:
            response = client.get_object(Bucket=item.bucket, Key=item.key)
        except ClientError as error:
            if error_code(error) in {"NoSuchKey", "404"}:
                raise MalformedAnswerError("The answer's file is gone.") from error
            raise
        body: bytes = response["Body"].read(_LARGEST_ANSWER_BYTES)
        return body

    def _apply_answer(self, answer: ReviewAnswer) -> list[Event]:
        row = self._row(answer.detection_id, answer.human_loop_name)
        if "HumanLabel" in row:
            self.summary.repeated += 1
            return []
        values = {"HumanLabel": answer.label or NONE_OF_THE_ABOVE, "HumanLoopCompletionDate": answer.answered_at}
        if answer.label and answer.source != SAMPLING_SOURCE:
            # First the copy, then the row: its key is always the same, so a repetition copies onto itself.
            values |= self._copy(row, answer)
        if not self.context.log.set_answer(row, values):
            self.summary.repeated += 1
            return []
        self.summary.answered += 1
        self.summary.copied += "CopiedS3ObjectKey" in values
        return [_answered(row, answer, values)]

    def _row(self, detection_id: str, human_loop_name: str) -> dict[str, Any]:
        row = self.context.log.rows([detection_id]).get(detection_id)
        if row is None:
            raise _RowMissingError(f"{human_loop_name} is about detection {detection_id}, which the log does not have")
        return row

    def _copy(self, row: dict[str, Any], answer: ReviewAnswer) -> dict[str, str]:
        try:
            return {"CopiedS3ObjectKey": self._copy_image(row, answer)}
        except ClientError as error:
            if error_code(error) not in {"NoSuchKey", "NoSuchVersion", "404"}:
                raise
            log.warning("The image of detection %s is gone; its answer is kept", answer.detection_id)
            return {"CopyFailure": "the image is gone from S3"}

    def _copy_image(self, row: dict[str, Any], answer: ReviewAnswer) -> str:
        bucket, key = row["S3Bucket"], row["S3ObjectKey"]
        client: Any = self.context.s3.conn
        source = {"Bucket": bucket, "Key": key}
        if row.get("S3ObjectVersionId"):
            source["VersionId"] = row["S3ObjectVersionId"]
        head = b"" if is_image_key(key) else client.get_object(**source, Range="bytes=0-7")["Body"].read()
        target = training_key(str(answer.label), answer.detection_id, key, image_suffix(key, head))
        client.copy_object(Bucket=self.context.record.bucket, Key=target, CopySource=source)
        return target

    def _apply_end(self, ended: ReviewEnded) -> list[Event]:
        status = f"{ended.status}: {ended.reason}"
        if not self.context.log.set_once(ended.detection_id, "HumanLoopStatus", {"HumanLoopStatus": status}):
            return []
        self.summary.ended_without_answer += 1
        text = f"The review {ended.human_loop_name} ended without an answer ({status})"
        return [Event("review_expired", text, facts={"detection": ended.detection_id})]


class _RowMissingError(Exception):
    """An answer came before its row could be read, or is not of this log."""


def _answered(row: dict[str, Any], answer: ReviewAnswer, values: dict[str, str]) -> Event:
    label = values["HumanLabel"]
    agreed = label == row.get("DetectedLabel")
    return Event(
        "review_answered",
        f"{row['S3ObjectKey']}: reviewed as {label}, the model said {row.get('DetectedLabel') or 'no label'}",
        label=label,
        accepted=agreed,
        facts={
            "image": f"s3://{row['S3Bucket']}/{row['S3ObjectKey']}",
            "detection": answer.detection_id,
            "human_label": label,
            "added_to_training": "CopiedS3ObjectKey" in values,
        },
    )
