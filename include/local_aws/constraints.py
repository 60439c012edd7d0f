"""The constraints that AWS checks and botocore's validator does not: patterns, enums and upper bounds."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


def violations(shape: Shape, value: Any, name: str = "") -> list[str]:
    """List what a value breaks, worded as AWS words it."""
    return list(_violations(shape, value, name))


def _violations(shape: Shape, value: Any, name: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        for key, item in value.items():
            yield from _violations(shape.members[key], item, f"{name}.{_camel(key)}" if name else _camel(key))
        return
    if isinstance(shape, ListShape):
        for index, item in enumerate(value, 1):
            yield from _violations(shape.member, item, f"{name}.{index}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _violations(shape.value, item, f"{name}.{key}.member")
    rule = _broken_rule(shape, value)
    if rule:
        shown = value if len(str(value)) <= 200 else f"{str(value)[:200]}…"
        yield f"Value '{shown}' at '{name}' failed to satisfy constraint: Member must {rule}"


def _broken_rule(shape: Shape, value: Any) -> str | None:
    limits = shape.metadata
    if isinstance(value, str | list | bytes | dict):
        if "max" in limits and len(value) > limits["max"]:
            return f"have length less than or equal to {limits['max']}"
    elif isinstance(value, int | float) and "max" in limits and value > limits["max"]:
        return f"have value less than or equal to {limits['max']}"
    if isinstance(value, str):
        return _broken_text_rule(limits, value)
    return None


def _broken_text_rule(limits: dict[str, Any], value: str) -> str | None:
    if limits.get("enum") and value not in limits["enum"]:
        return f"satisfy enum value set: [{', '.join(limits['enum'])}]"
    pattern = _compile(limits["pattern"]) if "pattern" in limits else None
    if pattern and not pattern.fullmatch(value):
        return f"satisfy regular expression pattern: {limits['pattern']}"
    return None


@cache
def _compile(pattern: str) -> re.Pattern[str] | None:
    r"""Read a pattern of the model; those with Java's \p classes are beyond Python and not checked."""
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:
        return None


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]
