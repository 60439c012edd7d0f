"""Waits for conditions, with a timeout whose error says what was expected and what was seen last."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from demo.errors import DemoError
from demo.progress import Step
from local_stack.loopback import UnreachableError


@dataclass(frozen=True)
class Seen:
    """The result of one check of a condition."""

    done: bool
    text: str
    count: int | None = None


class Patience:
    """Polls conditions. ``watch`` raises if waiting has become useless; ``diagnose`` returns a report for the error."""

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
        """Poll until the condition holds; return the seconds it took. Raises DemoError after the timeout."""
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
        return self.fail(f"Waited {timeout_seconds:.0f} s for {what}. Last seen: {seen}.")

    def fail(self, text: str) -> NoReturn:
        """Raise DemoError with the problems that Airflow reports."""
        troubles = self._diagnose()
        raise DemoError(f"{text}\n{troubles}" if troubles else text)
