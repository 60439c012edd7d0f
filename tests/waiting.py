"""How tests wait: for what is to become true, asked ever less often, with patience for a busy machine."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 240.0


def eventually[T](check: Callable[[], T], what: str = "what was awaited", seconds: float = PATIENCE_SECONDS) -> T:
    """Return the first true answer of a check; fail with what was last seen."""
    deadline, pause, last = time.monotonic() + seconds, 0.02, None
    while time.monotonic() < deadline:
        last = check()
        if last:
            return last
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)
    raise AssertionError(f"not within {seconds} s: {what}; last seen: {last!r}")
