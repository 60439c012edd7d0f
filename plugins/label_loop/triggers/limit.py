"""How long detection waits: until the model is idle, or until somebody has to look at what runs."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import sync_to_async

from label_loop.domain.idleness import idle_since, is_idle, look_is_due
from label_loop.settings import Loop, setting

_SECONDS_BETWEEN_LOOKS = 60.0


class Limit:
    """The end of a wait, by the parameters in force at each look: one may be changed while it lasts.

    ``began`` is when the wait did, ``idle_since`` from when on the model is idle, both in ISO 8601. The second is
    None where nothing stopped an idle model as the wait began: once something does, the wait ends at once.
    It asks Airflow for Variables, and AWS for nothing.
    """

    def __init__(self, loop_path: str, began: str, idle_since: str | None) -> None:
        self.loop = Loop(loop_path)
        self.began = began
        self.idle_since = idle_since
        self._looked_at = float("-inf")

    @classmethod
    def of(cls, values: Mapping[str, Any] | None) -> "Limit | None":
        """Make it of what a trigger serialized; None is a wait without an end."""
        return cls(**values) if values else None

    async def is_reached(self) -> bool:
        """Return whether the wait is to end; it looks once a minute, however often it is asked."""
        if time.monotonic() - self._looked_at < _SECONDS_BETWEEN_LOOKS:
            return False
        self._looked_at = time.monotonic()
        return await sync_to_async(self.look, thread_sensitive=False)()

    def look(self) -> bool:
        """Return whether the wait is to end, by the parameters of this moment."""
        now = datetime.now(UTC)
        minutes = setting(self.loop, "Idle-Model-Stop-Minutes")
        if minutes and (self.idle_since is None or is_idle(idle_since(self.idle_since), minutes, now)):
            return True
        return self.look_is_due(now)

    def look_is_due(self, now: datetime) -> bool:
        """Return whether what runs has to be looked at."""
        return look_is_due(
            self.began,
            automatic_training=setting(self.loop, "Enable-Automatic-Training"),
            frequency_minutes=setting(self.loop, "Automatic-Training-Poll-Frequency"),
            now=now,
        )
