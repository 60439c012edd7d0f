"""Uploads, answers, samples and parameters in random histories: see ``histories.py`` for how to play one again."""

import pytest
from tests.simulation.histories import SEEDS, Record, play
from tests.simulation.machine import DailyWork


@pytest.mark.parametrize("seed", SEEDS)
def test_daily_work(seed: int, record_property: Record) -> None:
    play(DailyWork, seed, record_property)
