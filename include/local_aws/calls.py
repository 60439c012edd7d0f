"""How often each operation was called."""

from collections import Counter
from threading import Lock


class CallCounter:
    """Counts by ``service.Operation``; a call that a fault answers is a call too."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter()

    def add(self, service: str, operation: str) -> None:
        """Count one call."""
        with self._lock:
            self._counts[f"{service}.{operation}"] += 1

    def counts(self) -> dict[str, int]:
        """Return the counts since the last reset, by name."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def reset(self) -> None:
        """Begin again at nothing."""
        with self._lock:
            self._counts.clear()
