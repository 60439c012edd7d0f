"""What ends a wait for uploads before any come."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.triggers.fakes import LIMIT, STOPS, give_settings

from label_loop.triggers.limit import WaitLimit


def minutes_ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()


OFF = {"Enable-Automatic-Training": False}


@pytest.mark.parametrize(
    ("settings", "began", "idle_since", "reached"),
    [
        ({}, 9999, 9999, False),
        (STOPS, 0, 61, True),
        (STOPS, 9999, 59, False),
        (STOPS, 0, None, True),  # switched on meanwhile
        (OFF, 721, 9999, True),
        (OFF, 719, 9999, False),
        (OFF | STOPS, 719, 59, False),
    ],
)
def test_a_wait_ends_when_the_model_is_idle_or_what_runs_has_to_be_looked_at(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], began: float, idle_since: float | None, reached: bool
) -> None:
    give_settings(monkeypatch, **settings)
    since = None if idle_since is None else minutes_ago(idle_since)
    assert WaitLimit("/logos", minutes_ago(began), since).check() is reached


async def test_a_limit_looks_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("label_loop.triggers.limit.time.monotonic", lambda: clock[0])
    give_settings(monkeypatch)
    limit = WaitLimit(**LIMIT)
    assert not await limit.is_reached()
    give_settings(monkeypatch, **STOPS)
    clock[0] = 59.0
    assert not await limit.is_reached()
    clock[0] = 60.0
    assert await limit.is_reached()


@pytest.mark.parametrize(("minutes", "reached"), [(-1, True), (1, False)])
def test_a_wait_ends_where_its_folder_is_to_be_listed(minutes: int, reached: bool) -> None:
    at = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    assert WaitLimit("/logos", listing_at=at).check() is reached
