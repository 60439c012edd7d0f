"""Changes of several DynamoDB items, all or none."""

from collections.abc import Mapping, Sequence
from typing import Any

from label_loop.hooks.aws_errors import error_code

MOST_ITEMS = 100  # that a transaction takes
_REFUSED = "ConditionalCheckFailed"
# Two transactions on one item refuse each other, which botocore does not retry: each had only to wait for its turn.
_PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def write_together(client: Any, items: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Make all changes, or none; return for each whether its condition refused it, or nothing where all were made.

    ``items`` are TransactItems, at most ``MOST_ITEMS`` and at most one for each DynamoDB item. botocore sends each
    transaction with a token of its own, so that one whose answer was lost is not made twice.

    Raises TransactionCanceledException for other reasons; ``is_in_the_way`` tells where a later try may succeed.
    """
    try:
        client.transact_write_items(TransactItems=items)
    except client.exceptions.TransactionCanceledException as error:
        codes = _codes(error)
        if _REFUSED not in codes:
            raise
        return [code == _REFUSED for code in codes]
    return []


def is_in_the_way(error: BaseException) -> bool:
    """Tell whether a transaction failed for nothing but another one at the same moment, or a lack of capacity."""
    codes = set(_codes(error)) - {"None"}
    return bool(codes) and codes <= _PASSING


def is_full(error: Exception) -> bool:
    """Tell whether a transaction failed because an item would be larger than DynamoDB takes (400 KB)."""
    reasons = getattr(error, "response", {}).get("CancellationReasons", [])
    problems = [str(reason.get("Message")) for reason in reasons if reason.get("Code") == "ValidationError"]
    if error_code(error) == "ValidationException":  # what would be too large by itself is refused at once
        problems.append(str(error))
    return any("Item size" in problem for problem in problems)


def _codes(error: BaseException) -> list[str]:
    response = getattr(error, "response", None) or {}  # None where a connection was lost
    return [str(reason.get("Code")) for reason in response.get("CancellationReasons", [])]
