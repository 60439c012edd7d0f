"""The shortest form of a history that breaks a promise.

Steps are plain values, so leaving some out and taking the others again is all that it needs. Hypothesis would shrink
the choices behind them, which takes minutes, and keeps steps that do nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from tests.simulation.history import History
from tests.simulation.steps import Step

type Steps = list[Step]


def problem_of(how: Mapping[str, Any], taken: Sequence[Step]) -> str:
    """Return which promise a history breaks; an empty text where it breaks none."""
    try:
        history = History(**how)
        history.do(*taken)
        history.settle()
    except AssertionError as error:
        return str(error)
    return ""


def shortest(how: Mapping[str, Any], taken: Sequence[Step]) -> Steps:
    """Return the fewest and simplest of some steps that still break a promise."""
    steps, before = list(taken), None
    while steps != before:
        before = steps
        steps = _fewer(steps, lambda some: bool(problem_of(how, some)))
        steps = _simpler(steps, lambda some: bool(problem_of(how, some)))
    return steps


def _fewer(steps: Steps, breaks: Callable[[Steps], bool]) -> Steps:
    size = max(1, len(steps) // 2)
    while size:
        start = 0
        while start < len(steps):
            others = steps[:start] + steps[start + size :]
            if breaks(others):
                steps = others
            else:
                start += size
        size //= 2
    return steps


def _simpler(steps: Steps, breaks: Callable[[Steps], bool]) -> Steps:
    for n in range(len(steps)):
        for simpler in _variants(steps[n]):
            others = [*steps[:n], simpler, *steps[n + 1 :]]
            if breaks(others):
                steps = others
    return steps


def _variants(step: Any) -> Iterator[Step]:
    """Yield steps that differ by one value, which is a default or shorter."""
    for field in fields(step):
        value = getattr(step, field.name)
        for simpler in (field.default, value[:1] if field.name in {"turns", "disturbed"} else value):
            if type(simpler) is type(value) and simpler != value:
                yield replace(step, **{field.name: simpler})


def script(how: Mapping[str, Any], steps: Steps) -> str:
    """Return a history as the code that plays it."""
    arguments = ", ".join(f"{name}={value!r}" for name, value in how.items())
    return "\n".join(
        [f"history = History({arguments})", *(f"history.do({step!r})" for step in steps), "history.settle()"]
    )
