"""The console's patience without a clock: it ends when a test says so."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from tests.waiting import PATIENCE_SECONDS

from label_loop.console import threads

SMALL_PATIENCE = (3, 5)  # threads, and how many may wait for one


@contextmanager
def small_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the console have few threads, so that few requests take them all, and none that another test still holds."""
    count, waiting = SMALL_PATIENCE
    with ThreadPoolExecutor(count, thread_name_prefix="label-loop-console") as pool:
        monkeypatch.setattr(threads, "_pool", pool)
        monkeypatch.setattr(threads, "_capacity", threading.Semaphore(count + waiting))
        yield


class Patience:
    """Stands in for the clock of ``threads``: bounds are noted, and none ends by itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bounds: list[float | None] = []
        self._over = asyncio.Event()
        stand_in = SimpleNamespace(Future=asyncio.Future, wrap_future=asyncio.wrap_future, wait=self._wait)
        monkeypatch.setattr(threads, "asyncio", stand_in)

    def end(self) -> None:
        self._over.set()

    def begin_anew(self) -> None:
        self._over.clear()

    async def _wait(self, works: Iterable[asyncio.Future[Any]], *, timeout: float | None) -> tuple[set[Any], set[Any]]:
        works = list(works)
        self.bounds.append(timeout)
        over = [asyncio.ensure_future(self._over.wait())] if timeout is not None else []
        try:
            await asyncio.wait([*works, *over], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in over:
                each.cancel()
        done = {work for work in works if work.done()}
        return done, set(works) - done


async def until(check: Callable[[], bool]) -> None:
    """Let the event loop go on until something is true."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not check():
            await asyncio.sleep(0.01)
