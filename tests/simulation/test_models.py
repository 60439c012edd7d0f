"""Trainings, deployments, idle stops and people in random histories: see ``histories.py`` for how to play one again."""

import pytest
from tests.simulation.histories import SEEDS, Record, play
from tests.simulation.machine import Models


@pytest.mark.parametrize("seed", SEEDS)
def test_models(seed: int, record_property: Record) -> None:
    play(Models, seed, record_property)
