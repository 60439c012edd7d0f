"""Reads JSON from outside."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from label_loop.exceptions import shown


def read_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises ValueError, with a reason for people, if it is not JSON, is nested too deeply, or has an object that names a
    field twice: readers disagree on which of the two counts.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not {error.encoding}") from error


def _without_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        (often, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"an object in it names {shown(often)} more than once")
    return fields
