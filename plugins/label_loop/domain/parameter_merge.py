"""The three-way merge of Parameter Store and Airflow Variables against the values they last agreed on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from label_loop.domain.moments import read_moment, timestamp
from label_loop.exceptions import InvalidParameterError, shown
from label_loop.parameters import PARAMETERS
from label_loop.payloads import StoredText

STORE = "Parameter Store"
VARIABLES = "Airflow Variables"
_MAX_INLINE_CHARACTERS = 60


@dataclass
class MergePlan:
    """The actions of a sync: texts to write on either side, the state after it, and what to report."""

    to_store: dict[str, str] = field(default_factory=dict)
    to_variables: dict[str, str] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    refused: dict[str, list[str | None]] = field(default_factory=dict)

    @property
    def state(self) -> dict[str, Any]:
        """The base of the next merge."""
        return {"values": self.values, "refused": self.refused}


def merge(store: Mapping[str, str | None], variables: Mapping[str, str | None], state: Mapping[str, Any]) -> MergePlan:
    """Return the merge plan for a loop's parameters.

    ``store`` and ``variables`` map names to texts, None or absent if there is none; ``state`` is that of the last plan.
    An invalid text counts as unchanged and stays in place for its author to correct; it is reported once, until it
    changes. A side without a value receives the other's.
    """
    plan = MergePlan()
    for name in PARAMETERS:
        _merge_one(plan, name, (store.get(name), variables.get(name)), state)
    return plan


def without_stale_reads(stored: Mapping[str, StoredText], state: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of Parameter Store, with stale reads replaced by the last agreed text.

    Parameter Store is eventually consistent: a version lower than the last one seen is stale, unless it was written
    later, which means that the parameter was deleted and recreated.
    """
    return {
        name: agreed(state, name) or one.text if _is_late(one, _seen(state, name)) else one.text
        for name, one in stored.items()
    }


def with_seen(
    state: Mapping[str, Any], stored: Mapping[str, StoredText], written: Mapping[str, int], now: datetime
) -> dict[str, list[Any]]:
    """Return the last version seen of each parameter, ``[version, ISO 8601]``, for the next state.

    ``written`` are the versions that a sync has just written itself.
    """
    seen = {name: _seen(state, name) if _is_late(one, _seen(state, name)) else _of(one) for name, one in stored.items()}
    seen |= {name: (version, now) for name, version in written.items()}
    return {name: [one[0], timestamp(one[1])] for name, one in seen.items() if one}


type _Seen = tuple[int, datetime] | None


def _of(stored: StoredText) -> _Seen:
    return stored.version, stored.written_at


def _seen(state: Mapping[str, Any], name: str) -> _Seen:
    match _part(state, "seen").get(name):
        case [int(version), str(moment)] if at := read_moment(moment):
            return version, at
    return None


def _is_late(stored: StoredText, seen: _Seen) -> bool:
    return seen is not None and stored.version < seen[0] and stored.written_at <= seen[1]


def is_settled(plan: MergePlan, state: Mapping[str, Any]) -> bool:
    """Return whether there is nothing to write and nothing new to report."""
    return not (plan.to_store or plan.to_variables) and plan.state == {
        "values": state.get("values"),
        "refused": state.get("refused"),
    }


def _merge_one(plan: MergePlan, name: str, texts: tuple[str | None, str | None], state: Mapping[str, Any]) -> None:
    base = agreed(state, name)
    problems = {
        side: found for side, text in zip((STORE, VARIABLES), texts, strict=True) if (found := problem(name, text))
    }
    # Only refused texts are remembered, so that a change on the other side does not report them again.
    refused = [text if side in problems else None for side, text in zip((STORE, VARIABLES), texts, strict=True)]
    reported = _part(state, "refused").get(name)
    before = reported if isinstance(reported, list) and len(reported) == 2 else [None, None]
    for side, text, text_before in zip((STORE, VARIABLES), refused, before, strict=True):
        if side in problems and text != text_before:
            plan.refusals.append(f"{side}: {problems[side]}")
    in_store = base if STORE in problems else texts[0]
    in_variables = base if VARIABLES in problems else texts[1]
    value = _winner(plan, name, in_store, in_variables, base)
    plan.values[name] = value
    if value != base:
        plan.changes.append(
            f"{name}: {_line(base)} → {_line(value)}" if base is not None else f"{name}: {_line(value)}"
        )
    # A refused text is only overwritten by a newer valid one, so that its author can correct it.
    superseded = base is not None and value != base
    if problems and not superseded:
        plan.refused[name] = refused
    if STORE not in problems or superseded:
        _write(plan.to_store, name, value, texts[0])
    if VARIABLES not in problems or superseded:
        _write(plan.to_variables, name, value, texts[1])


def agreed(state: Mapping[str, Any], name: str) -> str | None:
    """Return the text last agreed on; None if there is none or it is no longer valid."""
    text = _part(state, "values").get(name)
    return text if isinstance(text, str) and problem(name, text) is None else None


def _part(state: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = state.get(key)
    return part if isinstance(part, dict) else {}


def _winner(plan: MergePlan, name: str, in_store: str | None, in_variables: str | None, base: str | None) -> str:
    if in_store is None or in_variables is None:
        present = in_store if in_variables is None else in_variables
        return present or base or PARAMETERS[name].default
    if base is not None and in_store == base:
        return in_variables
    if in_variables not in (base, in_store) and base is not None:
        plan.conflicts.append(
            f"{name}: changed on both sides. Parameter Store's {_line(in_store)} was kept, the Variable's "
            f"{_line(in_variables)} discarded"
        )
    return in_store


def _line(text: str) -> str:
    """Return a text for a one-line message: as it is if short, else quoted and truncated."""
    return text if len(text) <= _MAX_INLINE_CHARACTERS and text.isprintable() else shown(text)


def _write(side: dict[str, str], name: str, value: str, present: str | None) -> None:
    if value != present:
        side[name] = value


def problem(name: str, text: str | None) -> str | None:
    """Return why a text is invalid for a parameter; None if it is valid or missing."""
    if text is None:
        return None
    try:
        PARAMETERS[name].parse(text)
    except InvalidParameterError as error:
        return str(error)
    return None
