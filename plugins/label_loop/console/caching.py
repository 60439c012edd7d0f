"""What several requests may share for some seconds."""

import time
from collections.abc import Callable


class Cached[K, V]:
    """Keeps an answer for each key for a while. Safe in threads: at worst, two ask at the same time."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self.clock = clock
        self._kept: dict[K, tuple[float, V]] = {}

    def get(self, key: K, ask: Callable[[], V]) -> V:
        """Return the answer for a key, asking where none is fresh enough."""
        kept = self._kept.get(key)
        if kept and self.clock() - kept[0] < self.seconds:
            return kept[1]
        answer = ask()
        self._kept[key] = (self.clock(), answer)
        return answer

    def change(self, key: K, change: Callable[[V], V]) -> None:
        """Change what is kept of a key, if anything is, by what is known to have happened since."""
        kept = self._kept.get(key)
        if kept:
            self._kept[key] = (kept[0], change(kept[1]))

    def forget(self) -> None:
        """Ask anew for every key."""
        self._kept.clear()
