"""The status of a parameter on both sides, and the effect of a new text for its Variable."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from label_loop.domain.parameter_merge import STORE, VARIABLES, agreed, merge, problem
from label_loop.parameters import PARAMETERS

type Texts = Mapping[str, str | None]


@dataclass(frozen=True)
class ParameterRefusal:
    """A rejected text: its side, the text, and why."""

    side: str
    text: str
    reason: str


@dataclass(frozen=True)
class ParameterStatus:
    """The text of a parameter in force in Airflow, and what the next sync will write and reject."""

    in_force: str
    to_store: str | None
    to_variables: str | None
    refusals: tuple[ParameterRefusal, ...]
    is_shadowed: bool = False  # read from elsewhere than Airflow's database, so that nothing written takes effect

    @property
    def settled(self) -> bool:
        """Whether the next sync has nothing to write."""
        return self.to_store is None and self.to_variables is None


def statuses(store: Texts, variables: Texts, state: Mapping[str, Any]) -> dict[str, ParameterStatus]:
    """Return the status of each parameter, by name; for the arguments see ``merge``."""
    plan = merge(store, variables, state)
    return {
        name: ParameterStatus(
            in_force=text_in_force(name, variables.get(name), state),
            to_store=plan.to_store.get(name),
            to_variables=plan.to_variables.get(name),
            refusals=_refusals(name, store.get(name), variables.get(name)),
            is_shadowed=name in plan.shadowed,
        )
        for name in PARAMETERS
    }


def text_in_force(name: str, variable: str | None, state: Mapping[str, Any]) -> str:
    """Return the text in force, in the order of ``variables.read_settings``: Variable, last agreed, default."""
    if variable is not None and problem(name, variable) is None:
        return variable
    return agreed(state, name) or PARAMETERS[name].default


def overruled_by(name: str, text: str, store: Texts, state: Mapping[str, Any]) -> str | None:
    """Return the text of Parameter Store that would override this text of the Variable at the next sync, or None.

    Parameter Store wins if both sides changed, so a text written before the next sync may be lost.
    """
    value = merge({name: store.get(name)}, {name: text}, state).values[name]
    return value if value != text else None


def _refusals(name: str, store: str | None, variable: str | None) -> tuple[ParameterRefusal, ...]:
    sides = ((STORE, store), (VARIABLES, variable))
    return tuple(
        ParameterRefusal(side, text, why) for side, text in sides if text is not None and (why := problem(name, text))
    )
