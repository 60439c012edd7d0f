"""The wait for a changed parameter."""

from unittest.mock import Mock

import pytest
from tests.unit.triggers.fakes import MAKERS, Journal, answers, first_event, throttled

from label_loop.hooks.parameter_store import ParameterStoreHook


async def test_the_sides_are_compared_until_they_differ(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    monkeypatch.setattr(ParameterStoreHook, "texts", answers(journal, {}, throttled(), {"a": "b"}))
    monkeypatch.setattr("label_loop.triggers.parameter_sync.Sides", lambda store, *_: Mock(differ=lambda: bool(store)))
    monkeypatch.setattr("label_loop.triggers.parameter_sync.read_variables", lambda loop: ({}, {}))
    assert await first_event(MAKERS["parameters"]()) == {"status": "success"}
    assert journal.looks == 3
    assert journal.entries.count(15) == 2
