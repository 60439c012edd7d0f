"""Every trigger: made again from what it serializes, silent while a deferral settles, then true to what it saw."""

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from botocore.exceptions import ClientError, WaiterError

from label_loop.hooks.parameter_store import ParameterStoreHook
from label_loop.hooks.rekognition import RekognitionHook
from label_loop.states.context import LoopContext
from label_loop.triggers import inbox, settling
from label_loop.triggers.inbox import FolderTrigger, NotificationQueueTrigger
from label_loop.triggers.parameter_sync import ParameterChangeTrigger
from label_loop.triggers.rekognition import RekognitionProjectVersionTrigger, ServingModelTrigger

LEAST_PAUSE_SECONDS = 10.0  # by which a late report of the deferral has come; see triggers/settling.py


def throttled() -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "Any")


def queue_trigger() -> NotificationQueueTrigger:
    return NotificationQueueTrigger(
        sqs_queue="https://queue/uploads",
        aws_conn_id="aws_default",
        max_messages=10,
        wait_time_seconds=20,
        waiter_delay=0,
        delete_message_on_reception=False,
    )


def folder_trigger(seen: str | None = "2026-11-23T09:00:00+00:00") -> FolderTrigger:
    return FolderTrigger("b", "images_for_detection/", seen, 30, "aws_default")


def version_trigger(attempts: int = 5) -> RekognitionProjectVersionTrigger:
    return RekognitionProjectVersionTrigger(
        project_arn="arn:project",
        version_name="v",
        waiter_name="project_version_trained",
        waiter_delay=15,
        waiter_max_attempts=attempts,
        aws_conn_id="aws_default",
    )


MAKERS: dict[str, Callable[[], Any]] = {
    "queue": queue_trigger,
    "folder": folder_trigger,
    "version": version_trigger,
    "serving": lambda: ServingModelTrigger("/logos", 20, "aws_default"),
    "parameters": lambda: ParameterChangeTrigger("/logos", 15, None),
}


class Journal:
    """What happened, in order: pauses as seconds, looks as words."""

    def __init__(self) -> None:
        self.entries: list[float | str] = []

    @property
    def pauses_before_first_look(self) -> float:
        first = self.entries.index("look")
        return sum(entry for entry in self.entries[:first] if isinstance(entry, float | int))

    @property
    def looks(self) -> int:
        return self.entries.count("look")


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    """Let pauses pass at once, and note them."""
    kept, sleep = Journal(), asyncio.sleep

    async def noted(seconds: float) -> None:
        kept.entries.append(seconds)
        assert len(kept.entries) < 200, "the trigger never ends"
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    return kept


@asynccontextmanager
async def connected(client: Any) -> AsyncIterator[Any]:
    yield client


def answers(journal: Journal, *results: Any) -> Callable[..., Any]:
    """Return a function that notes each look, and gives these results in turn, the last one for ever."""
    left: Iterator[Any] = iter(results)
    last = [None]

    def look(*_: Any, **__: Any) -> Any:
        journal.entries.append("look")
        last[0] = next(left, last[0])
        if isinstance(last[0], Exception):
            raise last[0]
        return last[0]

    return look


def give_queue(monkeypatch: pytest.MonkeyPatch, journal: Journal, *results: Any) -> Any:
    client = Mock(receive_message=AsyncMock(side_effect=answers(journal, *results)), delete_message_batch=AsyncMock())
    hook = Mock(get_async_conn=AsyncMock(side_effect=lambda: connected(client)))
    monkeypatch.setattr(NotificationQueueTrigger, "hook", hook)
    return client


def give_folder(monkeypatch: pytest.MonkeyPatch, journal: Journal, *listings: Any) -> None:
    look = answers(journal, *listings)

    async def pages() -> AsyncIterator[Any]:
        yield {"Contents": look()}

    paginator = Mock(paginate=Mock(side_effect=lambda **_: pages()))
    client = Mock(get_paginator=Mock(return_value=paginator))
    hook = Mock(get_async_conn=AsyncMock(side_effect=lambda: connected(client)))
    monkeypatch.setattr(inbox, "S3Hook", Mock(return_value=hook))


def give_waiter(monkeypatch: pytest.MonkeyPatch, journal: Journal, *results: Any) -> None:
    waiter = Mock(wait=AsyncMock(side_effect=answers(journal, *results)))
    monkeypatch.setattr(RekognitionHook, "get_async_conn", AsyncMock(side_effect=lambda: connected(Mock())))
    monkeypatch.setattr(RekognitionHook, "get_waiter", lambda self, name, **_: waiter)


def waiter_error(reason: str, status: str) -> WaiterError:
    response = {"ProjectVersionDescriptions": [{"Status": status}]}
    return WaiterError(name="project_version_trained", reason=reason, last_response=response)


TRAINING = waiter_error("Max attempts exceeded", "TRAINING_IN_PROGRESS")
FAILED = waiter_error("Waiter encountered a terminal failure state: TRAINING_FAILED", "TRAINING_FAILED")
MESSAGE = {"MessageId": "1", "ReceiptHandle": "r", "Body": "{}"}


def item(key: str, moment: datetime) -> dict[str, Any]:
    return {"Key": f"images_for_detection/{key}", "LastModified": moment}


OLD, NEW = datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 9, 0, 1, tzinfo=UTC)


async def first_event(trigger: Any) -> dict[str, Any]:
    async with asyncio.timeout(20):
        async for event in trigger.run():
            payload: dict[str, Any] = event.payload
            return payload
    raise AssertionError("no event")


# ------------------------------------------------------------------- all


@pytest.mark.parametrize("name", MAKERS)
def test_what_a_trigger_serializes_makes_an_equal_one(name: str) -> None:
    trigger = MAKERS[name]()
    path, arguments = trigger.serialize()
    module, _, kind = path.rpartition(".")
    again = getattr(importlib.import_module(module), kind)(**json.loads(json.dumps(arguments)))
    assert type(again) is type(trigger)
    assert again.serialize() == trigger.serialize()
    ignored = {"_log", "_logger", "task_instance", "_task_instance"}
    assert {k: v for k, v in vars(again).items() if k not in ignored} == {
        k: v for k, v in vars(trigger).items() if k not in ignored
    }


def test_the_pause_outlasts_a_late_report_of_the_deferral() -> None:
    assert settling.SETTLING_SECONDS >= LEAST_PAUSE_SECONDS


@pytest.mark.parametrize("name", MAKERS)
async def test_no_trigger_looks_before_its_deferral_has_settled(
    name: str, monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    give_queue(monkeypatch, journal, {"Messages": [MESSAGE]})
    give_folder(monkeypatch, journal, [item("a.png", NEW)])
    give_waiter(monkeypatch, journal, None)
    monkeypatch.setattr(LoopContext, "serves", answers(journal, True))
    monkeypatch.setattr(ParameterStoreHook, "texts", answers(journal, {}))
    monkeypatch.setattr("label_loop.triggers.parameter_sync.Sides", Mock(return_value=Mock(differ=lambda: True)))
    monkeypatch.setattr("label_loop.triggers.parameter_sync.read_variables", lambda loop: ({}, {}))
    assert (await first_event(MAKERS[name]()))["status"] == "success"
    assert journal.pauses_before_first_look >= LEAST_PAUSE_SECONDS
    assert journal.looks == 1


# ----------------------------------------------------------------- queue


async def test_the_queue_is_polled_until_messages_come_and_none_is_deleted(
    monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    client = give_queue(monkeypatch, journal, {}, {"Messages": []}, {"Messages": [MESSAGE]})
    event = await first_event(queue_trigger())
    assert event == {"status": "success", "message_batch": [MESSAGE]}
    assert journal.looks == 3
    client.delete_message_batch.assert_not_called()
    assert client.receive_message.call_args.kwargs["WaitTimeSeconds"] == 20


# ---------------------------------------------------------------- folder


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


# --------------------------------------------------------------- version


async def test_a_version_is_waited_for_until_it_gets_there(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    give_waiter(monkeypatch, journal, TRAINING, TRAINING, None)
    assert await first_event(version_trigger()) == {"status": "success", "version_name": "v"}
    assert journal.looks == 3
    assert journal.entries.count(15) == 2


async def test_a_version_that_fails_ends_the_wait_with_an_error(
    monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    give_waiter(monkeypatch, journal, TRAINING, FAILED)
    event = await first_event(version_trigger())
    assert event["status"] == "error"
    assert "v did not get there" in event["message"]


async def test_a_wait_that_takes_too_long_ends_with_an_error(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    give_waiter(monkeypatch, journal, TRAINING)
    event = await first_event(version_trigger(attempts=3))
    assert event["status"] == "error"
    assert 3 <= journal.looks <= 4


# ------------------------------------------------- serving and parameters


async def test_a_model_is_waited_for_until_it_serves(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    monkeypatch.setattr(LoopContext, "serves", answers(journal, False, throttled(), True))
    assert await first_event(MAKERS["serving"]()) == {"status": "success"}
    assert journal.looks == 3
    assert journal.entries.count(20) == 2


async def test_the_sides_are_compared_until_they_differ(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    monkeypatch.setattr(ParameterStoreHook, "texts", answers(journal, {}, throttled(), {"a": "b"}))
    monkeypatch.setattr("label_loop.triggers.parameter_sync.Sides", lambda store, *_: Mock(differ=lambda: bool(store)))
    monkeypatch.setattr("label_loop.triggers.parameter_sync.read_variables", lambda loop: ({}, {}))
    assert await first_event(MAKERS["parameters"]()) == {"status": "success"}
    assert journal.looks == 3
    assert journal.entries.count(15) == 2
