"""A loop as the console sees it: the same hooks as the states', with short patience, kept between requests."""

import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from label_loop.context import LoopContext
from label_loop.hooks.retries import QUICK
from label_loop.loop import Loop, loops
from label_loop.parameters import Settings
from label_loop.system_record import SystemRecord
from label_loop.variables import read_settings

_RECORD_SECONDS = 5.0


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
        if self._record is None or time.monotonic() - self._read_at > _RECORD_SECONDS:
            return self.refresh()
        return self._record

    def update_record(self, changes: Mapping[str, Any]) -> None:
        """Change keys of the record in Parameter Store; parameter_sync mirrors it, for Variables are the tasks'."""
        self._record = self.parameter_store.update_record(self.loop, changes)
        self._read_at = time.monotonic()

    def refresh(self) -> SystemRecord:
        """Read the system record again."""
        record = super().refresh()
        self._read_at = time.monotonic()
        return record


@cache
def contexts() -> dict[str, ConsoleContext]:
    """Return the loops that this Airflow serves, by name."""
    return {loop.name: ConsoleContext(loop) for loop in loops()}
