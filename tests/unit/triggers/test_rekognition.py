"""The waits for a version, and for a model that serves."""

import pytest
from tests.unit.triggers.fakes import (
    BEGAN,
    FAILED,
    LEAST_PAUSE_SECONDS,
    MAKERS,
    TRAINING,
    Journal,
    first_event,
    give_settings,
    give_steps,
    give_waiter,
    throttled,
    version_trigger,
)

from label_loop.triggers.serving import ServingModelTrigger


async def test_a_version_is_waited_for_until_it_gets_there(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    give_waiter(monkeypatch, journal, TRAINING, TRAINING, None)
    event = await first_event(version_trigger())
    assert event.payload == {"status": "success", "version_name": "v"}
    assert journal.looks == 3
    assert journal.entries.count(15) == 2


async def test_a_version_that_fails_ends_the_wait_with_an_error(
    monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    give_waiter(monkeypatch, journal, TRAINING, FAILED)
    event = (await first_event(version_trigger())).payload
    assert event["status"] == "error"
    assert "v did not get there" in event["message"]


async def test_a_wait_that_takes_too_long_ends_with_an_error(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    give_waiter(monkeypatch, journal, TRAINING)
    event = (await first_event(version_trigger(attempts=3))).payload
    assert event["status"] == "error"
    assert 3 <= journal.looks <= 4


@pytest.mark.parametrize("step", ["detect", "start", "give up"])
async def test_a_model_is_waited_for_until_there_is_something_to_do(
    monkeypatch: pytest.MonkeyPatch, journal: Journal, step: str
) -> None:
    give_steps(monkeypatch, journal, "wait", throttled(), step)
    give_settings(monkeypatch)
    assert (await first_event(MAKERS["serving"]())).payload == {"status": "success"}
    assert journal.looks == 3
    assert journal.entries.count(20) == 2


async def test_a_model_that_has_no_room_is_looked_at_later(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    give_steps(monkeypatch, journal, "start")
    assert (await first_event(ServingModelTrigger("/logos", 20, None, BEGAN, 600.0))).payload == {"status": "success"}
    assert journal.pauses_before_first_look >= 600 + LEAST_PAUSE_SECONDS


async def test_a_wait_for_a_model_ends_for_a_look_where_no_training_check_looks(
    monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    give_steps(monkeypatch, journal, "wait")
    give_settings(monkeypatch, **{"Enable-Automatic-Training": False})
    assert (await first_event(MAKERS["serving"]())).payload == {"status": "success"}
    assert journal.looks == 1
