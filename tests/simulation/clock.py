"""A clock that only the simulation moves, and its place in the package's modules."""

import functools
import importlib
import pkgutil
import random
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, tzinfo
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import asgiref.sync
import pytest

import label_loop

_START = datetime(2026, 11, 23, 9, tzinfo=UTC)
_SKIPPED = ("label_loop.console", "label_loop.provisioning", "label_loop.wiring")


class TooLongWaitError(BaseException):
    """A wait is longer than the simulation lets a trigger wait at a time; no code of the package catches it."""


class Clock:
    """Seconds since a fixed start; ``wake_at`` bounds how long a trigger may wait."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._microseconds = 0
        self.wake_at = float("inf")
        self._random = random.Random(0)

    def advance(self, seconds: float) -> None:
        self._microseconds += round(seconds * 1_000_000)

    def monotonic(self) -> float:
        return self._microseconds / 1_000_000

    def time(self) -> float:
        return self.now().timestamp()

    def now(self) -> datetime:
        return _START + timedelta(microseconds=self._microseconds)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def moment(self, monotonic: float) -> datetime:
        """Return when it was so late by ``monotonic``."""
        return _START + timedelta(seconds=monotonic)


CLOCK = Clock()


class FakeDatetime(datetime):
    """The class ``datetime`` with the simulation's present."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return CLOCK.now().astimezone(tz)


class InlineExecutor:
    """Does work where it is submitted: the order of calls is the same in each replay."""

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> "InlineExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def map(self, work: Callable[..., Any], *arguments: Any) -> Iterator[Any]:
        return iter([work(*some) for some in zip(*arguments, strict=False)])


async def _sleep(seconds: float) -> None:
    CLOCK.advance(seconds)
    if CLOCK.monotonic() > CLOCK.wake_at:
        raise TooLongWaitError


def _sync_to_async(work: Callable[..., Any], **_: Any) -> Callable[..., Any]:
    async def run(*arguments: Any) -> Any:
        return work(*arguments)

    return run


_TIME = SimpleNamespace(time=CLOCK.time, monotonic=CLOCK.monotonic, sleep=CLOCK.advance)
_RANDOM = SimpleNamespace(uniform=CLOCK.uniform)
_REPLACED: dict[Any, Any] = {
    time: _TIME,
    random: _RANDOM,
    secrets: SimpleNamespace(token_hex=lambda count: "5e" * count),
    sys.modules["asyncio"]: SimpleNamespace(sleep=_sleep),
    datetime: FakeDatetime,
    ThreadPoolExecutor: InlineExecutor,
    asgiref.sync.sync_to_async: _sync_to_async,
}
# Default arguments are bound when a module is imported.
_DEFAULTS: dict[Any, Any] = {time.time: CLOCK.time, time.monotonic: CLOCK.monotonic}


@functools.cache
def _modules() -> list[ModuleType]:
    """Import all that the simulation may run, so that nothing is imported later with the real clock."""
    names = [one.name for one in pkgutil.walk_packages(label_loop.__path__, "label_loop.")]
    return [importlib.import_module(name) for name in names if not name.startswith(_SKIPPED)]


def _replacement(value: Any, table: dict[Any, Any]) -> Any:
    try:
        return table.get(value, value)
    except TypeError:  # it has no hash, so it is none of those
        return value


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    for value in vars(module).values():
        members = vars(value).values() if isinstance(value, type) and value.__module__ == module.__name__ else [value]
        yield from (one for one in members if isinstance(one, FunctionType))


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the package's modules see this clock, and do threads' work in place."""
    for module in _modules():
        for name, value in list(vars(module).items()):
            other = _replacement(value, _REPLACED)
            if other is not value:
                monkeypatch.setattr(module, name, other)
        for function in _functions(module):
            defaults = tuple(_replacement(one, _DEFAULTS) for one in function.__defaults__ or ())
            if defaults != (function.__defaults__ or ()):
                monkeypatch.setattr(function, "__defaults__", defaults)
