"""The inference log in DynamoDB."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import Any

from airflow.providers.amazon.aws.hooks.dynamodb import DynamoDBHook

from label_loop.domain.detections import SAMPLED_NO, SAMPLED_YES
from label_loop.domain.sampling import Position
from label_loop.hooks.retries import PATIENT

KEY = "DetectLabelRequestId"
_ROWS_A_CALL = 100  # of both BatchGetItem and TransactWriteItems
_UNPROCESSED_TRIES = 8


class InferenceLogHook(DynamoDBHook):
    """One loop's table and its index of sampled detections.

    Its methods are safe to call from several threads: they use the client, which is, and not the resource.
    """

    def __init__(self, table: str, index: str = "Sampled_GSI", *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", PATIENT)
        super().__init__(*args, **kwargs)
        self.table = table
        self.index = index

    @property
    def _client(self) -> Any:
        # The client under a resource takes and gives plain Python values.
        return self.conn.meta.client

    def rows(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the rows that exist of the given ids, 100 a call, as they are at this moment."""
        found: dict[str, dict[str, Any]] = {}
        for some in batched(dict.fromkeys(ids), _ROWS_A_CALL):
            wanted = {self.table: {"Keys": [{KEY: id_} for id_ in some], "ConsistentRead": True}}
            for _ in range(_UNPROCESSED_TRIES):
                response = self._client.batch_get_item(RequestItems=wanted)
                found |= {row[KEY]: row for row in response["Responses"].get(self.table, [])}
                wanted = response.get("UnprocessedKeys") or {}
                if not wanted:
                    break
            else:
                raise TimeoutError(f"{self.table} gives some rows again and again as unprocessed.")
        return found

    def put_new(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Write the rows that do not exist yet, 100 a call; return their ids. Others stay as they are.

        Of several rows of one id the first counts: an event that came twice would fail the transaction.
        """
        written: list[str] = []
        first: dict[str, Mapping[str, Any]] = {}
        for row in rows:
            first.setdefault(row[KEY], row)
        for some in batched(first.values(), _ROWS_A_CALL):
            written += self._put_batch(list(some))
        return written

    def _put_batch(self, rows: list[Mapping[str, Any]]) -> list[str]:
        # A transaction is all or nothing, so each try drops the rows that turned out to exist.
        while rows:
            puts = [
                {
                    "Put": {
                        "TableName": self.table,
                        "Item": row,
                        "ConditionExpression": f"attribute_not_exists({KEY})",
                    }
                }
                for row in rows
            ]
            try:
                self._client.transact_write_items(TransactItems=puts)
            except self._client.exceptions.TransactionCanceledException as error:
                reasons = error.response.get("CancellationReasons", [])
                kept = [
                    row
                    for row, reason in zip(rows, reasons, strict=True)
                    if reason.get("Code") != "ConditionalCheckFailed"
                ]
                if len(kept) == len(rows):
                    raise  # throttled or in conflict, beyond botocore's patience
                rows = kept
            else:
                return [row[KEY] for row in rows]
        return []

    def set_once(self, id_: str, guard: str, values: Mapping[str, Any]) -> bool:
        """Set attributes of an existing row unless it has the attribute ``guard``; tell whether they were."""
        names = {f"#{n}": name for n, name in enumerate(values)}
        try:
            self._client.update_item(
                TableName=self.table,
                Key={KEY: id_},
                UpdateExpression="SET " + ", ".join(f"{short} = :{short[1:]}" for short in names),
                ConditionExpression=f"attribute_exists({KEY}) AND attribute_not_exists(#guard)",
                ExpressionAttributeNames={**names, "#guard": guard},
                ExpressionAttributeValues={f":{n}": value for n, value in enumerate(values.values())},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

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

    def mark_sampled(self, tasks: Mapping[str, Mapping[str, str]]) -> None:
        """Mark detections as sampled, each with further attributes to set, 100 a call; repeatable."""
        for some in batched(tasks.items(), _ROWS_A_CALL):
            updates = [{"Update": self._mark(id_, attributes)} for id_, attributes in some]
            self._client.transact_write_items(TransactItems=updates)

    def _mark(self, id_: str, attributes: Mapping[str, str]) -> dict[str, Any]:
        values = {"Sampled": SAMPLED_YES, **attributes}
        return {
            "TableName": self.table,
            "Key": {KEY: id_},
            "UpdateExpression": "SET " + ", ".join(f"{name} = :{name}" for name in values),
            "ConditionExpression": f"attribute_exists({KEY})",
            "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
        }
