"""A journal in whose time pauses pass at once."""

import asyncio

import pytest
from tests.unit.triggers.fakes import Journal


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
