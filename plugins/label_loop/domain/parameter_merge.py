"""The three-way merge of Parameter Store and Airflow Variables against the values they last agreed on."""

from collections.abc import Iterable, Mapping
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
_STAYS = "The last valid value remains in force."


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
    shadowed: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> dict[str, Any]:
        """The base of the next merge."""
        return {"values": self.values, "refused": self.refused, "shadowed": self.shadowed}

    def add_shadow(self, name: str, text: str) -> None:
        """Report that Airflow reads this text for the Variable, whatever is written to it."""
        self.shadowed[name] = text
        value = self.values[name]
        if value != text:
            self.refusals.append(
                f"{VARIABLES}: {name}: {_line(text)} is in force, and it is not in Airflow's database: an environment "
                f"variable (AIRFLOW_VAR_...) or a secrets backend overrides the Variable. Parameter Store's "
                f"{_line(value)} has no effect until that value is removed."
            )


def merge(
    store: Mapping[str, str | None],
    variables: Mapping[str, str | None],
    state: Mapping[str, Any],
    cut_writes: Mapping[str, str] | None = None,
) -> MergePlan:
    """Return the merge plan for a loop's parameters.

    ``store`` and ``variables`` map names to texts, None or absent if there is none; ``state`` is that of the last plan.
    An invalid text counts as unchanged and stays in place for its author to correct; it is reported once, until it
    changes. A side without a value receives the other's. A Variable in the state's ``shadowed`` is read from elsewhere:
    its text is nobody's edit. ``cut_writes`` is what ``cut_writes`` returns.
    """
    plan = MergePlan()
    for name in PARAMETERS:
        written = (cut_writes or {}).get(name)
        _merge_one(plan, name, (store.get(name), variables.get(name)), state, written)
    return plan


def cut_writes(
    state: Mapping[str, Any], stored: Mapping[str, StoredText], variables: Mapping[str, str | None]
) -> dict[str, str]:
    """Return what a sync wrote that was cut before it stored its state, by name.

    People edited these texts, not the ones last agreed on: whoever sets the old value again means it.
    """
    writing = _part(state, "writing")
    since = {name: text for name, text in _part(writing, "since").items() if isinstance(text, str)}
    to_store, to_variables = _part(writing, "store"), _part(writing, "variables")
    since |= {name: text for name, text in to_variables.items() if variables.get(name) == text}
    newer = {name for name, one in stored.items() if (seen := _seen(state, name)) and one.version > seen[0]}
    return since | {name: text for name, text in to_store.items() if isinstance(text, str) and name in newer}


def with_suspected_shadows(state: Mapping[str, Any], names: Iterable[str]) -> Mapping[str, Any]:
    """Return the state with Variables of unknown text among those that are read from elsewhere.

    The next plan writes them, and what is read then tells.
    """
    suspected = dict.fromkeys(names, "") | dict(_part(state, "shadowed"))
    return {**state, "shadowed": suspected} if suspected else state


def before_writing(
    state: Mapping[str, Any], plan: MergePlan, since: Mapping[str, str], seen: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the state for a sync that is about to write a plan; ``since`` is what ``cut_writes`` returned."""
    writing = {"store": plan.to_store, "variables": plan.to_variables, "since": dict(since)}
    return {**state, "writing": writing, "seen": dict(seen)}


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
    if plan.to_store or plan.to_variables or state.get("writing"):
        return False
    return plan.state == {
        "values": state.get("values"),
        "refused": state.get("refused"),
        "shadowed": state.get("shadowed", {}),
    }


def _merge_one(
    plan: MergePlan,
    name: str,
    texts: tuple[str | None, str | None],
    state: Mapping[str, Any],
    written: str | None,
) -> None:
    shadow = _part(state, "shadowed").get(name)
    if shadow is not None and texts[1] is not None:
        _merge_shadowed(plan, name, (texts[0], texts[1]), state)
        return
    base = agreed(state, name)
    compared = base if written is None else written
    problems = {
        side: found for side, text in zip((STORE, VARIABLES), texts, strict=True) if (found := problem(name, text))
    }
    # Only refused texts are remembered, so that a change on the other side does not report them again.
    refused = [text if side in problems else None for side, text in zip((STORE, VARIABLES), texts, strict=True)]
    reported = _part(state, "refused").get(name)
    before = reported if isinstance(reported, list) and len(reported) == 2 else [None, None]
    for side, text, text_before in zip((STORE, VARIABLES), refused, before, strict=True):
        if side in problems and text != text_before:
            plan.refusals.append(f"{side}: {problems[side]} {_STAYS}")
    in_store = compared if STORE in problems else texts[0]
    in_variables = compared if VARIABLES in problems else texts[1]
    value = _winner(plan, name, in_store, in_variables, compared)
    plan.values[name] = value
    if value != base:
        plan.changes.append(_change(name, base, value))
    # A refused text is only overwritten by a newer valid one, so that its author can correct it.
    superseded = base is not None and value != base
    if problems and not superseded:
        plan.refused[name] = refused
    if STORE not in problems or superseded:
        _write(plan.to_store, name, value, texts[0])
    if VARIABLES not in problems or superseded:
        _write(plan.to_variables, name, value, texts[1])


def _change(name: str, before: str | None, after: str) -> str:
    return f"{name}: {_line(before)} → {_line(after)}" if before is not None else f"{name}: {_line(after)}"


def _merge_shadowed(plan: MergePlan, name: str, texts: tuple[str | None, str], state: Mapping[str, Any]) -> None:
    """Follow Parameter Store, and write the Variable once it reads otherwise: that shows whether the shadow is gone."""
    base, (in_store, in_variables) = agreed(state, name), texts
    invalid = problem(name, in_store)
    value = (base if invalid else in_store) or base or PARAMETERS[name].default
    plan.values[name] = value
    if invalid:
        plan.refused[name] = [in_store, None]
        if _part(state, "refused").get(name) != plan.refused[name]:
            plan.refusals.append(f"{STORE}: {invalid} {_STAYS}")
    if in_store is None:
        plan.to_store[name] = value
    if in_variables != _part(state, "shadowed")[name]:
        _write(plan.to_variables, name, value, in_variables)
    elif value == base:
        plan.shadowed[name] = in_variables
    else:
        plan.add_shadow(name, in_variables)


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
