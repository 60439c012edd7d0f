"""Every trigger: made again from what it serializes, and silent while its deferral settles."""

import importlib
import json
from unittest.mock import Mock

import pytest
from tests.unit.triggers.fakes import (
    LEAST_PAUSE_SECONDS,
    MAKERS,
    NEW,
    Journal,
    answers,
    first_event,
    give_folder,
    give_queue,
    give_steps,
    give_waiter,
    item,
)

from label_loop.domain.bake import BakeVerdict
from label_loop.hooks.parameter_store import ParameterStoreHook
from label_loop.triggers import settling
from label_loop.workflows.bake import BakeWorkflow


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
    give_queue(monkeypatch, journal, 1)
    give_folder(monkeypatch, journal, [item("a.png", NEW)])
    give_waiter(monkeypatch, journal, None)
    give_steps(monkeypatch, journal, "detect")
    monkeypatch.setattr(BakeWorkflow, "look", answers(journal, BakeVerdict("end")))
    monkeypatch.setattr(ParameterStoreHook, "stored", answers(journal, {}))
    monkeypatch.setattr(
        "label_loop.triggers.parameter_sync.ParameterSides", Mock(read=lambda *_: Mock(differ=lambda: True))
    )
    await first_event(MAKERS[name]())
    assert journal.pauses_before_first_look >= LEAST_PAUSE_SECONDS
    assert journal.looks == 1
