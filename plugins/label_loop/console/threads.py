"""Threads of the console's own for calls to AWS and to Airflow's database.

The API server has one event loop and one small pool of threads for all its pages. A call to AWS may take seconds: on
the one or in the other it would hold up Airflow itself.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from label_loop.exceptions import LabelLoopError

log = logging.getLogger(__name__)

# Longer than the one call that fails slowest by the timeouts of hooks.retries.QUICK, so that its own error is told.
LONGEST_SECONDS = 20.0
THREADS = 16
MOST_WAITING = 64
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="label-loop-console")
_room = threading.Semaphore(THREADS + MOST_WAITING)


class BusyError(LabelLoopError):
    """All threads are taken, and enough requests wait for one already, or this one has waited long enough."""

    def __init__(self) -> None:
        super().__init__("The console is waiting for too many slow responses from AWS. Try again in a few seconds.")


class OverdueError(LabelLoopError):
    """A thread takes longer than a person waits. It goes on: nothing can end it."""

    def __init__(self) -> None:
        super().__init__(
            f"AWS is slow: there was no response within {LONGEST_SECONDS:.0f} seconds. The request may still complete: "
            "check its effect before you repeat it."
        )


async def in_thread[**P, T](function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a blocking function returns, for a person who waits.

    Raises BusyError where no thread is or becomes free soon, in which case nothing was done, and OverdueError where the
    function itself takes too long.
    """
    return await _result(_submit(lambda: function(*args, **kwargs)), LONGEST_SECONDS)


async def in_background[T](function: Callable[[], T]) -> T:
    """Return what a blocking function returns, however long it takes. Raises BusyError."""
    return await _result(_submit(function), None)


def _submit[T](function: Callable[[], T]) -> Future[T]:
    if not _room.acquire(blocking=False):
        raise BusyError
    work = _pool.submit(function)
    work.add_done_callback(lambda _: _room.release())  # not before: a thread that nobody waits for is taken, too
    return work


async def _result[T](work: Future[T], seconds: float | None) -> T:
    waiting = asyncio.wrap_future(work)
    try:
        # Not asyncio.timeout: its error could not be told from the function's own.
        done, _ = await asyncio.wait([waiting], timeout=seconds)
        if done:
            return waiting.result()
        if work.cancel():
            raise BusyError
        waiting.add_done_callback(_note_late)
        raise OverdueError
    finally:
        work.cancel()  # what nobody waits for need not begin


def _note_late(waiting: asyncio.Future[Any]) -> None:
    error = None if waiting.cancelled() else waiting.exception()
    if error:
        log.warning("A call that outlasted its request has failed: %r", error)
