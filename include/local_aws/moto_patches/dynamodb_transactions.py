"""DynamoDB transactions that cost what they change."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from local_aws.moto_patches.patch import patch


@patch((DynamoDBBackend, "transact_write_items"))
def undo_without_copies_of_tables(
    original: Callable[..., None], backend: DynamoDBBackend, transact_items: list[dict[str, Any]]
) -> None:
    """Keep a copy of the items that a transaction names, to put them back if it fails.

    moto 5.2.5 copies the whole table for each item of a transaction, to be able to undo it: minutes for 100 items
    beside 2,000 others. AWS's TransactWriteItems takes as long as its items need, however many others there are.
    """
    with _undone_on_error(backend, transact_items), _tables_not_copied():
        original(backend, transact_items)


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
