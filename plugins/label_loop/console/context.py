"""A loop's context for the console: the workflows' hooks with short timeouts, reused between requests."""

import time
from functools import cache

from label_loop.console.caching import Cached
from label_loop.context import LoopContext
from label_loop.hooks.retries import QUICK
from label_loop.loop import Loop, loops
from label_loop.loop_state import LoopState
from label_loop.parameters import Settings
from label_loop.system_record import SystemRecord
from label_loop.variables import read_settings

_SECONDS_KEPT = 5.0
_LOOPS_SECONDS = 5.0  # a loop may be added while Airflow runs


class ConsoleContext(LoopContext):
    """One loop's hooks. Clients are created once, because that takes longer than most calls; settings are read anew."""

    def __init__(self, loop: Loop) -> None:
        super().__init__(loop, config=QUICK)
        self._read_at = float("-inf")

    @property
    def settings(self) -> Settings:
        """The settings in effect now."""
        return read_settings(self.loop)

    @property
    def record(self) -> SystemRecord:
        """The system record, at most a few seconds old."""
        self._drop_stale()
        return super().record

    @property
    def state(self) -> LoopState:
        """The loop's state, at most a few seconds old."""
        self._drop_stale()
        return super().state

    def _drop_stale(self) -> None:
        if time.monotonic() - self._read_at > _SECONDS_KEPT:
            self._record = self._state = None
            self._read_at = time.monotonic()

    def _mirror_record(self, text: str) -> None:
        """Do nothing: only tasks write Variables, so parameter_sync mirrors the record."""


_context = cache(ConsoleContext)
_served: Cached[str, list[Loop]] = Cached(_LOOPS_SECONDS)


def contexts() -> dict[str, ConsoleContext]:
    """Return the contexts of this Airflow's loops by name; the list is at most a few seconds old.

    Queries Airflow's database: call it in a thread.
    """
    return {loop.name: _context(loop) for loop in _served.get("", loops)}


def forget() -> None:
    """Drop the list of loops and their clients."""
    _served.forget()
    _context.cache_clear()
