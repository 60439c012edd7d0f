"""A loop as the console sees it: the same hooks as the workflows', with short patience, kept between requests."""

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
    """One loop's hooks. Clients are made once, since that takes longer than most calls; what they read is not kept."""

    def __init__(self, loop: Loop) -> None:
        super().__init__(loop, config=QUICK)
        self._read_at = float("-inf")

    @property
    def settings(self) -> Settings:
        """The settings in force now."""
        return read_settings(self.loop)

    @property
    def record(self) -> SystemRecord:
        """The system record as it was a few seconds ago at most."""
        self._forget_what_is_old()
        return super().record

    @property
    def state(self) -> LoopState:
        """The loop's state as it was a few seconds ago at most."""
        self._forget_what_is_old()
        return super().state

    def _forget_what_is_old(self) -> None:
        if time.monotonic() - self._read_at > _SECONDS_KEPT:
            self._record = self._state = None
            self._read_at = time.monotonic()

    def _mirror_record(self, text: str) -> None:
        """Leave the Variable to parameter_sync: Variables are the tasks'."""


_context = cache(ConsoleContext)
_served: Cached[str, list[Loop]] = Cached(_LOOPS_SECONDS)


def contexts() -> dict[str, ConsoleContext]:
    """Return the loops that this Airflow serves, by name, as they were a few seconds ago at most.

    Asks Airflow's database: call it in a thread.
    """
    return {loop.name: _context(loop) for loop in _served.get("", loops)}


def forget() -> None:
    """Ask anew which loops there are, and make their clients anew."""
    _served.forget()
    _context.cache_clear()
