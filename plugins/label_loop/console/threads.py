"""The console's own threads for calls to AWS and to Airflow's database, and for nothing else.

The API server has one event loop and one small thread pool for all its pages. A call to AWS may take seconds, and in
either of them it would block Airflow itself.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from label_loop.exceptions import LabelLoopError

log = logging.getLogger(__name__)

# Longer than the slowest failure under the timeouts of hooks.retries.QUICK, so that the call's own error is reported.
LONGEST_SECONDS = 20.0
THREADS = 16
MOST_WAITING = 64
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="label-loop-console")
_capacity = threading.Semaphore(THREADS + MOST_WAITING)


class BusyError(LabelLoopError):
    """All threads are busy, and too many requests wait for one already, or this one has waited too long."""

    def __init__(self) -> None:
        super().__init__(
            "The console is waiting for too many slow responses from AWS or Airflow's database. Try again in a few "
            "seconds."
        )


class OverdueError(LabelLoopError):
    """A call takes longer than a person waits. Its thread continues: it cannot be interrupted."""

    def __init__(self) -> None:
        super().__init__(
            f"AWS or Airflow's database is slow: there was no response within {LONGEST_SECONDS:.0f} seconds. The "
            "request may still complete: check its effect before you repeat it."
        )


async def in_thread[**P, T](function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return a blocking function's result, within the time that a person waits.

    Raises BusyError if no thread becomes free in time, in which case nothing was done, and OverdueError if the function
    itself takes too long.
    """
    return await _result(_submit(lambda: function(*args, **kwargs)), LONGEST_SECONDS)


async def in_background[T](function: Callable[[], T]) -> T:
    """Return a blocking function's result, however long it takes. Raises BusyError if no thread is free."""
    return await _result(_submit(function), None)


def _submit[T](function: Callable[[], T]) -> Future[T]:
    if not _capacity.acquire(blocking=False):
        raise BusyError
    work = _pool.submit(function)
    work.add_done_callback(lambda _: _capacity.release())  # not before: an abandoned call still occupies its thread
    return work


async def _result[T](work: Future[T], seconds: float | None) -> T:
    waiting = asyncio.wrap_future(work)
    try:
        # Not asyncio.timeout: its error would be indistinguishable from the function's own.
        done, _ = await asyncio.wait([waiting], timeout=seconds)
        if done:
            return waiting.result()
        if work.cancel():
            raise BusyError
        waiting.add_done_callback(_log_late_failure)
        raise OverdueError
    finally:
        work.cancel()  # a call that nobody waits for need not start


def _log_late_failure(waiting: asyncio.Future[Any]) -> None:
    error = None if waiting.cancelled() else waiting.exception()
    if error:
        log.warning("A call that outlasted its request has failed: %r", error)
