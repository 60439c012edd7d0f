"""Slow answers of AWS hold up nobody: neither Airflow's own pages nor, without end, who waits for the console's.

No clock decides here: AWS answers when a gate is opened, and patience ends when the test says so.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import httpx
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.retries.standard import ExponentialBackoff
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.console.conftest import FROM_THE_CONSOLE, LOOP
from tests.integration.world import World
from tests.testing.patience import SMALL_PATIENCE, Patience, small_pool, until
from tests.waiting import PATIENCE_SECONDS, eventually

from label_loop.console import threads

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
REQUESTS = 2 * len(ASKED)
THREADS, MOST_WAITING = SMALL_PATIENCE


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


class HeldAws:
    """AWS whose answers wait for a gate."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gate = threading.Event()
        self.waiting: Counter[str] = Counter()
        send = URLLib3Session.send

        def held(session: Any, request: Any) -> Any:
            self.waiting[threading.current_thread().name] += 1
            assert self.gate.wait(PATIENCE_SECONDS)
            return send(session, request)

        monkeypatch.setattr(URLLib3Session, "send", held)


@pytest.fixture
def held_aws(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldAws]:
    aws = HeldAws(monkeypatch)
    yield aws
    aws.gate.set()  # whatever failed: nobody waits on


@pytest.fixture
def silent_aws(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let AWS answer nothing, without the wait for it; give what it is asked."""
    asked: list[str] = []

    def send(session: Any, request: Any) -> Any:
        asked.append(request.url)
        raise ReadTimeoutError(endpoint_url=request.url)

    monkeypatch.setattr(URLLib3Session, "send", send)
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0)
    return asked


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[Patience]:
    with small_pool(monkeypatch):
        yield Patience(monkeypatch)


@asynccontextmanager
async def browser(app: FastAPI, token: str) -> AsyncIterator[httpx.AsyncClient]:
    how = {"transport": httpx.ASGITransport(app), "base_url": "http://airflow.test", "timeout": None}
    headers = {"Accept": "application/json", **FROM_THE_CONSOLE}
    async with httpx.AsyncClient(**how, cookies={"_token": token}, headers=headers) as client:
        yield client


async def ask(client: httpx.AsyncClient, method: str, path: str) -> httpx.Response:
    body = {"json": {}} if method == "POST" else {}
    return await client.request(method, f"/label-loop/{LOOP.name}/{path}", **body)


async def test_a_slow_aws_holds_up_nobody(airflow: FastAPI, token: str, patience: Patience, held_aws: HeldAws):
    everything = THREADS + MOST_WAITING
    async with browser(airflow, token) as client:
        asking = [asyncio.create_task(ask(client, *ASKED[n % len(ASKED)])) for n in range(REQUESTS)]

        # All threads wait for AWS, as many requests as may wait for a thread, and the others are refused at once.
        await until(lambda: len(held_aws.waiting) == THREADS)
        await until(lambda: sum(task.done() for task in asking) == REQUESTS - everything)
        assert {task.result().status_code for task in asking if task.done()} == {503}
        assert all(name.startswith("label-loop-console") for name in held_aws.waiting)

        # Meanwhile Airflow answers, on its event loop and in its own threads, of which the console has none.
        assert anyio.to_thread.current_default_thread_limiter().borrowed_tokens == 0
        for path in ("/loop", "/thread"):
            assert (await client.get(path)).json() == "here"
        assert sum(task.done() for task in asking) == REQUESTS - everything

        # Patience ends before AWS answers: nobody waits on, and who did not begin is told that nothing was done.
        refused = [task for task in asking if task.done()]
        patience.end()
        answers = await asyncio.gather(*(task for task in asking if task not in refused))
        assert Counter(answer.status_code for answer in answers) == {504: THREADS, 503: MOST_WAITING}
        for answer in (*answers, *(task.result() for task in refused)):
            assert (
                "slow responses from AWS" in answer.json()["detail"] or "is slow: there was" in answer.json()["detail"]
            )
        assert len(held_aws.waiting) == THREADS

        # Threads are free again when AWS has answered, and not before.
        assert threads._capacity._value == MOST_WAITING
        held_aws.gate.set()
        await until(lambda: threads._capacity._value == everything)
        patience.begin_anew()
        for method, path in ASKED[:5]:
            answer = await ask(client, method, path)
            assert answer.status_code in (200, 404), (path, answer.text)


async def test_an_aws_that_does_not_answer_is_told(airflow: FastAPI, token: str, silent_aws: list[str]):
    async with browser(airflow, token) as client:
        for method, path in ASKED:
            silent_aws.clear()
            answer = await ask(client, method, path)
            assert silent_aws, path
            if answer.status_code == 200:
                assert "Timeout" in answer.text, path  # shown in the place of what is not known
            else:
                assert answer.status_code == 502, (path, answer.text)
                assert "AWS did not respond" in answer.json()["detail"]


def test_the_pool_has_the_size_that_it_says(served: FastAPI):
    assert threads._pool._max_workers == threads.THREADS
    eventually(lambda: threads._capacity._value == threads.THREADS + threads.MOST_WAITING)
