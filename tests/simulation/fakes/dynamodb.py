"""DynamoDB, with values as Python's boto3 resource gives and takes them."""

# ruff: noqa: N803 - AWS's names
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.simulation.fakes.errors import Refusal
from tests.simulation.fakes.expressions import Names, is_true, updated
from tests.simulation.gate import LoudError

type Item = dict[str, Any]
_PAGE = 25  # items, so that what is read has several pages
_REFUSED = "ConditionalCheckFailed"
_OF_PUT = {"TableName", "Item", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"}
_OF_UPDATE = _OF_PUT - {"Item"} | {"Key", "UpdateExpression"}


@dataclass
class Table:
    """Items by key; an index is the names of its keys, the second one sorts."""

    key: tuple[str, ...]
    indexes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    items: dict[tuple[Any, ...], Item] = field(default_factory=dict)

    def key_of(self, item: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(item[name] for name in self.key)


def stored(value: Any) -> Any:
    """Return a value as DynamoDB keeps it. It takes no float, and no empty set."""
    if isinstance(value, bool | str | Decimal) or value is None:
        return value
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, Mapping):
        return {name: stored(one) for name, one in value.items()}
    if isinstance(value, list):
        return [stored(one) for one in value]
    if isinstance(value, set) and value:
        return {stored(one) for one in value}
    raise LoudError(f"DynamoDB takes no {value!r}")


class FakeDynamoDb:
    """The tables of one account."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self._tokens: set[str] = set()

    def _table(self, name: str) -> Table:
        if name not in self.tables:
            raise Refusal("ResourceNotFoundException", name)
        return self.tables[name]

    # ------------------------------------------------------------------- reading

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> dict[str, Any]:
        item = self._table(TableName).items.get(self._table(TableName).key_of(Key))
        return {"Item": stored(item)} if item is not None else {}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        ((name, wanted),) = RequestItems.items()
        table = self._table(name)
        keys = [table.key_of(key) for key in wanted["Keys"]]
        if not 1 <= len(set(keys)) == len(keys) <= 100:
            raise Refusal("ValidationException", f"{len(keys)} keys, or some twice")
        return {"Responses": {name: [stored(table.items[key]) for key in keys if key in table.items]}}

    def query(
        self,
        *,
        TableName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Mapping[str, Any],
        IndexName: str = "",
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        FilterExpression: str = "",
        ProjectionExpression: str = "",
        ScanIndexForward: bool = True,
        Select: str = "",
        Limit: int = _PAGE,
        ExclusiveStartKey: int = 0,
    ) -> dict[str, Any]:
        table = self._table(TableName)
        names = Names(
            {
                "ExpressionAttributeNames": ExpressionAttributeNames,
                "ExpressionAttributeValues": ExpressionAttributeValues,
            }
        )
        order = table.indexes[IndexName] if IndexName else table.key
        items = [one for one in table.items.values() if all(name in one for name in order)]
        items = [one for one in items if is_true(KeyConditionExpression, one, names)]
        items.sort(key=lambda one: tuple(one[name] for name in (*order, *table.key)), reverse=not ScanIndexForward)
        end = ExclusiveStartKey + Limit
        page = [one for one in items[ExclusiveStartKey:end] if is_true(FilterExpression, one, names)]
        found = [_projected(one, ProjectionExpression, names) for one in page]
        more = {"LastEvaluatedKey": end} if end < len(items) else {}
        return {"Count": len(found), "Items": [] if Select == "COUNT" else found, **more}

    # ------------------------------------------------------------------- writing

    def put_item(self, **request: Any) -> dict[str, Any]:
        key, item = self._put(request)
        if item is None:
            raise Refusal("ConditionalCheckFailedException", "The conditional request failed")
        self._table(request["TableName"]).items[key] = item
        return {}

    def update_item(self, **request: Any) -> dict[str, Any]:
        key, item = self._update(request)
        if item is None:
            raise Refusal("ConditionalCheckFailedException", "The conditional request failed")
        self._table(request["TableName"]).items[key] = item
        return {}

    def transact_write_items(
        self, *, TransactItems: Sequence[Mapping[str, Any]], ClientRequestToken: str
    ) -> dict[str, Any]:
        if ClientRequestToken in self._tokens:
            return {}
        changes = []
        for one in TransactItems:
            ((kind, request),) = one.items()
            table = self._table(request["TableName"])
            changes.append((table, *(self._put(request) if kind == "Put" else self._update(request))))
        if len(changes) > 100 or len({(id(table), key) for table, key, _ in changes}) < len(changes):
            raise Refusal("ValidationException", "too many items, or two changes of one")
        if any(item is None for _, _, item in changes):
            reasons = [{"Code": "None" if item is not None else _REFUSED} for _, _, item in changes]
            raise Refusal("TransactionCanceledException", "Transaction cancelled", CancellationReasons=reasons)
        for table, key, item in changes:
            assert item is not None
            table.items[key] = item
        self._tokens.add(ClientRequestToken)
        return {}

    def _put(self, request: Mapping[str, Any]) -> tuple[tuple[Any, ...], Item | None]:
        _check(request, _OF_PUT)
        table = self._table(request["TableName"])
        key = table.key_of(request["Item"])
        return key, stored(request["Item"]) if self._holds(table, key, request) else None

    def _update(self, request: Mapping[str, Any]) -> tuple[tuple[Any, ...], Item | None]:
        _check(request, _OF_UPDATE)
        table = self._table(request["TableName"])
        key = table.key_of(request["Key"])
        if not self._holds(table, key, request):
            return key, None
        before = table.items.get(key, request["Key"])
        return key, stored(updated(request["UpdateExpression"], before, Names(request)))

    def _holds(self, table: Table, key: tuple[Any, ...], request: Mapping[str, Any]) -> bool:
        return is_true(request.get("ConditionExpression", ""), table.items.get(key), Names(request))


def _check(request: Mapping[str, Any], known: set[str]) -> None:
    if unknown := request.keys() - known:
        raise LoudError(f"The fake table does not know {sorted(unknown)}")


def _projected(item: Item, expression: str, names: Names) -> Item:
    chosen = {names.name(name) for name in expression.split(", ")} if expression else item.keys()
    return {name: stored(value) for name, value in item.items() if name in chosen}
