"""DynamoDB transactions that cost what they change."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

_installed: list[bool] = []


def install() -> None:
    """Mend the time that moto takes to write a transaction, once a process.

    To be able to undo it, moto copies the whole table for each item: minutes for 100 rows beside 2,000.
    """
    if _installed:
        return
    _installed.append(True)
    write = DynamoDBBackend.transact_write_items

    def write_cheaply(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        with _undone_on_error(backend, transact_items), _tables_not_copied():
            write(backend, transact_items)

    setattr(DynamoDBBackend, write.__name__, write_cheaply)


@contextmanager
def _undone_on_error(backend: DynamoDBBackend, changes: Sequence[Mapping[str, Any]]) -> Iterator[None]:
    """Put the items that a transaction names back as they were, if it fails."""
    before = [(*place, copy.deepcopy(_shelf(*place).get(place[-1]))) for place in _places(backend, changes)]
    try:
        yield
    except Exception:
        for table, hash_key, key, item in before:
            shelf = _shelf(table, hash_key, key)
            shelf.pop(key, None)
            if item:
                shelf[key] = item
        raise


def _places(
    backend: DynamoDBBackend, changes: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Table, DynamoType, DynamoType]]:
    """Yield where items are: in which table, under which hash key, and under which last key there."""
    for change in changes:
        for operation in change.values():
            table = backend.tables.get(operation.get("TableName"))
            values = operation.get("Key") or operation.get("Item") or {}
            names = [table.hash_key_attr, table.range_key_attr or table.hash_key_attr] if table else []
            if table and all(name in values for name in names):  # else moto refuses it
                yield table, DynamoType(values[names[0]]), DynamoType(values[names[1]])


def _shelf(table: Table, hash_key: DynamoType, _: DynamoType) -> dict[DynamoType, Any]:
    items: Any = table.items
    shelf: dict[DynamoType, Any] = items[hash_key] if table.has_range_key else items
    return shelf


@contextmanager
def _tables_not_copied() -> Iterator[None]:
    # Under the lock of moto's calls, so nothing else copies a table meanwhile.
    setattr(Table, "__deepcopy__", lambda table, _: table)  # noqa: B010 - it has none
    try:
        yield
    finally:
        del Table.__deepcopy__  # type: ignore[attr-defined]
