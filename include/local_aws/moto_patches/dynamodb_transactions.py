"""DynamoDB transactions: made once, no larger than they may be, and as cheap as what they change."""

import copy
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import DynamodbException, MockValidationException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from local_aws.moto_patches.patch import patch

_TOKENS = "local_aws_tokens"  # attribute of moto's backend: when each token was used, and for which changes
_TOKEN_SECONDS = 600
_TRANSACTION_BYTES = 4 * 1024 * 1024


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


@patch((DynamoDBBackend, "transact_write_items"))
def limit_the_size_of_transactions(
    original: Callable[..., None], backend: DynamoDBBackend, transact_items: list[dict[str, Any]]
) -> None:
    """Refuse a transaction whose items are larger together than it may be.

    moto 5.2.5 takes transactions of any size. AWS documents a limit of 4 MB for all items of a transaction
    (TransactWriteItems), and answers ValidationException above it.
    """
    changes = (change for item in transact_items for change in item.values())
    # An update is counted by what it sets: the rest of its item is not known before it is made.
    if sum(_size(one.get("Item") or one.get("ExpressionAttributeValues", {})) for one in changes) > _TRANSACTION_BYTES:
        raise MockValidationException("Transaction request is larger than 4 MB.")
    original(backend, transact_items)


def _size(attributes: Mapping[str, Any]) -> int:
    return sum(len(name.encode()) + DynamoType(value).size() for name, value in attributes.items())


@patch((DynamoHandler, "transact_write_items"))
def make_a_repeated_transaction_once(original: Callable[..., Any], handler: DynamoHandler) -> Any:
    """Make a transaction once, however often it is asked for with the same token.

    moto 5.2.5 does not look at the token, and makes it again. AWS documents that ClientRequestToken makes calls
    idempotent for 10 minutes, and IdempotentParameterMismatchException for other changes with a token that was used
    (TransactWriteItems).
    """
    token = handler.body.get("ClientRequestToken")
    if not token:
        return original(handler)
    used = vars(handler.dynamodb_backend).setdefault(_TOKENS, {})
    now, changes = time.monotonic(), _digest(handler.body["TransactItems"])
    for old in [one for one, (at, _) in used.items() if now - at > _TOKEN_SECONDS]:
        del used[old]
    if token not in used:
        answer = original(handler)
        used[token] = now, changes
        return answer
    if used[token][1] != changes:
        text = "The token was used for other changes."
        raise DynamodbException("com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException", text)
    return ActionResult({"ConsumedCapacity": [], "ItemCollectionMetrics": {}})


def _digest(changes: Any) -> str:
    return hashlib.sha256(json.dumps(changes, sort_keys=True, default=repr).encode()).hexdigest()


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
