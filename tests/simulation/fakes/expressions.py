"""DynamoDB's expressions, as far as the package writes them; any other is a loud error."""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.simulation.gate import LoudError

type Item = Mapping[str, Any]
type Clause = Callable[[Item, "Names"], bool]

_NAME, _VALUE = r"(#?[A-Za-z0-9_]+)", r"(:[A-Za-z0-9_]+)"
_EXISTS = re.compile(rf"attribute_(not_)?exists\({_NAME}\)")
_COMPARED = re.compile(rf"{_NAME} (=|>=|<=|<|>) {_VALUE}")
_IS_NOT = re.compile(rf"\(attribute_not_exists\({_NAME}\) OR {_NAME} <> {_VALUE}\)")
_EITHER = re.compile(rf"attribute_exists\({_NAME}\) OR attribute_not_exists\({_NAME}\)")
_BETWEEN = re.compile(rf"{_NAME} BETWEEN {_VALUE} AND {_VALUE}")
_AND = re.compile(r" AND ")
_SET = re.compile(rf"{_NAME} = {_VALUE}")
_ADD = re.compile(rf"{_NAME} {_VALUE}")
_REMOVE = re.compile(_NAME)
_CHANGES = {"SET": _SET, "ADD": _ADD, "REMOVE": _REMOVE}
_VERB = re.compile(r" (?=REMOVE )")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    ">=": lambda a, b: bool(a >= b),
    "<=": lambda a, b: bool(a <= b),
    "<": lambda a, b: bool(a < b),
    ">": lambda a, b: bool(a > b),
}


class Names:
    """What stands for names and values in the expressions of one request."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self._names = request.get("ExpressionAttributeNames") or {}
        self._values = request.get("ExpressionAttributeValues") or {}

    def name(self, text: str) -> str:
        return str(self._names[text]) if text.startswith("#") else text

    def value(self, text: str) -> Any:
        return self._values[text]


def is_true(expression: str, item: Item | None, names: Names) -> bool:
    """Return whether a condition, a key condition or a filter holds for an item; None is a missing one."""
    return all(clause(item or {}, names) for clause in _clauses(expression))


@functools.cache
def _clauses(expression: str) -> tuple[Clause, ...]:
    clauses: list[Clause] = []
    at = 0
    patterns = (
        (_EITHER, _either),
        (_EXISTS, _exists),
        (_IS_NOT, _is_not),
        (_BETWEEN, _between),
        (_COMPARED, _compared),
    )
    while at < len(expression):
        for pattern, make in patterns:
            match = pattern.match(expression, at)
            if match:
                clauses.append(make(match))
                at = match.end()
                break
        else:
            raise LoudError(f"The fake table does not understand {expression[at:]!r} of {expression!r}")
        separator = _AND.match(expression, at)
        if at < len(expression) and not separator:
            raise LoudError(f"The fake table does not understand {expression[at:]!r} of {expression!r}")
        at = separator.end() if separator else at
    return tuple(clauses)


def _either(match: re.Match[str]) -> Clause:
    present, absent = match.groups()
    return lambda item, names: names.name(present) in item or names.name(absent) not in item


def _exists(match: re.Match[str]) -> Clause:
    is_absent, name = bool(match[1]), match[2]
    return lambda item, names: (names.name(name) in item) != is_absent


def _is_not(match: re.Match[str]) -> Clause:
    absent, name, value = match.groups()

    def clause(item: Item, names: Names) -> bool:
        return names.name(absent) not in item or item.get(names.name(name), names.value(value)) != names.value(value)

    return clause


def _compared(match: re.Match[str]) -> Clause:
    name, compare, value = match[1], _COMPARISONS[match[2]], match[3]

    def clause(item: Item, names: Names) -> bool:
        own = item.get(names.name(name))
        return own is not None and compare(own, names.value(value))

    return clause


def _between(match: re.Match[str]) -> Clause:
    name, low, high = match.groups()

    def clause(item: Item, names: Names) -> bool:
        own = item.get(names.name(name))
        return own is not None and names.value(low) <= own <= names.value(high)

    return clause


def updated(expression: str, item: Item, names: Names) -> dict[str, Any]:
    """Return an item after an update."""
    values = dict(item)
    for clause in _VERB.split(expression):
        kind, _, text = clause.partition(" ")
        for part in text.split(", "):
            _change(values, kind, part, names)
    return values


def _change(values: dict[str, Any], kind: str, part: str, names: Names) -> None:
    match = _CHANGES[kind].fullmatch(part) if kind in _CHANGES else None
    if match is None:
        raise LoudError(f"The fake table does not understand {kind} {part}")
    name = names.name(match[1])
    if kind == "REMOVE":
        values.pop(name, None)
    else:
        value = names.value(match[2])
        values[name] = value if kind == "SET" else values.get(name, 0) + value
