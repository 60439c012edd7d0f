"""Human review: applies each answer to the inference log once, and copies its image to the training folder."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain.images import image_suffix, is_image_key
from label_loop.domain.labels import label_key
from label_loop.domain.log_row import LoggedAnswer, LogRow
from label_loop.domain.reviews import parse_answer, training_key
from label_loop.exceptions import MalformedAnswerError, UnfinishedWorkError
from label_loop.hooks.aws_errors import error_code, reason
from label_loop.inbox.base import Delivery, Inbox
from label_loop.payloads import (
    ANSWERS_FOLDER,
    NONE_OF_THE_ABOVE,
    SAMPLING_SOURCE,
    Event,
    ReviewAnswer,
    ReviewEnded,
    S3Upload,
)
from label_loop.workflows.training_set import TrainingSet

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CopyObjectRequestTypeDef, CopySourceTypeDef

log = logging.getLogger(__name__)

_GONE = "the image was deleted from S3"
_COPY_PROBLEMS = {
    "NoSuchKey": _GONE,
    "NoSuchVersion": _GONE,
    "404": _GONE,
    "PreconditionFailed": "the image was overwritten in S3",
}
_ANSWER_FILE = "/output.json"
_MAX_ANSWER_BYTES = 4 * 1024 * 1024

type _Given = tuple[Delivery, ReviewAnswer]


@dataclass
class ReviewSummary:
    """The number of reviews with each outcome in a run."""

    answered: int = 0
    copied: int = 0
    repeated: int = 0
    refused: int = 0
    ended_without_answer: int = 0
    ignored: int = 0


class HumanReviewWorkflow:
    """Drains an inbox of answers. Every step is idempotent, so a crash in between loses nothing."""

    def __init__(self, context: LoopContext, inbox: Inbox, linger_seconds: int = 10) -> None:
        self.context = context
        self.inbox = inbox
        self.linger_seconds = linger_seconds
        self.summary = ReviewSummary()
        self.problems: list[str] = []
        self._failed: dict[Delivery, str] = {}  # of the current batch, with the reasons

    def drain(self, first: Sequence[Delivery] = ()) -> ReviewSummary:
        """Process deliveries until none arrives within ``linger_seconds``.

        Raises UnfinishedWorkError at the end if answers could not be applied (they are redelivered).
        """
        deliveries = list(first) or self.inbox.receive(wait_seconds=1)
        while deliveries:
            self._failed = {}
            events, answers = self._read_all(deliveries)
            while answers:
                # One answer per detection at a time: another one is a duplicate, unless the first fails.
                current = {answer.detection_id: (delivery, answer) for delivery, answer in reversed(answers)}
                answers = [one for one in answers if one[1] is not current[one[1].detection_id][1]]
                events += self._apply_answers(list(current.values()))
            self.context.clients.announcer.publish(events)
            self.inbox.done([delivery for delivery in deliveries if delivery not in self._failed])
            self.inbox.failed(self._failed)
            deliveries = self.inbox.receive(wait_seconds=self.linger_seconds)
        if self.problems:
            raise UnfinishedWorkError(len(self.problems), self.problems)
        return self.summary

    @contextmanager
    def _left_on_error(self, *deliveries: Delivery) -> Iterator[None]:
        """Record deliveries as failed on any error, so that they are redelivered, and go on with the others."""
        try:
            yield
        except Exception as error:
            log.warning("An answer could not be applied and will be retried: %s", error)
            self.problems.append(reason(error))
            self._failed |= dict.fromkeys(deliveries, reason(error))

    def _read_all(self, deliveries: Sequence[Delivery]) -> tuple[list[Event], list[_Given]]:
        """Return the events to announce for deliveries without an answer, and the answers of the others."""
        events: list[Event] = []
        answers: list[_Given] = []
        for delivery in deliveries:
            with self._left_on_error(delivery):
                for item in delivery.events:
                    read = self._apply_end(item) if isinstance(item, ReviewEnded) else self._read_answer(item)
                    if isinstance(read, ReviewAnswer):
                        answers.append((delivery, read))
                    elif read:
                        events.append(read)
        return events, answers

    def _read_answer(self, item: S3Upload) -> ReviewAnswer | Event | None:
        if not (item.key.startswith(ANSWERS_FOLDER) and item.key.endswith(_ANSWER_FILE)):
            self.summary.ignored += 1
            return None
        try:
            answer = parse_answer(self._read(item))
        except MalformedAnswerError as error:
            self.summary.refused += 1
            log.warning("Rejected %s: %s", item.uri, error)
            return Event("failure", f"A review answer was rejected: {error}", facts={"answer": item.uri})
        return self._apply_end(answer) if isinstance(answer, ReviewEnded) else answer

    def _read(self, item: S3Upload) -> bytes:
        client = self.context.clients.s3_client
        try:
            response = client.get_object(Bucket=item.bucket, Key=item.key)
        except ClientError as error:
            if error_code(error) in {"NoSuchKey", "404"}:
                raise MalformedAnswerError("The answer file was deleted.") from error
            raise
        body: bytes = response["Body"].read(_MAX_ANSWER_BYTES)
        return body

    def _apply_answers(self, given: Sequence[_Given]) -> list[Event]:
        """Apply answers to different detections: rows are read and written in batches, images copied one by one."""
        with self._left_on_error(*(delivery for delivery, _ in given)):
            rows = self.context.clients.log.rows([answer.detection_id for _, answer in given])
            return self._write(self._filed([one for one in given if self._is_open(one, rows)]), rows)
        return []

    def _filed(self, given: Sequence[_Given]) -> list[_Given]:
        """Return answers with their labels spelled as the existing folders."""
        if not any(answer.label for _, answer in given):
            return list(given)
        labels = TrainingSet(self.context).labels()
        new: dict[str, str] = {}

        def filed_as(label: str) -> str:
            return labels.resolve(label) or new.setdefault(label_key(label), label)

        return [
            (delivery, replace(answer, label=answer.label and filed_as(answer.label))) for delivery, answer in given
        ]

    def _is_open(self, given: _Given, rows: Mapping[str, LogRow]) -> bool:
        delivery, answer = given
        with self._left_on_error(delivery):
            if answer.detection_id not in rows:
                raise _RowMissingError(
                    f"The log has no detection {answer.detection_id}, which {answer.human_loop_name} refers to."
                )
            answered = rows[answer.detection_id].is_answered
            self.summary.repeated += answered
            return not answered
        return False

    def _write(self, given: Sequence[_Given], rows: Mapping[str, LogRow]) -> list[Event]:
        logged: dict[str, LoggedAnswer] = {}
        for delivery, answer in given:
            with self._left_on_error(delivery):
                # The copy comes first: its key is deterministic, so a retry overwrites it with the same image.
                logged[answer.detection_id] = self._copied(rows[answer.detection_id], answer)
        return self._log([one for one in given if one[1].detection_id in logged], rows, logged)

    def _copied(self, row: LogRow, answer: ReviewAnswer) -> LoggedAnswer:
        logged = LoggedAnswer(answer.label or NONE_OF_THE_ABOVE, answer.answered_at)
        is_for_training = answer.label and answer.source != SAMPLING_SOURCE
        return self._copy(row, answer, logged) if is_for_training else logged

    def _log(
        self, given: Sequence[_Given], rows: Mapping[str, LogRow], answers: Mapping[str, LoggedAnswer]
    ) -> list[Event]:
        ids = [answer.detection_id for _, answer in given]
        try:
            logged = self.context.clients.log.set_answers([rows[id_] for id_ in ids], answers)
        except ClientError:
            if len(given) == 1:
                raise
            # A transaction is all or nothing: written one by one, a failing row does not affect the others.
            return [event for one in given for event in self._log_alone(one, rows, answers)]
        self.summary.answered += len(logged)
        self.summary.copied += sum(answers[id_].copied_key is not None for id_ in logged)
        self.summary.repeated += len(ids) - len(logged)
        return [_answered(rows[id_], answers[id_]) for id_ in logged]

    def _log_alone(self, given: _Given, rows: Mapping[str, LogRow], answers: Mapping[str, LoggedAnswer]) -> list[Event]:
        with self._left_on_error(given[0]):
            return self._log([given], rows, answers)
        return []

    def _copy(self, row: LogRow, answer: ReviewAnswer, logged: LoggedAnswer) -> LoggedAnswer:
        try:
            return replace(logged, copied_key=self._copy_image(row, answer))
        except ClientError as error:
            problem = _COPY_PROBLEMS.get(error_code(error))
            if problem is None:
                raise
            log.warning(
                "The image of detection %s was not copied: %s. Its answer is logged", answer.detection_id, problem
            )
            return replace(logged, copy_failure=problem)

    def _copy_image(self, row: LogRow, answer: ReviewAnswer) -> str:
        client = self.context.clients.s3_client
        source: CopySourceTypeDef = {"Bucket": row.bucket, "Key": row.key}
        if row.version_id:
            source["VersionId"] = row.version_id
        head = b"" if is_image_key(row.key) else client.get_object(**source, Range="bytes=0-7")["Body"].read()
        target = training_key(str(answer.label), answer.detection_id, row.key, image_suffix(row.key, head))
        bucket = self.context.store.record.bucket
        request: CopyObjectRequestTypeDef = {"Bucket": bucket, "Key": target, "CopySource": source}
        # In a bucket without versioning the key may hold another image by now, to which the label does not apply.
        if row.etag and not row.version_id:
            request["CopySourceIfMatch"] = row.etag
        client.copy_object(**request)
        return target

    def _apply_end(self, ended: ReviewEnded) -> Event | None:
        status = f"{ended.status}: {ended.reason}"
        if not self.context.clients.log.end_review(ended.detection_id, status):
            return None
        self.summary.ended_without_answer += 1
        text = f"Review {ended.human_loop_name} ended without an answer ({status})"
        return Event("review_expired", text, facts={"detection": ended.detection_id})


class _RowMissingError(Exception):
    """The log has no row for an answer (yet)."""


def _answered(row: LogRow, answer: LoggedAnswer) -> Event:
    return Event(
        "review_answered",
        f"{row.key}: reviewed as {answer.label}; detected label: {row.detected_label or 'none'}",
        label=answer.label,
        accepted=row.agrees_with(answer.label),
        facts={
            "image": row.image_uri,
            "detection": row.detection_id,
            "human_label": answer.label,
            "added_to_training": answer.copied_key is not None,
        },
    )
