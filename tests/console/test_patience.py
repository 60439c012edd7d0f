"""Slow answers of AWS hold up nobody: neither Airflow's own pages nor, for long, who waits for the console's."""

import asyncio
import statistics
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio.to_thread
import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.console.conftest import FROM_THE_CONSOLE, LOOP
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.console import threads
from label_loop.exceptions import LabelLoopError

PATIENCE_IS_TESTED = True
SLOW = [{"service": "*", "operation": "*", "kind": "latency", "seconds": 30}]
REQUESTS = 100
ASKED = (
    ("GET", "overview/now"),
    ("GET", "overview/training"),
    ("GET", "review"),
    ("GET", "review/images/a-name"),
    ("POST", "review/take"),
    ("GET", "models/versions"),
    ("GET", "insight"),
    ("GET", "upload"),
    ("GET", "parameters"),
    ("POST", "models/stop"),
)
# Waiting for a thread that asks who this is, then for one that asks AWS: each has its bound. Noise comes on top.
LONGEST_ANSWER_SECONDS = 2 * threads.LONGEST_SECONDS + 10
# The slowest single call gives up after two attempts of connecting and reading, with a short wait between them.
LONGEST_CALL_SECONDS = 2 * (2 + 5) + 1


@pytest.fixture
def airflow(served: FastAPI) -> FastAPI:
    """The console beside two routes as Airflow's own are: one on the event loop, one in its pool of threads."""

    async def on_the_loop() -> str:
        return "here"

    def in_a_thread() -> str:
        return "here"

    served.add_api_route("/loop", on_the_loop)
    served.add_api_route("/thread", in_a_thread)
    return served


@pytest.fixture
def token(client: Callable[[str], TestClient]) -> str:
    return str(client("op").cookies["_token"])


@asynccontextmanager
async def browser(app: FastAPI, token: str) -> AsyncIterator[httpx.AsyncClient]:
    how = {"transport": httpx.ASGITransport(app), "base_url": "http://airflow.test", "timeout": None}
    headers = {"Accept": "application/json", **FROM_THE_CONSOLE}
    async with httpx.AsyncClient(**how, cookies={"_token": token}, headers=headers) as client:
        yield client


async def probe(client: httpx.AsyncClient) -> float:
    """Return how many seconds Airflow's own routes take."""
    began = time.perf_counter()
    for path in ("/loop", "/thread"):
        assert (await client.get(path)).json() == "here"
    return time.perf_counter() - began


async def ask(client: httpx.AsyncClient, number: int) -> tuple[str, httpx.Response, float]:
    method, path = ASKED[number % len(ASKED)]
    began = time.perf_counter()
    body = {"json": {}} if method == "POST" else {}
    answer = await client.request(method, f"/label-loop/{LOOP.name}/{path}", **body)
    return path, answer, time.perf_counter() - began


def console_threads() -> int:
    return sum(thread.name.startswith("label-loop-console") for thread in threading.enumerate())


def room() -> int:
    return threads._room._value


async def test_a_slow_aws_holds_up_nobody(airflow: FastAPI, token: str, world: World):
    everything = threads.THREADS + threads.MOST_WAITING
    eventually(lambda: room() == everything)
    async with browser(airflow, token) as client:
        before = statistics.median([await probe(client) for _ in range(20)])
        world.aws.faults.replace(SLOW)
        asking = [asyncio.create_task(ask(client, number)) for number in range(REQUESTS)]
        during = []
        while not all(task.done() for task in asking):
            assert anyio.to_thread.current_default_thread_limiter().borrowed_tokens == 0
            during.append(await probe(client))
            await asyncio.sleep(0.1)
        answers = [task.result() for task in asking]
        world.aws.faults.replace([])

    assert statistics.median(during) < max(10 * before, 0.25), (before, max(during))
    assert max(during) < 10
    assert max(seconds for _, _, seconds in answers) < LONGEST_ANSWER_SECONDS
    for path, answer, _ in answers:
        assert_told(path, answer)
    # Which of 502 (AWS gave up) and 504 (we did) comes first is the machine's affair.
    statuses = {answer.status_code for _, answer, _ in answers}
    assert 503 in statuses and statuses & {502, 504}

    eventually(lambda: room() == everything, LONGEST_CALL_SECONDS + 15)
    assert console_threads() <= threads.THREADS
    async with browser(airflow, token) as client:
        for number in range(5):
            path, answer, seconds = await ask(client, number)
            assert answer.status_code in (200, 404), (path, answer.text)
            assert seconds < LONGEST_ANSWER_SECONDS


def assert_told(path: str, answer: httpx.Response) -> None:
    """Check that an answer is one of AWS being slow, and says so."""
    assert answer.status_code in (200, 502, 503, 504), (path, answer.status_code, answer.text)
    if answer.status_code == 200:
        assert "Timeout" in answer.text, (path, answer.text)  # shown in the place of what is not known
    else:
        detail = answer.json()["detail"]
        assert "AWS did not answer" in detail or "slow answers of AWS" in detail or "AWS answers slowly" in detail


async def test_what_takes_too_long_is_told_from_what_did_not_begin(monkeypatch: pytest.MonkeyPatch):
    eventually(lambda: room() == threads.THREADS + threads.MOST_WAITING, LONGEST_CALL_SECONDS + 15)
    monkeypatch.setattr(threads, "LONGEST_SECONDS", 2)
    held, begun = threading.Event(), []

    def work(number: int) -> None:
        begun.append(number)
        assert held.wait(30)

    first = [asyncio.create_task(threads.in_thread(work, number)) for number in range(threads.THREADS)]
    async with asyncio.timeout(30):
        while len(begun) < threads.THREADS:
            await asyncio.sleep(0.01)
    later = [asyncio.create_task(threads.in_thread(work, -1)) for _ in range(threads.MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(threads.BusyError):
        await threads.in_thread(work, -2)
    told = await asyncio.gather(*first, *later, return_exceptions=True)
    held.set()

    assert [type(error) for error in told[: threads.THREADS]] == [threads.OverdueError] * threads.THREADS
    assert [type(error) for error in told[threads.THREADS :]] == [threads.BusyError] * threads.MOST_WAITING
    eventually(lambda: room() == threads.THREADS + threads.MOST_WAITING)
    assert sorted(begun) == list(range(threads.THREADS))


async def test_a_functions_own_errors_come_through():
    class OwnError(LabelLoopError):
        pass

    def fail(error: Exception) -> None:
        raise error

    for error in (TimeoutError("its own"), OwnError("its own")):
        with pytest.raises(type(error), match="its own"):
            await threads.in_thread(fail, error)


async def test_what_runs_in_the_background_may_take_longer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(threads, "LONGEST_SECONDS", 0.05)
    assert await threads.in_background(lambda: (time.sleep(0.3), "done")[1]) == "done"
