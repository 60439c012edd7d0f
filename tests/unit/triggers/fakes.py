"""Triggers, what they ask in their place, and a journal of what they do."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from airflow.triggers.base import TriggerEvent
from botocore.exceptions import ClientError, WaiterError

from label_loop.hooks.rekognition import RekognitionHook
from label_loop.parameters import PARAMETERS
from label_loop.serving import ServingModel
from label_loop.triggers import inbox, limit
from label_loop.triggers.bake import BakeTrigger
from label_loop.triggers.inbox import FolderTrigger, QueueTrigger
from label_loop.triggers.parameter_sync import ParameterChangeTrigger
from label_loop.triggers.rekognition import RekognitionProjectVersionTrigger
from label_loop.triggers.serving import ServingModelTrigger

LEAST_PAUSE_SECONDS = 10.0  # by which a late report of the deferral has come; see triggers/settling.py


def throttled() -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "Any")


def queue_trigger(limit: dict[str, Any] | None = None) -> QueueTrigger:
    return QueueTrigger("https://queue/uploads", "aws_default", limit)


def folder_trigger(
    seen: str | None = "2026-11-23T09:00:00+00:00", limit: dict[str, Any] | None = None
) -> FolderTrigger:
    return FolderTrigger("b", "images_for_detection/", seen, 30, aws_conn_id="aws_default", limit=limit)


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
STOPS = {"Idle-Model-Stop-Minutes": 60}
MAKERS: dict[str, Callable[[], Any]] = {
    "queue": queue_trigger,
    "queue with a limit": lambda: queue_trigger(LIMIT),
    "folder": folder_trigger,
    "folder with a limit": lambda: folder_trigger(limit=LIMIT),
    "version": version_trigger,
    "serving": lambda: ServingModelTrigger("/logos", 20, "aws_default", BEGAN),
    "bake": lambda: BakeTrigger("/logos", 600, None, "v2", at_failures=True),
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


def give_queue(monkeypatch: pytest.MonkeyPatch, journal: Journal, *counts: Any) -> Any:
    """Let a queue have so many messages at each look."""
    look = answers(journal, *counts)

    async def attributes(**_: Any) -> Any:
        return {"Attributes": {"ApproximateNumberOfMessages": str(look())}}

    client = Mock(get_queue_attributes=AsyncMock(side_effect=attributes), receive_message=AsyncMock())
    hook = Mock(get_async_conn=AsyncMock(side_effect=lambda: connected(client)))
    monkeypatch.setattr(inbox, "SqsHook", Mock(return_value=hook))
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
    monkeypatch.setattr(ServingModel, "next_action", answers(journal, *steps))


def give_settings(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    def in_force(loop: Any, name: str) -> Any:
        return changed.get(name, PARAMETERS[name].parse(PARAMETERS[name].default))

    monkeypatch.setattr(limit, "setting", in_force)


def waiter_error(reason: str, status: str) -> WaiterError:
    response = {"ProjectVersionDescriptions": [{"Status": status}]}
    return WaiterError(name="project_version_trained", reason=reason, last_response=response)


TRAINING = waiter_error("Max attempts exceeded", "TRAINING_IN_PROGRESS")
FAILED = waiter_error("Waiter encountered a terminal failure state: TRAINING_FAILED", "TRAINING_FAILED")


def item(key: str, moment: datetime) -> dict[str, Any]:
    return {"Key": f"images_for_detection/{key}", "LastModified": moment}


OLD, NEW = datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 9, 0, 1, tzinfo=UTC)


async def first_event(trigger: Any) -> TriggerEvent:
    async with asyncio.timeout(20):
        async for event in trigger.run():
            found: TriggerEvent = event
            return found
    raise AssertionError("no event")
