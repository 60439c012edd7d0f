"""Threads of the console's own for calls to AWS and to Airflow's database.

The API server has one event loop and one small pool of threads for all its pages. A call to AWS may take seconds: on
the one or in the other it would hold up Airflow itself.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from label_loop.exceptions import LabelLoopError

_THREADS = 16
_MOST_WAITING = 64
_pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="label-loop-console")
_in_work = 0


class BusyError(LabelLoopError):
    """All threads are taken, and enough requests wait for one already."""

    def __init__(self) -> None:
        super().__init__("The console waits for too many slow answers of AWS. Try again in a few seconds.")


async def in_thread[**P, T](function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a blocking function returns. Raises BusyError where no thread will be free soon."""
    global _in_work  # noqa: PLW0603 - the event loop's thread alone counts
    if _in_work >= _THREADS + _MOST_WAITING:
        raise BusyError
    _in_work += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, lambda: function(*args, **kwargs))
    finally:
        _in_work -= 1
