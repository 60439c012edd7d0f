"""The inference log in DynamoDB."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import batched
from typing import Any

from airflow.providers.amazon.aws.hooks.dynamodb import DynamoDBHook
from botocore.exceptions import ClientError

from label_loop.domain.detections import SAMPLED_NO, SAMPLED_YES
from label_loop.domain.sampling import Position
from label_loop.domain.statistics import Counts, Item, Row, of_answer, of_detection, of_sample, summed, without_pairs
from label_loop.hooks.retries import PATIENT
from label_loop.hooks.statistics import increments
from label_loop.hooks.transactions import MOST_ITEMS, is_full, write_together

log = logging.getLogger(__name__)

KEY = "DetectLabelRequestId"
HUMAN_LABEL = "HumanLabel"
_ROWS_A_READ = 100
_UNPROCESSED_TRIES = 8
_COUNTED = ("Sampled", HUMAN_LABEL)  # what an answer or a mark adds to the counts depends on both


class InferenceLogHook(DynamoDBHook):
    """One loop's table and its index of sampled detections; ``statistics`` is the table that counts them, if any.

    Its methods are safe to call from several threads: they use the client, which is, and not the resource.
    """

    def __init__(
        self, table: str, index: str = "Sampled_GSI", statistics: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        kwargs.setdefault("config", PATIENT)
        super().__init__(*args, **kwargs)
        self.table = table
        self.index = index
        self.statistics = statistics

    @property
    def _client(self) -> Any:
        # The client under a resource takes and gives plain Python values.
        return self.conn.meta.client

    def rows(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the rows that exist of the given ids, in their order, 100 a call, as they are at this moment."""
        wanted_ids = dict.fromkeys(ids)
        found: dict[str, dict[str, Any]] = {}
        for some in batched(wanted_ids, _ROWS_A_READ):
            wanted = {self.table: {"Keys": [{KEY: id_} for id_ in some], "ConsistentRead": True}}
            for _ in range(_UNPROCESSED_TRIES):
                response = self._client.batch_get_item(RequestItems=wanted)
                found |= {row[KEY]: row for row in response["Responses"].get(self.table, [])}
                wanted = response.get("UnprocessedKeys") or {}
                if not wanted:
                    break
            else:
                raise TimeoutError(f"{self.table} gives some rows again and again as unprocessed.")
        return {id_: found[id_] for id_ in wanted_ids if id_ in found}  # DynamoDB gives them in any order

    def put_new(self, rows: Sequence[Row]) -> list[str]:
        """Write the rows that do not exist yet, and count them; return their ids. Others stay as they are.

        Of several rows of one id the first counts: an event that came twice would fail the transaction.
        """
        first: dict[str, Row] = {}
        for row in rows:
            first.setdefault(row[KEY], row)
        batches = self._batches(first.values(), of_detection)
        return [id_ for some in batches for id_ in self._put_batch(some)]

    def _put_batch(self, rows: list[Row]) -> list[str]:
        # A transaction is all or nothing, so each try drops the rows that turned out to exist, and counts the others.
        while rows:
            puts = [self._put(row) for row in rows]
            refused = self._write(puts, summed(map(of_detection, rows)))
            if not refused:
                break
            rows = [row for row, is_refused in zip(rows, refused, strict=True) if not is_refused]
        return [row[KEY] for row in rows]

    def _put(self, row: Row) -> dict[str, Any]:
        condition = f"attribute_not_exists({KEY})"
        return {"Put": {"TableName": self.table, "Item": row, "ConditionExpression": condition}}

    def set_once(self, id_: str, guard: str, values: Mapping[str, Any]) -> bool:
        """Set attributes of an existing row unless it has the attribute ``guard``; tell whether they were."""
        return not self._write([self._update({KEY: id_}, values, [guard])], {})

    def set_answers(self, rows: Iterable[Row], answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Set attributes of rows, with a HumanLabel among them, and count the answers; return the ids of those set.

        Rows that have a HumanLabel stay as they are. ``rows`` are as they were read; ``answers`` has the attributes
        by id.
        """

        def counted(row: Row) -> Counts:
            return of_answer(row, answers[row[KEY]][HUMAN_LABEL])

        unanswered = (row for row in rows if HUMAN_LABEL not in row)
        done: list[str] = []
        for some in self._batches(unanswered, counted):
            updates = [self._update(row, answers[row[KEY]], _COUNTED) for row in some]
            ids = [row[KEY] for row in some]
            if self._write(updates, summed(map(counted, some))):
                # Some were answered or sampled meanwhile, or are gone.
                done += self.set_answers(self.rows(ids).values(), answers)
            else:
                done += ids
        return done

    def mark_sampled(self, rows: Iterable[Row], marks: Mapping[str, Mapping[str, str]]) -> None:
        """Mark rows as sampled, each with further attributes to set, and count them; repeatable.

        ``rows`` are as they were read; ``marks`` has the attributes by id.
        """
        unmarked = (row for row in rows if row.get("Sampled") != SAMPLED_YES)
        for some in self._batches(unmarked, of_sample):
            updates = [self._update(row, {"Sampled": SAMPLED_YES, **marks[row[KEY]]}, _COUNTED) for row in some]
            if self._write(updates, summed(map(of_sample, some))):
                # Some were answered or marked meanwhile, or are gone.
                self.mark_sampled(self.rows([row[KEY] for row in some]).values(), marks)

    def _update(self, row: Row, values: Mapping[str, Any], unchanged: Sequence[str]) -> dict[str, Any]:
        """Return the change that sets attributes of an existing row, if others are still as in ``row``."""
        names = {name: f"#{n}" for n, name in enumerate(dict.fromkeys([*values, *unchanged]))}
        known = [name for name in unchanged if name in row]
        conditions = [f"attribute_exists({KEY})"]
        conditions += [f"{names[name]} = :known{names[name][1:]}" for name in known]
        conditions += [f"attribute_not_exists({names[name]})" for name in unchanged if name not in row]
        return {
            "Update": {
                "TableName": self.table,
                "Key": {KEY: row[KEY]},
                "UpdateExpression": "SET " + ", ".join(f"{names[name]} = :new{names[name][1:]}" for name in values),
                "ConditionExpression": " AND ".join(conditions),
                "ExpressionAttributeNames": {short: name for name, short in names.items()},
                "ExpressionAttributeValues": {
                    **{f":new{names[name][1:]}": value for name, value in values.items()},
                    **{f":known{names[name][1:]}": row[name] for name in known},
                },
            }
        }

    def _batches(self, rows: Iterable[Row], counted: Callable[[Row], Counts]) -> Iterator[list[Row]]:
        """Yield as many rows at a time as fit into a transaction with what counts them."""
        some: list[Row] = []
        items: set[Item] = set()
        for row in rows:
            own = set(counted(row)) if self.statistics else set()
            if len(some) + 1 + len(items | own) > MOST_ITEMS:
                yield some
                some, items = [], set()
            some.append(row)
            items |= own
        if some:
            yield some

    def _write(self, changes: Sequence[Mapping[str, Any]], counts: Counts) -> list[bool]:
        """Make changes of rows and count them, all or none; return which changes were refused, if any was."""
        counting = increments(self.statistics, counts) if self.statistics else []
        try:
            return write_together(self._client, [*changes, *counting])[: len(changes)]
        except ClientError as error:
            kept = without_pairs(counts)
            if not is_full(error) or kept == counts:
                raise
            log.warning(
                "A day's table of confusions in %s has no room left: its answers are counted without", self.statistics
            )
            return self._write(changes, kept)

    def unsampled_since(self, moment: str) -> Iterator[Position]:
        """Yield the positions of detections not sampled, from a time on, in the index's order."""
        paginator = self._client.get_paginator("query")
        pages = paginator.paginate(
            TableName=self.table,
            IndexName=self.index,
            KeyConditionExpression="Sampled = :no AND DetectLabelDate >= :moment",
            ExpressionAttributeValues={":no": SAMPLED_NO, ":moment": moment},
            ProjectionExpression=f"DetectLabelDate, {KEY}",
        )
        for page in pages:
            yield from (Position(row["DetectLabelDate"], row[KEY]) for row in page["Items"])

    def answered(self, since: str, until: str) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows with a person's label, detected between two times: samples first, each newest first.

        They come page by page as the index is read, 1 MB each: the rows without a label are read too, and left out.
        """
        paginator = self._client.get_paginator("query")
        for sampled in (SAMPLED_YES, SAMPLED_NO):
            pages = paginator.paginate(
                TableName=self.table,
                IndexName=self.index,
                KeyConditionExpression="Sampled = :sampled AND DetectLabelDate BETWEEN :since AND :until",
                FilterExpression=f"attribute_exists({HUMAN_LABEL})",
                ExpressionAttributeValues={":sampled": sampled, ":since": since, ":until": until},
                ScanIndexForward=False,
            )
            yield from (page["Items"] for page in pages)

    def detected_since(self, moment: str) -> Iterator[tuple[str, str]]:
        """Yield the keys and eTags that were detected from a time on; what failed is not in the index."""
        for sampled in (SAMPLED_YES, SAMPLED_NO):
            pages = self._client.get_paginator("query").paginate(
                TableName=self.table,
                IndexName=self.index,
                KeyConditionExpression="Sampled = :sampled AND DetectLabelDate >= :moment",
                ExpressionAttributeValues={":sampled": sampled, ":moment": moment},
            )
            for page in pages:
                yield from ((row["S3ObjectKey"], row["S3ObjectEtag"]) for row in page["Items"])

    def last_sampled(self) -> Position | None:
        """Return where the latest sampled detection stands, or None before the first."""
        query = {
            "TableName": self.table,
            "IndexName": self.index,
            "KeyConditionExpression": "Sampled = :yes",
            "ExpressionAttributeValues": {":yes": SAMPLED_YES},
            "ProjectionExpression": f"DetectLabelDate, {KEY}",
            "ScanIndexForward": False,
        }
        latest = self._client.query(**query, Limit=1)["Items"]
        if not latest:
            return None
        # Several may have that time; the last by id counts, as sampling orders them.
        query["KeyConditionExpression"] = "Sampled = :yes AND DetectLabelDate = :moment"
        moment = latest[0]["DetectLabelDate"]
        query["ExpressionAttributeValues"] = {":yes": SAMPLED_YES, ":moment": moment}
        pages = self._client.get_paginator("query").paginate(**query)
        return Position(moment, max(row[KEY] for page in pages for row in page["Items"]))

    def latest(self) -> str | None:
        """Return the time of the latest detection in the index, or None where the log is empty."""
        times = []
        for sampled in (SAMPLED_NO, SAMPLED_YES):
            response = self._client.query(
                TableName=self.table,
                IndexName=self.index,
                KeyConditionExpression="Sampled = :sampled",
                ExpressionAttributeValues={":sampled": sampled},
                ScanIndexForward=False,
                Limit=1,
            )
            times += [row["DetectLabelDate"] for row in response["Items"]]
        return max(times, default=None)
