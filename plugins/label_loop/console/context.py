"""A loop as the console sees it: the same hooks as the workflows', with short patience, kept between requests."""

import time
from functools import cache

from label_loop.context import LoopContext
from label_loop.hooks.retries import QUICK
from label_loop.loop import Loop, loops
from label_loop.loop_state import LoopState
from label_loop.parameters import Settings
from label_loop.system_record import SystemRecord
from label_loop.variables import read_settings

_SECONDS_KEPT = 5.0


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


@cache
def contexts() -> dict[str, ConsoleContext]:
    """Return the loops that this Airflow serves, by name."""
    return {loop.name: ConsoleContext(loop) for loop in loops()}
