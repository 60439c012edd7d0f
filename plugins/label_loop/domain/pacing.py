"""When calls may start, so that a model of so many inference units does not throttle."""

import threading

IMAGES_PER_SECOND_PER_UNIT = 5.0
# Just below what the units serve: at their very rate a single retry would have every later call throttled.
_SHARE = 0.97
_CATCH_UP_SECONDS = 0.5
# All calls in flight are throttled together: within this time they are one sign, and not many.
_ONE_SIGN_SECONDS = 1.0
_SLOWEST = 1 / 8
_RECOVERY_PER_SECOND = 0.05


class Pacer:
    """Gives each call its start time: a steady rate, catching up after a pause by at most half a second's calls.

    Where a call was throttled, the rate is halved, down to an eighth; it recovers by a twentieth a second. Times are
    seconds of any steady clock. Any thread may tell of throttling; one asks for the times.
    """

    def __init__(self, inference_units: int) -> None:
        self.interval_seconds = 1.0 / (inference_units * IMAGES_PER_SECOND_PER_UNIT * _SHARE)
        self._next = float("-inf")
        self._pace = 1.0  # of the full rate, at the time of the last throttling
        self._throttled_at = float("-inf")
        self._lock = threading.Lock()

    def delay_seconds(self, now: float) -> float:
        """Return how long the next call has to wait."""
        with self._lock:
            start = max(self._next, now - _CATCH_UP_SECONDS)
            self._next = start + self.interval_seconds / self._pace_at(now)
            return max(0.0, start - now)

    def throttled(self, now: float) -> None:
        """Slow down, since a call was throttled."""
        with self._lock:
            if now - self._throttled_at >= _ONE_SIGN_SECONDS:
                self._pace = max(_SLOWEST, self._pace_at(now) / 2)
                self._throttled_at = now

    def _pace_at(self, now: float) -> float:
        return min(1.0, self._pace + _RECOVERY_PER_SECOND * (now - self._throttled_at))
