"""Every trigger: made again from what it serializes, silent while a deferral settles, then true to what it saw."""

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from botocore.exceptions import ClientError, WaiterError

from label_loop.hooks.parameter_store import ParameterStoreHook
from label_loop.hooks.rekognition import RekognitionHook
from label_loop.parameters import PARAMETERS
from label_loop.states.upkeep import UpkeepState
from label_loop.triggers import inbox, limit, settling
from label_loop.triggers.inbox import FolderTrigger, NotificationQueueTrigger
from label_loop.triggers.limit import Limit
from label_loop.triggers.parameter_sync import ParameterChangeTrigger
from label_loop.triggers.rekognition import RekognitionProjectVersionTrigger, ServingModelTrigger

LEAST_PAUSE_SECONDS = 10.0  # by which a late report of the deferral has come; see triggers/settling.py


def throttled() -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "Any")


def queue_trigger(limit: dict[str, Any] | None = None) -> NotificationQueueTrigger:
    return NotificationQueueTrigger(
        limit=limit,
        sqs_queue="https://queue/uploads",
        aws_conn_id="aws_default",
        max_messages=10,
        wait_time_seconds=20,
        waiter_delay=0,
        delete_message_on_reception=False,
    )


def folder_trigger(
    seen: str | None = "2026-11-23T09:00:00+00:00", limit: dict[str, Any] | None = None
) -> FolderTrigger:
    return FolderTrigger("b", "images_for_detection/", seen, 30, "aws_default", limit=limit)


def version_trigger(attempts: int = 5) -> RekognitionProjectVersionTrigger:
    return RekognitionProjectVersionTrigger(
        project_arn="arn:project",
        version_name="v",
        waiter_name="project_version_trained",
        waiter_delay=15,
        waiter_max_attempts=attempts,
        aws_conn_id="aws_default",
    )


BEGAN = "2026-11-23T09:00:00+00:00"
LIMIT = {"loop_path": "/logos", "began": BEGAN, "idle_since": BEGAN}
MAKERS: dict[str, Callable[[], Any]] = {
    "queue": queue_trigger,
    "queue with a limit": lambda: queue_trigger(LIMIT),
    "folder": folder_trigger,
    "folder with a limit": lambda: folder_trigger(limit=LIMIT),
    "version": version_trigger,
    "serving": lambda: ServingModelTrigger("/logos", 20, "aws_default", BEGAN),
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


def give_steps(monkeypatch: pytest.MonkeyPatch, journal: Journal, *steps: Any) -> None:
    monkeypatch.setattr("label_loop.triggers.rekognition.uploads_inbox", lambda context: None)
    monkeypatch.setattr(UpkeepState, "step", answers(journal, *steps))


def give_settings(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    def in_force(loop: Any, name: str) -> Any:
        return changed.get(name, PARAMETERS[name].parse(PARAMETERS[name].default))

    monkeypatch.setattr(limit, "setting", in_force)


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
    give_steps(monkeypatch, journal, "detect")
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


@pytest.mark.parametrize("step", ["detect", "start", "give up"])
async def test_a_model_is_waited_for_until_there_is_something_to_do(
    monkeypatch: pytest.MonkeyPatch, journal: Journal, step: str
) -> None:
    give_steps(monkeypatch, journal, "wait", throttled(), step)
    give_settings(monkeypatch)
    assert await first_event(MAKERS["serving"]()) == {"status": "success"}
    assert journal.looks == 3
    assert journal.entries.count(20) == 2


async def test_a_model_that_has_no_room_is_looked_at_later(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    give_steps(monkeypatch, journal, "start")
    assert await first_event(ServingModelTrigger("/logos", 20, None, BEGAN, 600.0)) == {"status": "success"}
    assert journal.pauses_before_first_look >= 600 + LEAST_PAUSE_SECONDS


async def test_a_wait_for_a_model_ends_for_a_look_where_no_training_check_looks(
    monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    give_steps(monkeypatch, journal, "wait")
    give_settings(monkeypatch, **{"Enable-Automatic-Training": False})
    assert await first_event(MAKERS["serving"]()) == {"status": "success"}
    assert journal.looks == 1


# ----------------------------------------------------------------- limit


def minutes_ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()


OFF = {"Enable-Automatic-Training": False}
STOPS = {"Idle-Model-Stop-Minutes": 60}


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
    assert Limit("/logos", minutes_ago(began), since).look() is reached


async def test_a_limit_looks_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("label_loop.triggers.limit.time.monotonic", lambda: clock[0])
    give_settings(monkeypatch)
    limit = Limit(**LIMIT)
    assert not await limit.is_reached()
    give_settings(monkeypatch, **STOPS)
    clock[0] = 59.0
    assert not await limit.is_reached()
    clock[0] = 60.0
    assert await limit.is_reached()


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


async def test_the_sides_are_compared_until_they_differ(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    monkeypatch.setattr(ParameterStoreHook, "texts", answers(journal, {}, throttled(), {"a": "b"}))
    monkeypatch.setattr("label_loop.triggers.parameter_sync.Sides", lambda store, *_: Mock(differ=lambda: bool(store)))
    monkeypatch.setattr("label_loop.triggers.parameter_sync.read_variables", lambda loop: ({}, {}))
    assert await first_event(MAKERS["parameters"]()) == {"status": "success"}
    assert journal.looks == 3
    assert journal.entries.count(15) == 2


@pytest.mark.parametrize(("minutes", "reached"), [(-1, True), (1, False)])
def test_a_wait_ends_where_its_folder_is_to_be_listed(minutes: int, reached: bool) -> None:
    at = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    assert Limit("/logos", listing_at=at).look() is reached
