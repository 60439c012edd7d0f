"""The gate that every call to the outside passes: here time passes, calls fail, and processes end or take turns."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from greenlet import getcurrent, greenlet
from tests.simulation.clock import CLOCK

_CALL_SECONDS = 0.02
_SLOW_SECONDS = 45.0
# So many of them are made at the start of each task that no other call would be disturbed.
_UNCOUNTED = frozenset({"airflow:GetVariable"})

_READS = ("BatchGet", "Describe", "Detect", "Get", "Head", "List", "Query", "Receive")


class CrashError(BaseException):
    """The end of a process, as by SIGKILL. No code of the package catches it."""


class LoudError(BaseException):
    """The simulation itself is wrong. No code of the package catches it."""


class Kind(StrEnum):
    """What becomes of a call."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    THROTTLED = "throttled"
    SERVER_ERROR = "server error"
    ANSWER_LOST = "answer lost"  # done, and the caller waits in vain
    REPEATED = "repeated"  # done, and done again by botocore, which has not seen the first answer
    SLOW = "slow"


@dataclass(frozen=True)
class Disturbance:
    """What becomes of a process's n-th call, or of its n-th write, counted from 1."""

    call: int
    kind: Kind
    is_write: bool = False


class Process:
    """A task, a trigger or a request: what is lost as a whole when it is killed."""

    def __init__(self, name: str, work: Callable[[], object], disturbances: Sequence[Disturbance] = ()) -> None:
        self.name = name
        self._calls = 0
        self._writes = 0
        self.has_crashed = False
        self.error: Exception | None = None
        self.result: object = None
        self._work = work
        self._kinds = {(one.call, one.is_write): one.kind for one in disturbances}
        self.thread = greenlet(self._run)
        self.budget: int | None = None  # of calls until it is another's turn

    def _run(self) -> None:
        try:
            self.result = self._work()
        except CrashError:
            self.has_crashed = True
        except Exception as error:
            self.error = error

    def count(self, operation: str) -> Kind | None:
        """Return what becomes of the next call."""
        if operation in _UNCOUNTED:
            return None
        self._calls += 1
        kind = self._kinds.get((self._calls, False))
        if kind is None and not operation.partition(":")[2].startswith(_READS):
            self._writes += 1
            kind = self._kinds.get((self._writes, True))
        return kind

    def crash(self) -> None:
        self.has_crashed = True
        raise CrashError(self.name)


@dataclass(frozen=True)
class Call:
    """How one call to the outside is made, and how its service tells of trouble."""

    operation: str
    work: Callable[[], Any]
    throttled: Callable[[], Exception]
    broken: Callable[[], Exception]
    unanswered: Callable[[], Exception]


class Gate:
    """Runs processes, one call at a time; ``after_call`` is told of each call that was made."""

    def __init__(self) -> None:
        self.trace: list[str] = []
        self.after_call: Callable[[str], None] = lambda operation: None
        self._running: Process | None = None

    # ------------------------------------------------------------- processes

    def run(self, *processes: Process, turns: Sequence[int] = ()) -> None:
        """Run processes to their end by turns of so many calls, over and over; without turns one after the other."""
        alive, number = list(processes), 0
        lengths = itertools.cycle(turns or (None,))
        while alive:
            process = alive[number % len(alive)]
            process.budget = next(lengths)
            self._running = process
            try:
                process.thread.switch()
            finally:
                self._running = None
            if process.thread.dead:
                alive.remove(process)
            number += 1

    def _take_turn(self, process: Process) -> None:
        if process.budget is None:
            return
        if process.budget <= 0:
            parent = getcurrent().parent
            assert parent is not None
            parent.switch()
        if process.budget is not None:
            process.budget -= 1

    # ----------------------------------------------------------------- calls

    def call(self, call: Call) -> Any:
        """Make a call, or what the process's fate makes of it."""
        process = self._running
        if process is None:
            raise LoudError(f"{call.operation} is called outside of a process")
        if process.has_crashed:
            raise CrashError(process.name)
        if call.operation not in _UNCOUNTED:
            self._take_turn(process)
        CLOCK.advance(_CALL_SECONDS)
        kind = process.count(call.operation)
        self.trace.append(f"{process.name} {call.operation}{f' ({kind})' if kind else ''}")
        if kind is None:
            return self._made(call)
        return self._disturbed(process, call, kind)

    def _made(self, call: Call) -> Any:
        try:
            return call.work()
        finally:
            self.after_call(call.operation)

    def _disturbed(self, process: Process, call: Call, kind: Kind) -> Any:
        if kind is Kind.CRASH_BEFORE:
            process.crash()
        if kind is Kind.THROTTLED:
            raise call.throttled()
        if kind is Kind.SERVER_ERROR:
            raise call.broken()
        if kind is Kind.SLOW:
            CLOCK.advance(_SLOW_SECONDS)
        answer = self._made(call)
        if kind is Kind.REPEATED:
            answer = self._made(call)
        if kind is Kind.CRASH_AFTER:
            process.crash()
        if kind is Kind.ANSWER_LOST:
            raise call.unanswered()
        return answer
