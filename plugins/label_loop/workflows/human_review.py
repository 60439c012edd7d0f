"""Human review: applies each answer to the inference log once, and copies its image to the training folder."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain.labelling import of_answer
from label_loop.domain.labels import Labels, label_key
from label_loop.domain.log_row import Copy, LoggedAnswer, LogRow
from label_loop.domain.reviews import check_asked, new_label_problem, parse_answer
from label_loop.exceptions import MalformedAnswerError, RefusedAnswerError, UnfinishedWorkError
from label_loop.hooks.aws_errors import reason
from label_loop.inbox.base import Delivery, Inbox
from label_loop.parameters import filing
from label_loop.payloads import (
    ANSWERS_FOLDER,
    LABELLED_FOLDER,
    NONE_OF_THE_ABOVE,
    TEST_FOLDER,
    Event,
    ReviewAnswer,
    ReviewEnded,
    S3Upload,
)
from label_loop.workflows.training_copies import TrainingCopies
from label_loop.workflows.training_set import TrainingSet

log = logging.getLogger(__name__)

_ANSWER_FILE = "/output.json"
_MAX_ANSWER_BYTES = 4 * 1024 * 1024


class _Given(NamedTuple):
    """An answer, its file, and the delivery that brought it."""

    delivery: Delivery
    file: S3Upload
    answer: ReviewAnswer

    @property
    def id(self) -> str:
        return self.answer.detection_id


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
    """Drains an inbox of answers. Every step is idempotent, so a crash in between loses nothing.

    An answer is logged first. The image is copied after that, and the row then records the copy, or why there is none.
    """

    def __init__(self, context: LoopContext, inbox: Inbox, linger_seconds: int = 10) -> None:
        self.context = context
        self.inbox = inbox
        self.linger_seconds = linger_seconds
        self.summary = ReviewSummary()
        self.problems: list[str] = []
        # Of the current batch: what failed, with the reasons, and what is to be announced.
        self._failed: dict[Delivery, str] = {}
        self._events: list[Event] = []

    def drain(self, first: Sequence[Delivery] = ()) -> ReviewSummary:
        """Process deliveries until none arrives within ``linger_seconds``.

        Raises UnfinishedWorkError at the end if answers could not be applied (they are redelivered).
        """
        deliveries = list(first) or self.inbox.receive(wait_seconds=1)
        while deliveries:
            self._failed, self._events = {}, []
            answers = self._read_all(deliveries)
            while answers:
                # One answer per detection at a time: another one is a duplicate, unless the first fails.
                current = {one.id: one for one in reversed(answers)}
                answers = [one for one in answers if one is not current[one.id]]
                self._apply_answers(list(current.values()))
            self.context.clients.announcer.publish(self._events)
            self.inbox.done([delivery for delivery in deliveries if delivery not in self._failed])
            self.inbox.failed(self._failed)
            deliveries = self.inbox.receive(wait_seconds=self.linger_seconds)
        if self.problems:
            raise UnfinishedWorkError(len(self.problems), self.problems)
        return self.summary

    @contextmanager
    def _contained(self, *deliveries: Delivery, file: S3Upload | None = None) -> Iterator[None]:
        """Report what is refused; record deliveries as failed on any other error. Either way, go on with the others."""
        try:
            yield
        except RefusedAnswerError as error:
            self.summary.refused += 1
            log.warning("Refused %s: %s", file and file.uri, error)
            facts = {"answer": file.uri} if file else {}
            self._events.append(Event("failure", f"A review answer was refused: {error}", facts=facts))
        except Exception as error:
            log.warning("An answer could not be applied and will be retried: %s", error)
            self.problems.append(reason(error))
            self._failed |= dict.fromkeys(deliveries, reason(error))

    # ------------------------------------------------------------------ what arrives

    def _read_all(self, deliveries: Sequence[Delivery]) -> list[_Given]:
        """Return the answers in deliveries; reviews that ended without one are recorded."""
        answers: list[_Given] = []
        for delivery in deliveries:
            for item in delivery.events:
                if isinstance(item, ReviewEnded):
                    with self._contained(delivery):
                        self._apply_end(item)
                elif item.key.endswith(_ANSWER_FILE):
                    with self._contained(delivery, file=item):
                        answers += self._read_answer(delivery, item)
                else:
                    self.summary.ignored += 1
        return answers

    def _read_answer(self, delivery: Delivery, file: S3Upload) -> list[_Given]:
        answer = parse_answer(self._read(file))
        if isinstance(answer, ReviewEnded):
            self._apply_end(answer)
            return []
        return [_Given(delivery, file, answer)]

    def _read(self, file: S3Upload) -> bytes:
        objects = self.context.clients.objects
        try:
            body = objects.read(file, ANSWERS_FOLDER, _MAX_ANSWER_BYTES + 1)
        except ClientError as error:
            problem = objects.problem(file, ANSWERS_FOLDER, error)
            if problem is None:
                raise
            raise RefusedAnswerError(f"The answer file {problem}.") from error
        if len(body) > _MAX_ANSWER_BYTES:
            raise MalformedAnswerError(
                f"The answer file is larger than {_MAX_ANSWER_BYTES} bytes, the most that count."
            )
        return body

    def _apply_end(self, ended: ReviewEnded) -> None:
        status = f"{ended.status}: {ended.reason}"
        if self.context.clients.log.end_review(ended.detection_id, ended.human_loop_name, status):
            self.summary.ended_without_answer += 1
            text = f"Review {ended.human_loop_name} ended without an answer ({status})"
            self._events.append(Event("review_expired", text, facts={"detection": ended.detection_id}))

    # ------------------------------------------------------------------ what is applied

    def _apply_answers(self, given: Sequence[_Given]) -> None:
        """Apply answers to different detections: rows are read and written in batches, images copied one by one."""
        with self._contained(*(one.delivery for one in given)):
            rows = self.context.clients.log.rows([one.id for one in given])
            asked = [one for one in given if self._is_asked(one, rows)]
            rows |= self._log(self._filed([one for one in asked if not rows[one.id].is_answered]), rows)
            self._copy([one for one in asked if self._folder(rows[one.id])], rows)

    def _is_asked(self, one: _Given, rows: Mapping[str, LogRow]) -> bool:
        with self._contained(one.delivery, file=one.file):
            check_asked(one.answer, rows.get(one.id))
            self.summary.repeated += rows[one.id].is_answered
            return True
        return False

    def _filed(self, given: Sequence[_Given]) -> list[_Given]:
        """Return the answers whose labels the loop accepts, spelled as the existing folders."""
        if not any(one.answer.label for one in given):
            return list(given)
        labels = TrainingSet(self.context).labels()
        new: dict[str, str] = {}
        filed = []
        for one in given:
            with self._contained(one.delivery, file=one.file):
                label = one.answer.label and self._filed_as(one, one.answer.label, labels, new)
                filed.append(one._replace(answer=replace(one.answer, label=label)))
        return filed

    def _filed_as(self, one: _Given, label: str, labels: Labels, new: dict[str, str]) -> str:
        """Return the label's folder; ``new`` has those of new labels by key.

        Raises RefusedAnswerError for a new label if the loop allows none.
        """
        known = labels.resolve(label)
        if known:
            return known
        if self.context.read_settings().review_allow_new_labels:
            return new.setdefault(label_key(label), label)
        problem = new_label_problem(label, labels)
        self.context.clients.log.end_review(one.id, one.answer.human_loop_name, f"Refused: {problem}")
        raise RefusedAnswerError(f"{problem}.")

    def _log(self, given: Sequence[_Given], rows: Mapping[str, LogRow]) -> dict[str, LogRow]:
        """Write answers to the log; return their rows as they are then."""
        answers = {one.id: LoggedAnswer(one.answer.label or NONE_OF_THE_ABOVE, one.answer.answered_at) for one in given}
        try:
            changed = self.context.clients.log.set_answers([rows[id_] for id_ in answers], answers)
        except ClientError:
            if len(given) == 1:
                raise
            # A transaction is all or nothing: written one by one, a failing row does not affect the others.
            return {id_: row for one in given for id_, row in self._log_alone(one, rows).items()}
        self.summary.answered += len(changed)
        self.summary.repeated += len(answers) - len(changed)
        logged = {id_: rows[id_].with_answer(answers[id_]) for id_ in changed}
        self._events += [_answered(row) for row in logged.values() if not self._folder(row)]
        # Another process has answered the others in the meantime, and may have ended before it copied their images.
        others = [id_ for id_ in answers if id_ not in logged]
        return logged | (self.context.clients.log.rows(others) if others else {})

    def _log_alone(self, one: _Given, rows: Mapping[str, LogRow]) -> dict[str, LogRow]:
        with self._contained(one.delivery):
            return self._log([one], rows)
        return {}

    # ------------------------------------------------------------------ what is copied

    def _folder(self, row: LogRow) -> str | None:
        return row.awaited_copy(**filing(self.context.settings))

    def _copy(self, given: Sequence[_Given], rows: Mapping[str, LogRow]) -> None:
        """Copy the images of answered rows to train or test, and record the copies."""
        images = TrainingCopies(self.context.clients.objects)
        copies: dict[str, Copy] = {}
        folders = {one.id: self._folder(rows[one.id]) or LABELLED_FOLDER for one in given}
        for one in given:
            with self._contained(one.delivery):
                row = rows[one.id]
                copies[one.id] = images.copied(row, folders[one.id], of_answer(one.answer, row))
        with self._contained(*(one.delivery for one in given if one.id in copies)):
            for id_ in self.context.clients.log.set_copies(copies):
                row = rows[id_].with_copy(copies[id_])
                self.summary.copied += row.copied_key is not None
                self._events += [_answered(row), *_copy_failures(row, folders[id_])]


def _answered(row: LogRow) -> Event:
    label = str(row.human_label)
    return Event(
        "review_answered",
        f"{row.key}: reviewed as {label}; detected label: {row.detected_label or 'none'}",
        label=label,
        accepted=row.agrees_with(label),
        facts={
            "image": row.image_uri,
            "detection": row.detection_id,
            "human_label": label,
            "added_to_training": (row.copied_key or "").startswith(LABELLED_FOLDER),
            "added_to_test": (row.copied_key or "").startswith(TEST_FOLDER),
        },
    )


def _copy_failures(row: LogRow, folder: str) -> Iterator[Event]:
    """Yield the event that an image was not copied to a folder, if it was not."""
    if row.copy_failure:
        text = (
            f"{row.key}: its answer {row.human_label} is logged, but it was not copied for training, since "
            f"{row.copy_failure}. To use it, remove the cause and copy it to {folder}{row.human_label}/"
        )
        log.warning("%s", text)
        yield Event("failure", text, facts={"image": row.image_uri, "detection": row.detection_id})
