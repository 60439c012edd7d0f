"""Waiting that ends: in success, or with what was awaited and what was seen last."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from demo.errors import NotAsToldError
from demo.progress import Step
from local_stack.loopback import UnreachableError


@dataclass(frozen=True)
class Seen:
    """One look at what is awaited."""

    done: bool
    text: str
    count: int | None = None


class Patience:
    """Looks again and again. ``watch`` raises where waiting on is useless; ``diagnose`` tells of troubles."""

    def __init__(
        self,
        watch: Callable[[], None],
        diagnose: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._watch = watch
        self._diagnose = diagnose
        self._clock = clock
        self._sleep = sleep

    def until(
        self,
        what: str,
        look: Callable[[], Seen],
        *,
        step: Step,
        timeout_seconds: float,
        interval_seconds: float = 1.0,
    ) -> float:
        """Look until it is done; return the seconds it took. Raises NotAsToldError where it takes too long."""
        began = self._clock()
        seen = "nothing yet"
        while self._clock() - began < timeout_seconds:
            self._watch()
            try:
                found = look()
            except UnreachableError as error:
                seen = str(error)
            else:
                seen = found.text if found.count is None else f"{found.count} {found.text}".rstrip()
                step.show(found.text, found.count)
                if found.done:
                    return self._clock() - began
            self._sleep(interval_seconds)
        return self.fail(f"Waited {timeout_seconds:.0f} s for {what}. Seen last: {seen}.")

    def fail(self, text: str) -> NoReturn:
        """Raise NotAsToldError with the troubles that Airflow tells of."""
        troubles = self._diagnose()
        raise NotAsToldError(f"{text}\n{troubles}" if troubles else text)
