"""Keeps Parameter Store and Variables equal: a three-way merge against what they last agreed on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from label_loop.exceptions import InvalidParameterError
from label_loop.parameters import PARAMETERS

STORE = "Parameter Store"
VARIABLES = "Airflow Variables"


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
    """Return the plan for the ten parameters.

    ``store`` and ``variables`` hold the texts of either side, None or absent where there is none; ``state``
    is the last plan's. A text that does not parse counts as unchanged and stays where it was written, for its
    author to correct; it is told once, until it changes. A side without a value gets the other's.
    """
    plan = MergePlan()
    for name in PARAMETERS:
        _merge_one(plan, name, (store.get(name), variables.get(name)), state)
    return plan


def is_settled(plan: MergePlan, state: Mapping[str, Any]) -> bool:
    """Return whether nothing has to be written and nothing new has to be told."""
    return not (plan.to_store or plan.to_variables) and plan.state == {
        "values": state.get("values"),
        "refused": state.get("refused"),
    }


def _merge_one(plan: MergePlan, name: str, texts: tuple[str | None, str | None], state: Mapping[str, Any]) -> None:
    base = (state.get("values") or {}).get(name)
    problems = {
        side: problem for side, text in zip((STORE, VARIABLES), texts, strict=True) if (problem := _problem(name, text))
    }
    if problems:
        plan.refused[name] = list(texts)
        if (state.get("refused") or {}).get(name) != list(texts):
            plan.refusals.extend(f"{side}: {problem}" for side, problem in problems.items())
    in_store = base if STORE in problems else texts[0]
    in_variables = base if VARIABLES in problems else texts[1]
    value = _winner(plan, name, in_store, in_variables, base)
    plan.values[name] = value
    if value != base:
        before = f"{base} → " if base is not None else ""
        plan.changes.append(f"{name}: {before}{value}")
    # A refused text is overwritten only by a newer good one; until then its author finds it in its place.
    superseded = base is not None and value != base
    if STORE not in problems or superseded:
        _write(plan.to_store, name, value, texts[0])
    if VARIABLES not in problems or superseded:
        _write(plan.to_variables, name, value, texts[1])


def _winner(plan: MergePlan, name: str, in_store: str | None, in_variables: str | None, base: str | None) -> str:
    if in_store is None or in_variables is None:
        present = in_store if in_variables is None else in_variables
        return present or base or PARAMETERS[name].default
    if base is not None and in_store == base:
        return in_variables
    if in_variables not in (base, in_store) and base is not None:
        plan.conflicts.append(f"{name}: Parameter Store's {in_store} was kept, the Variable's {in_variables} given up")
    return in_store


def _write(side: dict[str, str], name: str, value: str, present: str | None) -> None:
    if value != present:
        side[name] = value


def _problem(name: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        PARAMETERS[name].parse(text)
    except InvalidParameterError as error:
        return str(error)
    return None
