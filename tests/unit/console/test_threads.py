"""The console's threads: how many there are, who waits for one, and for how long."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from tests.testing.patience import SMALL_PATIENCE, Patience, small_pool, until
from tests.waiting import PATIENCE_SECONDS

from label_loop.console import threads
from label_loop.exceptions import LabelLoopError
from label_loop.hooks.retries import QUICK

THREADS, MOST_WAITING = SMALL_PATIENCE


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[Patience]:
    with small_pool(monkeypatch):
        yield Patience(monkeypatch)


async def test_what_takes_too_long_is_told_from_what_did_not_begin(patience: Patience):
    held, begun = threading.Event(), []

    def work(number: int) -> None:
        begun.append(number)
        assert held.wait(PATIENCE_SECONDS)

    first = [asyncio.create_task(threads.in_thread(work, number)) for number in range(THREADS)]
    await until(lambda: len(begun) == THREADS)
    later = [asyncio.create_task(threads.in_thread(work, -1)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(threads.BusyError):
        await threads.in_thread(work, -2)
    patience.end()
    told = await asyncio.gather(*first, *later, return_exceptions=True)
    held.set()

    assert [type(error) for error in told[:THREADS]] == [threads.OverdueError] * THREADS
    assert [type(error) for error in told[THREADS:]] == [threads.BusyError] * MOST_WAITING
    await until(lambda: threads._capacity._value == THREADS + MOST_WAITING)
    assert sorted(begun) == list(range(THREADS))
    assert set(patience.bounds) == {threads.LONGEST_SECONDS}


async def test_a_functions_own_errors_come_through():
    class OwnError(LabelLoopError):
        pass

    def fail(error: Exception) -> None:
        raise error

    for error in (TimeoutError("its own"), OwnError("its own")):
        with pytest.raises(type(error), match="its own"):
            await threads.in_thread(fail, error)


async def test_what_runs_in_the_background_may_take_longer(patience: Patience):
    patience.end()
    assert await threads.in_background(lambda: "done") == "done"
    assert patience.bounds == [None]


def test_the_slowest_single_call_gives_up_before_who_waits_for_it():
    options = QUICK._user_provided_options
    attempts = options["retries"]["total_max_attempts"]
    between = 1.0 * (attempts - 1)  # botocore's first wait between attempts is random, up to a second
    assert attempts * (options["connect_timeout"] + options["read_timeout"]) + between < threads.LONGEST_SECONDS
