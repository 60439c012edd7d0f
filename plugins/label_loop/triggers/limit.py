"""The limit of a wait for work: a listing is due, the model is idle, or running versions have to be checked."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import sync_to_async

from label_loop.domain.idleness import idle_since, is_check_due, is_idle
from label_loop.domain.moments import read_moment
from label_loop.loop import Loop
from label_loop.variables import setting

_SECONDS_BETWEEN_CHECKS = 60.0


class WaitLimit:
    """The end of a wait, by the parameters in force at each check, since they may change during the wait.

    ``began`` is the start of the wait, ``idle_since`` that of the idle time, ``listing_at`` when the folder is
    to be listed, all in ISO 8601. ``idle_since`` is None if idle stops were off at the start: once switched on, the
    wait ends at once. Without ``began`` the model is not considered. It reads Variables, but makes no AWS calls.
    """

    def __init__(
        self, loop_path: str, began: str | None = None, idle_since: str | None = None, listing_at: str | None = None
    ) -> None:
        self.loop = Loop(loop_path)
        self.began = began
        self.idle_since = idle_since
        self.listing_at = read_moment(listing_at)
        self._checked_at = float("-inf")

    @classmethod
    def of(cls, values: Mapping[str, Any] | None) -> "WaitLimit | None":
        """Return a limit from its serialized arguments, or None for no limit."""
        return cls(**values) if values else None

    async def is_reached(self) -> bool:
        """Return whether the wait must end; it is checked at most once a minute, and otherwise False."""
        if time.monotonic() - self._checked_at < _SECONDS_BETWEEN_CHECKS:
            return False
        self._checked_at = time.monotonic()
        return await sync_to_async(self.check, thread_sensitive=False)()

    def check(self) -> bool:
        """Return whether the wait must end, by the current parameters."""
        now = datetime.now(UTC)
        if self.listing_at and now >= self.listing_at:
            return True
        return self.began is not None and self._is_models(self.began, now)

    def _is_models(self, began: str, now: datetime) -> bool:
        minutes = setting(self.loop, "Idle-Model-Stop-Minutes")
        if minutes and (self.idle_since is None or is_idle(idle_since(self.idle_since), minutes, now)):
            return True
        return self.is_check_due(began, now)

    def is_check_due(self, began: str, now: datetime) -> bool:
        """Return whether running versions have to be checked."""
        return is_check_due(
            began,
            automatic_training=setting(self.loop, "Enable-Automatic-Training"),
            frequency_minutes=setting(self.loop, "Automatic-Training-Poll-Frequency"),
            now=now,
        )
