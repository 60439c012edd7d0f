"""A cache that requests share for a few seconds."""

import time
from collections.abc import Callable


class Cached[K, V]:
    """Caches a value for each key for some seconds. Thread-safe: at worst, two threads compute a value at once."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self.clock = clock
        self._kept: dict[K, tuple[float, V]] = {}

    def get(self, key: K, compute: Callable[[], V]) -> V:
        """Return the value of a key, computed anew if none is fresh enough."""
        kept = self._kept.get(key)
        if kept and self.clock() - kept[0] < self.seconds:
            return kept[1]
        value = compute()
        self._kept[key] = (self.clock(), value)
        return value

    def change(self, key: K, change: Callable[[V], V]) -> None:
        """Update a key's cached value, if there is one, without making it fresher."""
        kept = self._kept.get(key)
        if kept:
            self._kept[key] = (kept[0], change(kept[1]))

    def forget(self) -> None:
        """Drop all values."""
        self._kept.clear()
