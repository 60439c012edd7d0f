"""Plays histories by a seed: the same seed plays the same ones, on any machine.

A failure names the promise, and prints the shortest history that breaks it, as code. Each test is named by its seed:
``pytest "tests/simulation/test_models.py::test_models[1]"`` plays its histories again. Seeds beyond those of the quick
cut need ``CHAOS=whole``.
"""

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.stateful import run_state_machine_as_test
from tests.simulation.history import History
from tests.simulation.machine import Histories
from tests.simulation.shrinking import problem_of, script, shortest

WHOLE = os.environ.get("CHAOS") == "whole"
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 100 if WHOLE else 2))]
HISTORIES = 50  # of each seed
STEPS = 35


class PlainProvider(HypothesisProvider):
    """Draws each history anew, by the seed alone.

    By itself hypothesis spends five histories of six on variations of the sixth, and draws numbers, too, that it finds
    in the modules that happen to be imported.
    """

    def _maybe_draw_constant(self, *_: Any, **__: Any) -> None:
        return None


AVAILABLE_PROVIDERS["plain"] = f"{__name__}.{PlainProvider.__name__}"

type Record = Callable[[str, object], None]


def play(machine: type[Histories], number: int, record: Record) -> None:
    """Play the histories of a seed, and record how many there were and what they cost."""
    began = time.process_time()
    _, broken = _played(machine, number, HISTORIES)
    if broken:
        steps = shortest(broken.how, broken.taken)
        told = f"{problem_of(broken.how, steps)}\n\nThe shortest history of the seed {number} that does so:\n"
        raise AssertionError(told + script(broken.how, steps))
    record("histories", HISTORIES)
    record("cpu_seconds", time.process_time() - began)


def finds(machine: type[Histories], most: int) -> int:
    """Return how many histories were played until one broke a promise, or 0 where none of so many did."""
    histories, broken = _played(machine, 0, most)
    return histories if broken else 0


def _played(machine: type[Histories], number: int, most: int) -> tuple[int, History | None]:
    """Play histories until one breaks a promise; return how many were begun, and that one."""
    begun: list[History] = []
    seeded = seed(number)(type(machine.__name__, (machine,), {"begun": begun.append}))
    try:
        _run(seeded, most)
    except AssertionError:
        return len(begun) - 1, begun[-1]  # it was played again, to see whether it fails each time
    return len(begun), None


def _run(machine: type[Histories], most: int) -> None:
    how = settings(
        backend="plain",
        max_examples=most,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=how)
