"""A real Airflow with logins, a loop with a model and open reviews, and Chromium; or the page Review alone."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, StorageState, expect
from tests.browser.reviewing import Desk, Questions
from tests.browser.watch import Watch
from tests.console.conftest import endpoint, provisioned, served, world  # noqa: F401
from tests.integration.world import World
from tests.testing.shared_airflow import PICTURES as LOOP
from tests.testing.shared_airflow import SharedAirflow
from tests.testing.stack import RunningStack
from tests.waiting import eventually

from label_loop.console.labels import forget_labels
from label_loop.console.pages import review as review_page
from label_loop.domain import review_queue
from local_stack.browser import MISSING, Theme, Window, find_chromium, headless
from sample_images.digits import Picture, digits

LABELS = ("0", "1")
# A reviewer's page keeps the next images for two minutes: there are enough for all who review here at the same time.
TRAINED, UPLOADED = 20, 100
# Keys are anything that S3 allows: a page shows each in full, or shortens it, but never breaks on one.
ODD_NAME = f"a scan & its <b>bold name, 100 %, +ü{'-very-long' * 9}.png"
# A busy machine draws slowly: nothing here measures how fast.
PAGE_MILLISECONDS = 120_000
expect.set_options(timeout=60_000)

type Enter = Callable[..., Window]
type Visit = Callable[..., Window]


@pytest.fixture(scope="session")
def chromium() -> str:
    program = find_chromium()
    if program is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER=1, but {MISSING}")
        pytest.skip(MISSING)
    return program


@pytest.fixture(scope="session")
def pictures() -> list[Picture]:
    return [picture for picture in digits() if picture.label in LABELS]


@pytest.fixture(scope="session")
def running(
    chromium: str, pictures: list[Picture], running: RunningStack, shared_airflow: SharedAirflow
) -> RunningStack:
    """The Airflow that all share, once its loop has a model and its detections wait for a review."""
    with shared_airflow.once("pictures") as is_to_do:
        if is_to_do:
            _fill(running, pictures)
    return running


def _fill(running: RunningStack, pictures: list[Picture]) -> None:
    for picture in pictures[:TRAINED]:
        _put(running, f"images_labeled_by_folder/{picture.label}/{picture.name}", picture.body)
    assert running.finished(LOOP.dag_id("training"), running.trigger(LOOP.dag_id("training"))) == "success"
    for number, picture in enumerate(pictures[TRAINED : TRAINED + UPLOADED]):
        _put(running, f"images_for_detection/{ODD_NAME if number == 0 else picture.name}", picture.body)
    table = system_record(running)["dynamodb_table"]
    count = running.client("dynamodb").scan
    eventually(lambda: count(TableName=table, Select="COUNT")["Count"] == UPLOADED, "all uploads in the log")


def _put(running: RunningStack, key: str, body: bytes) -> None:
    running.client("s3").put_object(Bucket=system_record(running)["s3_bucket"], Key=key, Body=body)


def system_record(running: RunningStack) -> dict[str, str]:
    return json.loads(running.parameter(f"{LOOP.path}/For-System-Use-Only"))


# Playwright runs an event loop in this thread, which tests of other files must not meet.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with headless(chromium) as browser:
        yield browser


@pytest.fixture(scope="module")
def enter(browser: Browser, running: RunningStack) -> Enter:
    """Return a function that opens a window for somebody with a role, who logs in once for all of a file's windows."""
    sessions: dict[str, StorageState] = {}

    def open_window(role: str, theme: Theme = "light") -> Window:
        window = Window(browser, running.stack.airflow_url, theme, sessions.get(role))
        window.page.set_default_timeout(PAGE_MILLISECONDS)
        if role not in sessions:
            window.log_in(role)
            sessions[role] = window.session
        return window

    return open_window


@pytest.fixture
def visit(enter: Enter) -> Iterator[Visit]:
    """Return a function that opens a window for somebody with a role; no window may have complained in the end.

    ``expected`` are the HTTP statuses that a test provokes.
    """
    windows: list[tuple[Window, Watch]] = []

    def come(role: str, theme: Theme = "light", expected: tuple[int, ...] = ()) -> Window:
        window = enter(role, theme)
        windows.append((window, Watch(window.page, expected)))
        return window

    yield come
    problems = [problem for _, watch in windows for problem in watch.problems]
    for window, _ in windows:
        window.close()
    assert problems == []


# ------------------------------------------------- the page Review without the rest of Airflow


@pytest.fixture(scope="module")
def console_url(served: FastAPI) -> Iterator[str]:  # noqa: F811
    """The console at an address of its own: nothing here needs the rest of Airflow."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(served, log_level="warning"))
        thread = threading.Thread(target=lambda: server.run(sockets=[listening]))
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def questions(world: World, monkeypatch: pytest.MonkeyPatch) -> Questions:  # noqa: F811
    """A loop that reviews in the Airflow UI; a busy machine has the time to undo an answer."""
    world.set_record(review_backend="airflow")
    for module in (review_page, review_queue):
        monkeypatch.setattr(module, "UNDO_SECONDS", 100.0)
    review_page._open_counts.forget()
    review_page._collectors.clear()
    made = Questions(world)
    made.label_images()
    forget_labels()
    return made


@pytest.fixture
def reviewer(browser: Browser, console_url: str) -> Iterator[BrowserContext]:
    """A window of somebody who may review."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    context = browser.new_context()
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="a-user", role="USER"))
    context.add_cookies([{"name": "_token", "value": token, "url": console_url}])
    yield context
    context.close()


@pytest.fixture
def desk(reviewer: BrowserContext, console_url: str, questions: Questions) -> Iterator[Desk]:
    made = Desk(reviewer.new_page(), console_url, questions)
    yield made
    assert made.errors == []
