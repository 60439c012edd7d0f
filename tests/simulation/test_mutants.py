"""The histories find faults: each that is put into the package is found within 200 histories."""

import pytest
from tests.simulation.histories import finds
from tests.simulation.mutants import MUTANTS

_MOST_HISTORIES = 200
_FOUND_LATE = ("answers are applied without a condition",)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in _FOUND_LATE else []) for name in MUTANTS]
)
def test_a_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = MUTANTS[name]
    mutant.put_in(monkeypatch)
    played = finds(mutant.machine, _MOST_HISTORIES)
    assert played, f"{_MOST_HISTORIES} histories do not find that {name}"
    print(f"{name}: found by history {played}")  # noqa: T201 - told by pytest -rP
