"""Paces the calls to a model to the throughput of its inference units."""

import threading

IMAGES_PER_SECOND_PER_UNIT = 5.0
# Below the full rate: at the full rate a single retry would cause all later calls to be throttled.
_USED_SHARE = 0.97
_CATCH_UP_SECONDS = 0.5
# Calls in flight are throttled together: within this time they count as one event.
_THROTTLING_WINDOW_SECONDS = 1.0
_MIN_PACE = 1 / 8
_RECOVERY_PER_SECOND = 0.05


class Pacer:
    """Spaces calls at a steady rate, with a burst of at most half a second's calls after a pause.

    Throttling halves the rate, down to an eighth; it recovers by a twentieth of the full rate per second. Times are in
    seconds of a monotonic clock. ``throttled`` may be called from any thread, ``delay_seconds`` from one.
    """

    def __init__(self, inference_units: int) -> None:
        self.interval_seconds = 1.0 / (inference_units * IMAGES_PER_SECOND_PER_UNIT * _USED_SHARE)
        self._next = float("-inf")
        self._pace = 1.0  # of the full rate, at the time of the last throttling
        self._throttled_at = float("-inf")
        self._lock = threading.Lock()

    def delay_seconds(self, now: float) -> float:
        """Return how many seconds the next call has to wait."""
        with self._lock:
            start = max(self._next, now - _CATCH_UP_SECONDS)
            self._next = start + self.interval_seconds / self._pace_at(now)
            return max(0.0, start - now)

    def throttled(self, now: float) -> None:
        """Reduce the rate after a throttled call."""
        with self._lock:
            if now - self._throttled_at >= _THROTTLING_WINDOW_SECONDS:
                self._pace = max(_MIN_PACE, self._pace_at(now) / 2)
                self._throttled_at = now

    def _pace_at(self, now: float) -> float:
        return min(1.0, self._pace + _RECOVERY_PER_SECOND * (now - self._throttled_at))
