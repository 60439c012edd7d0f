"""Changes of several DynamoDB items, all or none."""

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from label_loop.hooks.aws_errors import error_code

MOST_ITEMS = 100  # that a transaction takes
_REFUSED = "ConditionalCheckFailed"
# Two transactions on one item refuse each other, which botocore does not retry: each had only to wait for its turn.
_PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_TRIES = 10
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0


def write_together(client: Any, items: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Make all changes, or none; return for each whether its condition refused it, or nothing where all were made.

    ``items`` are TransactItems, at most ``MOST_ITEMS`` and at most one for each DynamoDB item. botocore sends each
    transaction with a token of its own, so that one whose answer was lost is not made twice.

    Raises TransactionCanceledException for other reasons, and where others are in the way again and again.
    """
    for again in range(_TRIES):
        try:
            client.transact_write_items(TransactItems=items)
        except client.exceptions.TransactionCanceledException as error:
            codes = _codes(error)
            if _REFUSED in codes:
                return [code == _REFUSED for code in codes]
            if not set(codes) <= _PASSING | {"None"} or again == _TRIES - 1:
                raise
            time.sleep(random.uniform(0, min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**again)))
        else:
            break
    return []


def is_full(error: Exception) -> bool:
    """Tell whether a transaction failed because an item would be larger than DynamoDB takes (400 KB)."""
    reasons = getattr(error, "response", {}).get("CancellationReasons", [])
    problems = [str(reason.get("Message")) for reason in reasons if reason.get("Code") == "ValidationError"]
    if error_code(error) == "ValidationException":  # what would be too large by itself is refused at once
        problems.append(str(error))
    return any("Item size" in problem for problem in problems)


def _codes(error: Any) -> list[str]:
    return [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])]
