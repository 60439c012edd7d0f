"""How long a wait for work lasts: until a listing is due, the model is idle, or somebody has to look at what runs."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import sync_to_async

from label_loop.domain.idleness import idle_since, is_idle, look_is_due
from label_loop.domain.moments import read_moment
from label_loop.loop import Loop
from label_loop.variables import setting

_SECONDS_BETWEEN_LOOKS = 60.0


class Limit:
    """The end of a wait, by the parameters in force at each look: one may be changed while it lasts.

    ``began`` is when the wait did, ``idle_since`` from when on the model is idle, ``listing_at`` when the folder is
    to be listed, all in ISO 8601. The second is None where nothing stopped an idle model as the wait began: once
    something does, the wait ends at once. Without ``began`` the model is somebody else's business.
    It asks Airflow for Variables, and AWS for nothing.
    """

    def __init__(
        self, loop_path: str, began: str | None = None, idle_since: str | None = None, listing_at: str | None = None
    ) -> None:
        self.loop = Loop(loop_path)
        self.began = began
        self.idle_since = idle_since
        self.listing_at = read_moment(listing_at)
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
        if self.listing_at and now >= self.listing_at:
            return True
        return self.began is not None and self._is_models(self.began, now)

    def _is_models(self, began: str, now: datetime) -> bool:
        minutes = setting(self.loop, "Idle-Model-Stop-Minutes")
        if minutes and (self.idle_since is None or is_idle(idle_since(self.idle_since), minutes, now)):
            return True
        return self.look_is_due(began, now)

    def look_is_due(self, began: str, now: datetime) -> bool:
        """Return whether what runs has to be looked at."""
        return look_is_due(
            began,
            automatic_training=setting(self.loop, "Enable-Automatic-Training"),
            frequency_minutes=setting(self.loop, "Automatic-Training-Poll-Frequency"),
            now=now,
        )
