"""A loop whose workflows are stand-ins with the real ones' signatures."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, create_autospec

import pytest

from label_loop.clients import Clients
from label_loop.context import LoopContext
from label_loop.loop import Loop
from label_loop.operators.base import LoopTask
from label_loop.store import LoopStore
from label_loop.system_record import SystemRecord

LOOP = Loop("/logos")
RECORD = {
    "s3_bucket": "b",
    "rekognition_project_arn": "arn:project",
    "uploads_queue_url": "https://queue/uploads",
    "answers_queue_url": "https://queue/answers",
}


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Give every operator this loop's context."""
    context = LoopContext(create_autospec(LoopStore, instance=True), create_autospec(Clients, instance=True))
    context.store.loop, context.store.record = LOOP, SystemRecord(LOOP, RECORD)
    monkeypatch.setattr(LoopTask, "loop_context", lambda self: context)
    return context


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, type], Mock]:
    """Replace a workflow's class by an autospecced one; give the instance that operators will get."""

    def replace(module: str, kind: type) -> Mock:
        made = create_autospec(kind)
        monkeypatch.setattr(f"{module}.{kind.__name__}", made)
        instance: Mock = made.return_value
        return instance

    return replace


def run_context(**params: Any) -> dict[str, Any]:
    return {
        "params": params,
        "run_id": "manual__1",
        "ti": Mock(),
        "dag_run": SimpleNamespace(triggering_user_name="alice"),
    }


@pytest.fixture
def context() -> dict[str, Any]:
    return run_context()
