"""The inference log in DynamoDB."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import batched
from typing import Any

from botocore.exceptions import ClientError
from tenacity import retry_if_exception

from label_loop.domain.log_row import SAMPLED_YES, Attribute, Copy, LoggedAnswer, LogRow
from label_loop.domain.statistics import (
    Counts,
    StatisticsKey,
    of_answer,
    of_detection,
    of_late_review,
    of_sample,
    of_withdrawal,
    summed,
    without_pairs,
)
from label_loop.hooks.log_reader import InferenceLogReader, retrying
from label_loop.hooks.statistics import increments
from label_loop.hooks.transactions import MAX_ITEMS, is_contention, is_full, write_together
from label_loop.payloads import ReviewStarted

log = logging.getLogger(__name__)

_ID, _SAMPLED = Attribute.DETECTION_ID, Attribute.SAMPLED
_HUMAN_LABEL, _REVIEW_END = Attribute.HUMAN_LABEL, Attribute.REVIEW_END
_HUMAN_LOOP_NAME, _WITHHELD = Attribute.HUMAN_LOOP_NAME, Attribute.WITHHELD
_COPIED_KEY, _COPY_FAILURE = Attribute.COPIED_KEY, Attribute.COPY_FAILURE


class InferenceLogHook(InferenceLogReader):
    """The inference log of one loop, for writing too; ``statistics`` is the table of its counts, if any."""

    def __init__(
        self, table: str, index: str = "Sampled_GSI", statistics: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(table, index, *args, **kwargs)
        self.statistics = statistics

    def put_new(self, rows: Sequence[LogRow]) -> list[str]:
        """Write and count the rows that do not exist yet; return their ids. Existing rows are not changed.

        Of rows with the same id the first is written, since a transaction may not contain an item twice.
        """
        first: dict[str, LogRow] = {}
        for row in rows:
            first.setdefault(row.detection_id, row)
        batches = self._batches(first.values(), of_detection)
        return [id_ for batch in batches for id_ in self._put_batch(batch)]

    def _put_batch(self, rows: list[LogRow]) -> list[str]:
        # A transaction is all or nothing, so each attempt drops the rows that turned out to exist.
        while rows:
            puts = [self._put(row) for row in rows]
            refused = self._write(puts, summed(map(of_detection, rows)))
            if not refused:
                break
            rows = [row for row, is_refused in zip(rows, refused, strict=True) if not is_refused]
        return [row.detection_id for row in rows]

    def _put(self, row: LogRow) -> dict[str, Any]:
        condition = f"attribute_not_exists({_ID})"
        return {"Put": {"TableName": self.table, "Item": row.to_item(), "ConditionExpression": condition}}

    def end_review(self, id_: str, human_loop_name: str, review_end: str) -> bool:
        """Record on the row of a review how it ended without an answer; return whether it was new."""
        condition = f"attribute_exists({_ID}) AND {_HUMAN_LOOP_NAME} = :name AND attribute_not_exists({_REVIEW_END})"
        change = self._update(id_, {_REVIEW_END: review_end}, condition, {":name": human_loop_name})
        return not self._write([change], {})

    def withdraw_review(self, row: LogRow, review_end: str) -> bool:
        """Record and count that the review of a row was withdrawn; return whether that was new."""
        condition = f"attribute_exists({_ID}) AND attribute_not_exists({_REVIEW_END})"
        change = self._update(row.detection_id, {_REVIEW_END: review_end}, condition)
        return not self._write([change], of_withdrawal(row))

    def send_withheld(self, rows: Sequence[LogRow], reviews: Mapping[str, ReviewStarted]) -> list[str]:
        """Record and count the reviews, by id, of rows that were withheld; return the ids for which that was new."""
        condition = f"{_WITHHELD} = :true AND attribute_not_exists({_HUMAN_LOOP_NAME})"
        done: list[str] = []
        for some in self._batches(rows, of_late_review):
            while some:
                changes = [self._late_review(row, reviews[row.detection_id], condition) for row in some]
                refused = self._write(changes, summed(map(of_late_review, some)))
                if not refused:
                    break
                some = [row for row, is_refused in zip(some, refused, strict=True) if not is_refused]  # noqa: PLW2901
            done += [row.detection_id for row in some]
        return done

    def _late_review(self, row: LogRow, started: ReviewStarted, condition: str) -> dict[str, Any]:
        values = {**row.changes_to(row.with_late_review(started)), _WITHHELD: False}
        return self._update(row.detection_id, values, condition, {":true": True})

    def set_answers(self, rows: Iterable[LogRow], answers: Mapping[str, LoggedAnswer]) -> list[str]:
        """Set and count the answers of rows; return the ids of the rows that were changed.

        Rows that already have an answer are not changed. ``rows`` are as read before; ``answers`` are by id.
        """

        def counted(row: LogRow) -> Counts:
            return of_answer(row, answers[row.detection_id].label)

        unanswered = (row for row in rows if not row.is_answered)
        done: list[str] = []
        for some in self._batches(unanswered, counted):
            changes = [self._change(row, row.with_answer(answers[row.detection_id])) for row in some]
            ids = [row.detection_id for row in some]
            if self._write(changes, summed(map(counted, some))):
                # Some have been answered, sampled or deleted in the meantime.
                done += self.set_answers(self.rows(ids).values(), answers)
            else:
                done += ids
        return done

    def set_copies(self, copies: Mapping[str, Copy]) -> list[str]:
        """Record the copies of answered images, by id; return the ids that were changed. Recorded ones stay."""
        condition = f"attribute_exists({_HUMAN_LABEL})"
        condition += "".join(f" AND attribute_not_exists({name})" for name in (_COPIED_KEY, _COPY_FAILURE))
        done: list[str] = []
        for some in batched(copies, MAX_ITEMS):
            ids = list(some)
            while ids and (refused := self._write([self._set_copy(id_, copies[id_], condition) for id_ in ids], {})):
                ids = [id_ for id_, is_refused in zip(ids, refused, strict=True) if not is_refused]
            done += ids
        return done

    def _set_copy(self, id_: str, copy: Copy, condition: str) -> dict[str, Any]:
        values = {_COPIED_KEY: copy.key, _COPY_FAILURE: copy.failure}
        return self._update(id_, {name: value for name, value in values.items() if value}, condition)

    def mark_sampled(
        self, rows: Iterable[LogRow], reviews: Mapping[str, ReviewStarted | None], weights: Mapping[str, int]
    ) -> None:
        """Mark and count rows as the samples of their blocks, each with the review that was started for it, if any.

        Idempotent. ``rows`` are as read before; ``reviews`` and ``weights``, the lengths of the blocks, are by id.
        """

        def marked(row: LogRow) -> LogRow:
            return row.with_sample(reviews[row.detection_id], weights[row.detection_id])

        def counted(row: LogRow) -> Counts:
            return of_sample(marked(row))

        unmarked = (row for row in rows if not row.is_sampled)
        for some in self._batches(unmarked, counted):
            changes = [self._change(row, marked(row)) for row in some]
            if self._write(changes, summed(map(counted, some))):
                # Some have been answered, marked or deleted in the meantime.
                self.mark_sampled(self.rows([row.detection_id for row in some]).values(), reviews, weights)

    def _change(self, row: LogRow, changed: LogRow) -> dict[str, Any]:
        """Return the update of a row, on the condition that what its counts depend on has not changed."""
        values = row.changes_to(changed)
        return self._update(row.detection_id, values, _unchanged(row), {":yes": SAMPLED_YES})

    def _update(
        self, id_: str, values: Mapping[str, Any], condition: str, more: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the update that sets attributes; ``more`` are values that the condition refers to."""
        return {
            "Update": {
                "TableName": self.table,
                "Key": {_ID: id_},
                "UpdateExpression": "SET " + ", ".join(f"{name} = :{name}" for name in values),
                "ConditionExpression": condition,
                "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()} | dict(more or {}),
            }
        }

    def _batches(self, rows: Iterable[LogRow], counted: Callable[[LogRow], Counts]) -> Iterator[list[LogRow]]:
        """Yield batches of rows that fit into a transaction together with the updates of their counts."""
        some: list[LogRow] = []
        items: set[StatisticsKey] = set()
        for row in rows:
            own = set(counted(row)) if self.statistics else set()
            if len(some) + 1 + len(items | own) > MAX_ITEMS:
                yield some
                some, items = [], set()
            some.append(row)
            items |= own
        if some:
            yield some

    def _write(self, changes: Sequence[Mapping[str, Any]], counts: Counts) -> list[bool]:
        """Write changes and counts in one transaction; return which changes were refused, or [] if it succeeded."""
        counting = increments(self.statistics, counts) if self.statistics else []
        try:
            write = retrying(retry_if_exception(is_contention))
            return write(write_together, self._client, [*changes, *counting])[: len(changes)]
        except ClientError as error:
            kept = without_pairs(counts)
            if not is_full(error) or kept == counts:
                raise
            log.warning(
                "An item of label pairs in %s is full; the answers are counted without their pairs", self.statistics
            )
            return self._write(changes, kept)


def _unchanged(row: LogRow) -> str:
    """Return the condition that whether a row is sampled and answered has not changed since it was read.

    The counts of an answer or a mark depend on both. A label is set only once, so its presence is sufficient.
    """
    sampled = f"{_SAMPLED} = :yes"
    if not row.is_sampled:
        sampled = f"(attribute_not_exists({_SAMPLED}) OR {_SAMPLED} <> :yes)"
    answered = "attribute_exists" if row.is_answered else "attribute_not_exists"
    return f"attribute_exists({_ID}) AND {answered}({_HUMAN_LABEL}) AND {sampled}"
