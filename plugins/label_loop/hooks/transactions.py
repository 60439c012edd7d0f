"""DynamoDB transactions: changes of several items, all or none."""

from collections.abc import Mapping, Sequence
from typing import Any

from label_loop.hooks.aws_errors import error_code

MAX_ITEMS = 100  # that a transaction takes
_REFUSED = "ConditionalCheckFailed"
# Concurrent transactions on the same item cancel each other, which botocore does not retry.
_PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def write_together(client: Any, items: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Write all changes or none. Return [] on success, else whether the condition of each change failed.

    ``items`` are TransactItems, at most ``MAX_ITEMS``, with at most one per DynamoDB item. botocore adds an idempotency
    token, so that a retry after a lost response is not applied twice.

    Raises TransactionCanceledException for other reasons; if ``is_contention``, a retry may succeed.
    """
    try:
        client.transact_write_items(TransactItems=items)
    except client.exceptions.TransactionCanceledException as error:
        codes = _codes(error)
        if _REFUSED not in codes:
            raise
        return [code == _REFUSED for code in codes]
    return []


def is_contention(error: BaseException) -> bool:
    """Return whether a transaction failed only because of a concurrent one or throttling."""
    codes = set(_codes(error)) - {"None"}
    return bool(codes) and codes <= _PASSING


def is_full(error: Exception) -> bool:
    """Return whether a transaction failed because an item would exceed the 400 KB limit of DynamoDB."""
    reasons = getattr(error, "response", {}).get("CancellationReasons", [])
    problems = [str(reason.get("Message")) for reason in reasons if reason.get("Code") == "ValidationError"]
    if error_code(error) == "ValidationException":  # raised instead if a single new item is too large
        problems.append(str(error))
    return any("Item size" in problem for problem in problems)


def _codes(error: BaseException) -> list[str]:
    response = getattr(error, "response", None) or {}  # None where a connection was lost
    return [str(reason.get("Code")) for reason in response.get("CancellationReasons", [])]
