"""The waits for uploads and answers, by a queue or by a listing."""

from typing import Any

import pytest
from tests.unit.triggers.fakes import (
    MAKERS,
    MESSAGE,
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
)


async def test_the_queue_is_polled_until_messages_come_and_none_is_deleted(
    monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    client = give_queue(monkeypatch, journal, {}, {"Messages": []}, {"Messages": [MESSAGE]})
    event = await first_event(queue_trigger())
    assert event == {"status": "success", "message_batch": [MESSAGE]}
    assert journal.looks == 3
    client.delete_message_batch.assert_not_called()
    assert client.receive_message.call_args.kwargs["WaitTimeSeconds"] == 20


@pytest.mark.parametrize(
    "dull",
    [[], [item("old.png", OLD)], [item("folder/", NEW)]],
    ids=["empty", "nothing newer", "a folder's marker"],
)
async def test_a_folder_is_listed_until_an_object_is_newer(
    monkeypatch: pytest.MonkeyPatch, journal: Journal, dull: list[Any]
) -> None:
    give_folder(monkeypatch, journal, dull, dull, [*dull, item("new.png", NEW)])
    assert await first_event(folder_trigger()) == {"status": "success"}
    assert journal.looks == 3
    assert journal.entries.count(30) == 2


async def test_a_folder_that_was_never_seen_has_news_with_its_first_object(
    monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    give_folder(monkeypatch, journal, [item("old.png", OLD)])
    assert await first_event(folder_trigger(seen=None)) == {"status": "success"}


@pytest.mark.parametrize("name", ["queue with a limit", "folder with a limit"])
async def test_a_wait_that_reaches_its_limit_succeeds_with_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    give_queue(monkeypatch, journal, {})
    give_folder(monkeypatch, journal, [])
    give_settings(monkeypatch, **STOPS)
    event = await first_event(MAKERS[name]())
    assert event["status"] == "success"
    assert not event.get("message_batch")
    assert journal.looks == 1
