"""Plays histories by a seed: the same seed plays the same ones, on any machine.

A failure names the promise, and prints the shortest history that breaks it, as the steps of ``machine.py``. Each test
is named by its seed: ``pytest "tests/simulation/test_models.py::test_models[1]"`` plays its histories again, and with
``CHAOS=whole`` those of any of the seeds that the whole has.
"""

import os
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.stateful import run_state_machine_as_test
from tests.simulation.machine import Histories

WHOLE = os.environ.get("CHAOS") == "whole"
SEEDS = range(100 if WHOLE else 2)
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
    _run(machine, number, HISTORIES, Phase.generate, Phase.shrink)
    record("histories", HISTORIES)
    record("cpu_seconds", time.process_time() - began)


def finds(machine: type[Histories], most: int) -> int:
    """Return how many histories were played until one broke a promise, or 0 where none of so many did."""
    begun: list[Histories] = []

    class Counted(machine):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__()
            begun.append(self)

    try:
        _run(Counted, 0, most, Phase.generate)
    except AssertionError:
        return len(begun) - 1  # the last one was played again, to see whether it fails each time
    return 0


def _run(machine: type[Histories], number: int, most: int, *phases: Phase) -> None:
    run_state_machine_as_test(
        seed(number)(type(machine.__name__, (machine,), {})),
        settings=settings(
            backend="plain",
            max_examples=most,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=False,
            phases=phases,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
