"""The loops' contexts for the console: clients with short timeouts, reused between requests."""

from functools import cache

from label_loop.clients import Clients
from label_loop.console.caching import Cached
from label_loop.context import LoopContext
from label_loop.hooks.retries import QUICK
from label_loop.loop import Loop, loops
from label_loop.store import LoopStore

_SECONDS_KEPT = 5.0
_LOOPS_SECONDS = 5.0  # a loop may be added while Airflow runs


@cache  # creating clients takes longer than most calls
def _parts(loop: Loop) -> tuple[LoopStore, Clients]:
    # Only tasks write Variables: parameter_sync mirrors what a page changes.
    store = LoopStore(loop, config=QUICK, max_age_seconds=_SECONDS_KEPT, writes_variables=False)
    return store, Clients(store, config=QUICK)


_served: Cached[str, list[Loop]] = Cached(_LOOPS_SECONDS)


def contexts() -> dict[str, LoopContext]:
    """Return the contexts of this Airflow's loops by name.

    Record, state and the list of loops are at most a few seconds old; settings are those in force at their first use.
    Queries Airflow's database: call it in a thread.
    """
    return {loop.name: LoopContext(*_parts(loop)) for loop in _served.get("", loops)}


def forget() -> None:
    """Drop the list of loops and their clients."""
    _served.forget()
    _parts.cache_clear()
