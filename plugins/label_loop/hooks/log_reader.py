"""The inference log in DynamoDB, for reading: by id, and through its index."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from airflow.providers.amazon.aws.hooks.dynamodb import DynamoDBHook
from tenacity import (
    Retrying,
    retry_base,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from label_loop.domain.log_row import SAMPLED_FAILED, SAMPLED_NO, SAMPLED_YES, Attribute, LogRow
from label_loop.domain.sampling import Position
from label_loop.hooks.retries import PATIENT

_ID, _DATE, _SAMPLED = Attribute.DETECTION_ID, Attribute.DETECTED_AT, Attribute.SAMPLED
# An index projects either all attributes, or its keys only, as that of the AWS sample does. Every row has this one.
_PROJECTED = Attribute.KEY
IN_INDEX = (SAMPLED_NO, SAMPLED_YES, SAMPLED_FAILED)
"""The parts of the index."""
_ROWS_PER_CALL = 100
_ROWS_PER_PAGE = 1000  # take about 1 MB, as a page of an index with all attributes does


def retrying(retry_on: retry_base) -> Retrying:
    """Return a retrier for contention, which botocore does not retry."""
    wait = wait_random_exponential(multiplier=0.05, max=2.0)  # seconds; full jitter, as AWS advises
    return Retrying(retry=retry_on, stop=stop_after_attempt(10), wait=wait, reraise=True)


@dataclass(frozen=True)
class LogWindow:
    """What of the log is read: of which parts of the index, each after which position, and between which moments.

    A part begins at its newest detection if its position is None. ``page_size`` is the rows read per call.
    """

    starts: Mapping[str, Position | None]
    since: str
    until: str
    page_size: int


class InferenceLogReader(DynamoDBHook):
    """The inference log of one loop.

    Methods are thread-safe: they use the client, not the resource.
    """

    def __init__(self, table: str, index: str, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", PATIENT)
        super().__init__(*args, **kwargs)
        self.table = table
        self.index = index

    @property
    def _client(self) -> Any:
        # The client of a resource converts from and to plain Python values.
        return self.conn.meta.client

    def rows(self, ids: Sequence[str]) -> dict[str, LogRow]:
        """Return the existing rows by id, in the given order; consistent reads, 100 per call."""
        return self._rows(ids, consistent=True)

    def _rows(self, ids: Sequence[str], *, consistent: bool) -> dict[str, LogRow]:
        wanted_ids = dict.fromkeys(ids)
        found: dict[str, LogRow] = {}
        for batch in batched(wanted_ids, _ROWS_PER_CALL):
            found |= {row.detection_id: row for row in self._read(batch, consistent=consistent)}
        return {id_: found[id_] for id_ in wanted_ids if id_ in found}  # DynamoDB returns them in any order

    def _read(self, ids: Sequence[str], *, consistent: bool) -> list[LogRow]:
        rows: list[LogRow] = []
        wanted: Mapping[str, Any] = {self.table: {"Keys": [{_ID: id_} for id_ in ids], "ConsistentRead": consistent}}
        # As long as a call returns some rows, a table of little capacity is only slow.
        while wanted:
            wanted = retrying(retry_if_exception_type(TimeoutError))(self._read_some, wanted, rows)
        return rows

    def _read_some(self, wanted: Mapping[str, Any], rows: list[LogRow]) -> Mapping[str, Any]:
        """Read what DynamoDB has the capacity for, and return the keys that are left.

        Raises TimeoutError if these are all of them.
        """
        response = self._client.batch_get_item(RequestItems=wanted)
        rows.extend(map(LogRow.from_item, response["Responses"].get(self.table, [])))
        left: Mapping[str, Any] = response.get("UnprocessedKeys") or {}
        if left and len(left[self.table]["Keys"]) == len(wanted[self.table]["Keys"]):
            raise TimeoutError(f"DynamoDB keeps returning unprocessed keys for {self.table}; it is probably throttled.")
        return left

    # ------------------------------------------------------------------ through the index

    def positions_since(self, moment: str) -> Iterator[Position]:
        """Yield the positions of detections from a moment on, by time; those with one timestamp in any order."""
        both = (self._positions_since(moment, sampled) for sampled in (SAMPLED_NO, SAMPLED_YES))
        return heapq.merge(*both, key=lambda position: position.detected_at)

    def sampled_since(self, moment: str) -> list[LogRow]:
        """Return the detections from a moment on that are sampled."""
        ids = [position.detection_id for position in self._positions_since(moment, SAMPLED_YES)]
        return list(self.rows(ids).values())

    def _positions_since(self, moment: str, sampled: str) -> Iterator[Position]:
        pages = self._pages(
            KeyConditionExpression=f"{_SAMPLED} = :sampled AND {_DATE} >= :moment",
            ExpressionAttributeValues={":sampled": sampled, ":moment": moment},
            ProjectionExpression=f"{_DATE}, {_ID}",
        )
        for page in pages:
            yield from (Position(item[_DATE], item[_ID]) for item in page)

    def answered(self, since: str, until: str) -> Iterator[list[LogRow]]:
        """Yield the rows with a human label detected between two moments: samples first, newest first.

        One list for about 1 MB that is read, including the rows without a human label.
        """
        for sampled in (SAMPLED_YES, SAMPLED_NO):
            pages = self._pages(
                KeyConditionExpression=f"{_SAMPLED} = :sampled AND {_DATE} BETWEEN :since AND :until",
                # An index of keys does not tell whether a row has a label.
                FilterExpression=f"attribute_exists({Attribute.HUMAN_LABEL}) OR attribute_not_exists({_PROJECTED})",
                ExpressionAttributeValues={":sampled": sampled, ":since": since, ":until": until},
                ScanIndexForward=False,
            )
            for page in pages:
                for rows in self._whole(page):
                    yield [row for row in rows if row.is_answered]

    def withheld_since(self, moment: str) -> Iterator[LogRow]:
        """Yield the detections from a moment on whose review was withheld and that have none, oldest first."""
        pages = self._pages(
            KeyConditionExpression=f"{_SAMPLED} = :no AND {_DATE} >= :moment",
            # An index of keys does not tell whether a row was withheld.
            FilterExpression=f"{Attribute.WITHHELD} = :true OR attribute_not_exists({_PROJECTED})",
            ExpressionAttributeValues={":no": SAMPLED_NO, ":moment": moment, ":true": True},
        )
        for page in pages:
            for rows in self._whole(page):
                yield from (row for row in rows if row.withheld and not row.has_review)

    def detected_since(self, moment: str) -> Iterator[tuple[str, str]]:
        """Yield the keys and ETags of detections from a moment on, failed ones included."""
        for sampled in IN_INDEX:
            pages = self._pages(
                KeyConditionExpression=f"{_SAMPLED} = :sampled AND {_DATE} >= :moment",
                ExpressionAttributeValues={":sampled": sampled, ":moment": moment},
            )
            for page in pages:
                for rows in self._whole(page):
                    yield from ((row.key, row.etag) for row in rows)

    def newest(self, window: LogWindow) -> Iterator[tuple[str, LogRow]]:
        """Yield detections from the newest to the oldest, each with the value of ``Sampled`` that the index has.

        Read as they are asked for, so whoever stops has read little more. Failed detections of version 0.2 and before
        are not in the index.
        """
        streams = (self._newest(sampled, start, window) for sampled, start in window.starts.items())
        return heapq.merge(*streams, key=lambda found: found[1].detected_at, reverse=True)

    def _newest(self, sampled: str, start: Position | None, window: LogWindow) -> Iterator[tuple[str, LogRow]]:
        begin = {_SAMPLED: sampled, _DATE: start.detected_at, _ID: start.detection_id} if start else None
        pages = self._pages(
            KeyConditionExpression=f"{_SAMPLED} = :sampled AND {_DATE} BETWEEN :since AND :until",
            ExpressionAttributeValues={":sampled": sampled, ":since": window.since, ":until": window.until},
            ScanIndexForward=False,
            PaginationConfig={"PageSize": window.page_size},
            **({"ExclusiveStartKey": begin} if begin else {}),
        )
        for page in pages:
            for rows in self._whole(page):
                yield from ((sampled, row) for row in rows)

    def last_sampled(self) -> Position | None:
        """Return the position of the latest sampled detection, or None if there is none."""
        moment = self._latest(SAMPLED_YES)
        if moment is None:
            return None
        # Several may have the same time; the last is the one with the highest id, as sampling orders them.
        pages = self._pages(
            KeyConditionExpression=f"{_SAMPLED} = :yes AND {_DATE} = :moment",
            ExpressionAttributeValues={":yes": SAMPLED_YES, ":moment": moment},
            ProjectionExpression=_ID,
        )
        return Position(moment, max(item[_ID] for page in pages for item in page))

    def latest(self) -> str | None:
        """Return the time of the latest detection in the index, or None if it is empty."""
        times = [self._latest(sampled) for sampled in (SAMPLED_NO, SAMPLED_YES)]
        return max((time for time in times if time is not None), default=None)

    def _latest(self, sampled: str) -> str | None:
        items = self._client.query(
            TableName=self.table,
            IndexName=self.index,
            KeyConditionExpression=f"{_SAMPLED} = :sampled",
            ExpressionAttributeValues={":sampled": sampled},
            ProjectionExpression=_DATE,
            ScanIndexForward=False,
            Limit=1,
        )["Items"]
        return str(items[0][_DATE]) if items else None

    def _pages(self, **query: Any) -> Iterator[list[Mapping[str, Any]]]:
        pages = self._client.get_paginator("query").paginate(TableName=self.table, IndexName=self.index, **query)
        return (page["Items"] for page in pages)

    def _whole(self, items: Sequence[Mapping[str, Any]]) -> Iterator[list[LogRow]]:
        """Yield the rows of a page of the index in its order: at once, or, read by key, about 1 MB at a time."""
        if all(_PROJECTED in item for item in items):
            yield list(map(LogRow.from_item, items))
            return
        for some in batched(items, _ROWS_PER_PAGE):
            yield list(self._rows([item[_ID] for item in some], consistent=False).values())
