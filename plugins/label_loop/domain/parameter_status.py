"""How a parameter stands on both sides, and what becomes of a new text for its Variable."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from label_loop.domain.parameter_merge import STORE, VARIABLES, agreed, merge, problem
from label_loop.parameters import PARAMETERS

type Texts = Mapping[str, str | None]


@dataclass(frozen=True)
class Refusal:
    """A text that is not in force: where it stands, the text, and why."""

    side: str
    text: str
    reason: str


@dataclass(frozen=True)
class Status:
    """One parameter: the text in force in Airflow, what the next sync writes where, and what it refuses."""

    in_force: str
    to_store: str | None
    to_variables: str | None
    refusals: tuple[Refusal, ...]

    @property
    def settled(self) -> bool:
        """Whether both sides are what the next sync would leave."""
        return self.to_store is None and self.to_variables is None


def statuses(store: Texts, variables: Texts, state: Mapping[str, Any]) -> dict[str, Status]:
    """Return how each parameter stands; arguments as of ``merge``."""
    plan = merge(store, variables, state)
    return {
        name: Status(
            in_force=text_in_force(name, variables.get(name), state),
            to_store=plan.to_store.get(name),
            to_variables=plan.to_variables.get(name),
            refusals=_refusals(name, store.get(name), variables.get(name)),
        )
        for name in PARAMETERS
    }


def text_in_force(name: str, variable: str | None, state: Mapping[str, Any]) -> str:
    """Return the text in force, by the order of ``settings.read_settings``: Variable, last agreed, default."""
    if variable is not None and problem(name, variable) is None:
        return variable
    return agreed(state, name) or PARAMETERS[name].default


def overruled_by(name: str, text: str, store: Texts, state: Mapping[str, Any]) -> str | None:
    """Return the text of Parameter Store that a sync would take instead of this one for the Variable, if any.

    Parameter Store wins where both sides changed, so a text that is written before a sync has run would be lost.
    """
    value = merge({name: store.get(name)}, {name: text}, state).values[name]
    return value if value != text else None


def _refusals(name: str, store: str | None, variable: str | None) -> tuple[Refusal, ...]:
    sides = ((STORE, store), (VARIABLES, variable))
    return tuple(Refusal(side, text, why) for side, text in sides if text is not None and (why := problem(name, text)))
