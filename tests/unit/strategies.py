"""Inputs that several property tests draw from."""

import json
from typing import Any

from hypothesis import strategies as st

ARBITRARY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)

# Characters that break naive splitting, quoting and encoding; S3 allows them all.
HOSTILE_TEXT = st.text(
    st.sampled_from("\n\r\t \"'\\/+%&=?#,:{}[]<>üé中🙂\u2028\u2029\x85\x00ab1.") | st.characters(codec="utf-8"),
    min_size=1,
    max_size=40,
)


def anything_like(shape: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of JSON values like ``shape`` in which any part may be anything else, or missing."""
    if isinstance(shape, dict):
        parts = {key: anything_like(value) for key, value in shape.items()}
        same: st.SearchStrategy[Any] = st.fixed_dictionaries({}, optional=parts)
    elif isinstance(shape, list):
        same = st.lists(anything_like(shape[0]), max_size=3)
    else:
        same = st.just(shape)
    # The true shape comes up most often, so that deep parts are reached with everything above them right.
    return st.one_of(same, same, same, same, same, ARBITRARY_JSON)


def as_json(value: Any) -> str:
    """Return a value as JSON text."""
    return json.dumps(value)
