"""The waits for uploads and answers, by a queue or by a listing."""

from typing import Any

import pytest
from airflow.triggers.base import TaskSuccessEvent
from tests.unit.triggers.fakes import (
    MAKERS,
    NEW,
    OLD,
    STOPS,
    Journal,
    first_event,
    folder_trigger,
    give_folder,
    give_queue,
    give_settings,
    item,
    queue_trigger,
    throttled,
)


async def test_the_queue_is_looked_at_until_it_has_messages_and_none_is_received(
    monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    client = give_queue(monkeypatch, journal, 0, throttled(), 0, 2)
    assert isinstance(await first_event(queue_trigger()), TaskSuccessEvent)
    assert journal.looks == 4
    client.receive_message.assert_not_called()


async def test_a_queue_is_looked_at_ever_less_often(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    give_queue(monkeypatch, journal, *[0] * 60, 1)
    await first_event(queue_trigger())
    pauses = [entry for entry in journal.entries if isinstance(entry, float)][1:]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (1.0, 3.0)


@pytest.mark.parametrize(
    "dull",
    [[], [item("old.png", OLD)], [item("folder/", NEW)]],
    ids=["empty", "nothing newer", "a folder's marker"],
)
async def test_a_folder_is_listed_until_an_object_is_newer(
    monkeypatch: pytest.MonkeyPatch, journal: Journal, dull: list[Any]
) -> None:
    give_folder(monkeypatch, journal, dull, dull, [*dull, item("new.png", NEW)])
    assert isinstance(await first_event(folder_trigger()), TaskSuccessEvent)
    assert journal.looks == 3
    assert journal.entries.count(30) == 2


async def test_a_folder_that_was_never_seen_has_news_with_its_first_object(
    monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    give_folder(monkeypatch, journal, [item("old.png", OLD)])
    assert isinstance(await first_event(folder_trigger(seen=None)), TaskSuccessEvent)


@pytest.mark.parametrize("name", ["queue with a limit", "folder with a limit"])
async def test_a_wait_that_reaches_its_limit_lets_the_sensor_look_again(
    name: str, monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    give_queue(monkeypatch, journal, 0)
    give_folder(monkeypatch, journal, [])
    give_settings(monkeypatch, **STOPS)
    event = await first_event(MAKERS[name]())
    assert not isinstance(event, TaskSuccessEvent)
    assert event.payload == {"status": "limit"}
    assert journal.looks == 1
