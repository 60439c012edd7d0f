"""Keeps Parameter Store and Variables equal: a three-way merge against what they last agreed on."""

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
_LONGEST_IN_LINE = 60


@dataclass
class MergePlan:
    """What a sync has to do: texts to write on either side, the state after it, and what to tell."""

    to_store: dict[str, str] = field(default_factory=dict)
    to_variables: dict[str, str] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    refused: dict[str, list[str | None]] = field(default_factory=dict)

    @property
    def state(self) -> dict[str, Any]:
        """What the next sync merges against."""
        return {"values": self.values, "refused": self.refused}


def merge(store: Mapping[str, str | None], variables: Mapping[str, str | None], state: Mapping[str, Any]) -> MergePlan:
    """Return the plan for a loop's parameters.

    ``store`` and ``variables`` hold the texts of either side, None or absent where there is none; ``state``
    is the last plan's. A text that does not parse counts as unchanged and stays where it was written, for its
    author to correct; it is told once, until it changes. A side without a value gets the other's.
    """
    plan = MergePlan()
    for name in PARAMETERS:
        _merge_one(plan, name, (store.get(name), variables.get(name)), state)
    return plan


def without_late_reads(stored: Mapping[str, StoredText], state: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of Parameter Store. It may answer with what it held a while ago, which is no news.

    So a version that is older than the one last seen counts as unchanged, unless it was written after that one:
    then the parameter was deleted and made again.
    """
    return {
        name: agreed(state, name) or one.text if _is_late(one, _seen(state, name)) else one.text
        for name, one in stored.items()
    }


def with_seen(
    state: Mapping[str, Any], stored: Mapping[str, StoredText], written: Mapping[str, int], now: datetime
) -> dict[str, list[Any]]:
    """Return which version of each parameter was last seen and when it was written, for the next state.

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
    """Return whether nothing has to be written and nothing new has to be told."""
    return not (plan.to_store or plan.to_variables) and plan.state == {
        "values": state.get("values"),
        "refused": state.get("refused"),
    }


def _merge_one(plan: MergePlan, name: str, texts: tuple[str | None, str | None], state: Mapping[str, Any]) -> None:
    base = agreed(state, name)
    problems = {
        side: found for side, text in zip((STORE, VARIABLES), texts, strict=True) if (found := problem(name, text))
    }
    # Only refused texts are remembered: a change on the other side is no reason to tell of them again.
    refused = [text if side in problems else None for side, text in zip((STORE, VARIABLES), texts, strict=True)]
    told = _part(state, "refused").get(name)
    before = told if isinstance(told, list) and len(told) == 2 else [None, None]
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
    # A refused text is overwritten only by a newer good one; until then its author finds it in its place.
    superseded = base is not None and value != base
    if problems and not superseded:
        plan.refused[name] = refused
    if STORE not in problems or superseded:
        _write(plan.to_store, name, value, texts[0])
    if VARIABLES not in problems or superseded:
        _write(plan.to_variables, name, value, texts[1])


def agreed(state: Mapping[str, Any], name: str) -> str | None:
    """Return the text last agreed on; none that a person or an older release left and that is not valid."""
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
            f"{name}: Parameter Store's {_line(in_store)} was kept, the Variable's {_line(in_variables)} given up"
        )
    return in_store


def _line(text: str) -> str:
    """Return a text for a message of one line: as it is where it is short, else quoted and cut."""
    return text if len(text) <= _LONGEST_IN_LINE and text.isprintable() else shown(text)


def _write(side: dict[str, str], name: str, value: str, present: str | None) -> None:
    if value != present:
        side[name] = value


def problem(name: str, text: str | None) -> str | None:
    """Return why a text is no value of a parameter, or None where it is one or there is no text."""
    if text is None:
        return None
    try:
        PARAMETERS[name].parse(text)
    except InvalidParameterError as error:
        return str(error)
    return None
