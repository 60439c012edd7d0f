"""The wait of a bake."""

import pytest
from tests.unit.triggers.fakes import MAKERS, Journal, answers, first_event, throttled

from label_loop.domain.bake import BakeVerdict
from label_loop.workflows.bake import BakeWorkflow


async def test_it_looks_until_there_is_something_to_do(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    looks = answers(journal, BakeVerdict("wait"), throttled(), BakeVerdict("wait"), BakeVerdict("return"))
    monkeypatch.setattr(BakeWorkflow, "look", looks)
    assert (await first_event(MAKERS["bake"]())).payload == {"status": "success"}
    assert journal.looks == 4
    assert journal.entries.count(600) == 3
