"""The wait for a changed parameter."""

from unittest.mock import Mock

import pytest
from tests.unit.triggers.fakes import MAKERS, Journal, answers, first_event, throttled

from label_loop.hooks.parameter_store import ParameterStoreHook


async def test_the_sides_are_compared_until_they_differ(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    monkeypatch.setattr(ParameterStoreHook, "stored", answers(journal, {}, throttled(), {"a": "b"}))
    sides = Mock(read=lambda loop, stored: Mock(differ=lambda: bool(stored)))
    monkeypatch.setattr("label_loop.triggers.parameter_sync.ParameterSides", sides)
    assert (await first_event(MAKERS["parameters"]())).payload == {"status": "success"}
    assert journal.looks == 3
    assert journal.entries.count(15) == 2
