"""How often each operation was called, in all and by the application that called."""

from collections import Counter, defaultdict
from threading import Lock


class CallCounter:
    """Counts by ``service.Operation``; a call that a fault answers is a call too."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter()
        self._by_app: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, service: str, operation: str, app: str = "") -> None:
        """Count one call; ``app`` is the application id that the client's configuration gives, if any."""
        name = f"{service}.{operation}"
        with self._lock:
            self._counts[name] += 1
            if app:
                self._by_app[app][name] += 1

    def counts(self) -> dict[str, int]:
        """Return the counts since the last reset, by name."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def counts_by_app(self) -> dict[str, dict[str, int]]:
        """Return the counts of clients that give an application id, which are in the counts of all as well."""
        with self._lock:
            return {app: dict(sorted(counts.items())) for app, counts in sorted(self._by_app.items())}

    def reset(self) -> None:
        """Begin again at nothing."""
        with self._lock:
            self._counts.clear()
            self._by_app.clear()
