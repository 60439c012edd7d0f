"""When calls may start, so that a model of so many inference units does not throttle."""

IMAGES_PER_SECOND_PER_UNIT = 5.0
# Just below what the units serve: at their very rate a single retry would have every later call throttled.
_SHARE = 0.97
_CATCH_UP_SECONDS = 0.5


class Pacer:
    """Gives each call its start time: a steady rate, catching up after a pause by at most half a second's calls.

    Not thread-safe: one thread asks for the times, whoever calls.
    """

    def __init__(self, inference_units: int) -> None:
        self.interval_seconds = 1.0 / (inference_units * IMAGES_PER_SECOND_PER_UNIT * _SHARE)
        self._next = float("-inf")

    def delay_seconds(self, now: float) -> float:
        """Return how long the next call has to wait, ``now`` being seconds of any steady clock."""
        start = max(self._next, now - _CATCH_UP_SECONDS)
        self._next = start + self.interval_seconds
        return max(0.0, start - now)
