"""The console behind FAB, the auth manager of Amazon MWAA: its logins, its roles, and an administrator's own roles."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from html import unescape

import httpx
import pytest
from tests.console import fab_airflow
from tests.console.conftest import FROM_THE_CONSOLE
from tests.integration.clients import session
from tests.integration.pictures import png
from tests.waiting import eventually

from label_loop.console.render import PAGES
from label_loop.loop import Loop
from label_loop.provisioning import Options, provision
from local_aws.server import LocalAws
from local_stack.environment import LOOPBACK, free_port

pytestmark = pytest.mark.real

PAGE_PATHS = [path for path, _, _ in PAGES]
OF_DAGS = [path for path in PAGE_PATHS if path != "parameters"]
OPERATORS = {"user", "op", "admin"}
REVIEWERS = OPERATORS | {"reviewer"}
EDITORS = {"op", "admin"}
LOOKERS = REVIEWERS | {"viewer", "onlooker", "auditor"}
MINIMUM_F1_SCORE = "parameters/Minimum-F1-Score"

type Browser = Callable[[str | None], httpx.Client]


@pytest.fixture(scope="module")
def address(endpoint: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where an API server with FAB's logins serves two loops, in a process of its own."""
    for loop in fab_airflow.LOOPS:
        provision(Loop(f"/{loop}"), Options(labels=("cat", "dog"), review_backend="airflow"), session(), print)
    home, url = tmp_path_factory.mktemp("fab"), f"http://{LOOPBACK}:{(port := free_port())}"
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__LABEL_LOOP__PARAMETER_PATHS": ",".join(f"/{loop}" for loop in fab_airflow.LOOPS),
        "PYTHONPATH": "",
    }
    log = home / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, fab_airflow.__file__, str(port)], env=environment, stdout=output, stderr=output
        )
    try:
        eventually(lambda: server.poll() is not None or _answers(url), "an answer of the API server")
        assert server.poll() is None, log.read_text()[-4000:]
        yield url
    finally:
        server.terminate()
        server.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/label-loop/pages/overview", timeout=30).status_code == 401
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Browser]:
    """Return the browser of somebody who has logged in with FAB, or of nobody (None)."""
    browsers: dict[str | None, httpx.Client] = {}

    def of(name: str | None) -> httpx.Client:
        if name not in browsers:
            browsers[name] = httpx.Client(base_url=address, timeout=60, trust_env=False)
            if name:
                token = browsers[name].post("/auth/token", json={"username": name, "password": name})
                assert token.status_code == 201, token.text
                browsers[name].cookies.set("_token", token.json()["access_token"])
        return browsers[name]

    yield of
    for each in browsers.values():
        each.close()


def status(browser: httpx.Client, method: str, path: str, loop: str = "pages", **how: object) -> int:
    return browser.request(method, f"/label-loop/{loop}/{path}", headers=FROM_THE_CONSOLE, **how).status_code  # type: ignore[arg-type]


def those_who(browser: Browser, method: str, path: str, **how: object) -> set[str]:
    """Return who may make a request; everybody else is refused, and for no other reason."""
    found = {name: status(browser(name), method, path, **how) for name in sorted(LOOKERS | {"stranger"})}
    assert set(found.values()) <= {200, 403}, found
    return {name for name, code in found.items() if code == 200}


@pytest.mark.parametrize("path", PAGE_PATHS)
def test_nobody_looks_without_a_login(browser: Browser, path: str):
    assert status(browser(None), "GET", path) == 401


@pytest.mark.parametrize("path", [*OF_DAGS, "overview/now", "overview/training", "models/versions", "models/activity"])
def test_who_may_read_a_loops_dags_looks_at_the_pages(browser: Browser, path: str):
    assert those_who(browser, "GET", path) == LOOKERS


def test_who_may_edit_the_review_dag_reviews(browser: Browser):
    assert those_who(browser, "POST", "review/take", json={}) == REVIEWERS


def test_who_may_trigger_detection_uploads(browser: Browser, endpoint: LocalAws):
    assert those_who(browser, "POST", "upload/detection?name=a.png", content=png()) == OPERATORS


def test_who_may_trigger_training_operates(browser: Browser):
    assert those_who(browser, "POST", "models/training") == OPERATORS
    assert those_who(browser, "POST", "upload/training?name=b.png&label=cat", content=png(1)) == OPERATORS


@pytest.mark.parametrize("path", ["parameters", "parameters/history"])
def test_who_may_read_variables_sees_parameters(browser: Browser, path: str):
    assert those_who(browser, "GET", path) == EDITORS | {"auditor"}


def test_who_may_edit_variables_sets_parameters(browser: Browser):
    same = {"text": "0.8", "before": "0.8"}
    assert those_who(browser, "POST", MINIMUM_F1_SCORE, data=same) == EDITORS


def test_what_a_person_triggers_bears_their_name(browser: Browser):
    assert status(browser("op"), "POST", "models/training", loop="other") == 200
    assert re.search(r"\bby op\b", browser("viewer").get("/label-loop/other/models/activity").text)


def test_a_role_of_one_loop_sees_that_loop_alone(browser: Browser):
    assert {status(browser("onlooker"), "GET", path, loop="other") for path in PAGE_PATHS} == {403}
    choices = {name: browser(name).get("/label-loop/pages/loops").text for name in ("onlooker", "viewer")}
    assert "/label-loop/other/" not in choices["onlooker"]
    assert "/label-loop/other/" in choices["viewer"]


def test_the_first_page_is_of_a_loop_that_the_visitor_may_see(browser: Browser):
    first = {name: browser(name).get("/label-loop/") for name in ("viewer", "onlooker", "stranger")}
    assert first["viewer"].headers["location"] == "/label-loop/other/overview"
    assert first["onlooker"].headers["location"] == "/label-loop/pages/overview"
    assert first["stranger"].status_code == 403
    assert "any of this Airflow's loops" in first["stranger"].text


def test_pages_offer_what_the_visitor_may_do(browser: Browser):
    def pages_with(mark: str, path: str) -> set[str]:
        return {name for name in LOOKERS if mark in browser(name).get(f"/label-loop/pages/{path}").text}

    assert pages_with('data-may-review="true"', "review") == REVIEWERS
    assert pages_with("/models/training", "models") == OPERATORS
    assert pages_with('value="training" id="for-training">', "upload") == OPERATORS
    assert pages_with("<form", "parameters") == EDITORS


def test_a_login_leads_back_to_the_page_that_asked_for_it(address: str):
    wanted = "/label-loop/pages/insight?days=90"
    with httpx.Client(base_url=address, timeout=60, trust_env=False, follow_redirects=True) as newcomer:
        refused = newcomer.get(wanted, headers={"Accept": "text/html"})
        assert refused.status_code == 401
        link = unescape(re.search(r'href="([^"]+)">Log in<', refused.text)[1])  # type: ignore[index]
        form = newcomer.get(link)
        csrf = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form.text)[1]  # type: ignore[index]
        login = {"username": "viewer", "password": "viewer", "csrf_token": csrf}
        page = newcomer.post(str(form.url), data=login)
    assert page.status_code == 200
    assert page.url.raw_path.decode() == wanted
    assert 'aria-current="page">Insight<' in page.text


def test_the_navigation_of_airflow_needs_the_permission_to_read_plugins(browser: Browser):
    # A limit of FAB's default roles that the documentation tells, and the way out of it.
    names = ("viewer", "user", "reviewer", "op", "admin")
    listed = {name: browser(name).get("/api/v2/plugins").status_code for name in names}
    assert listed == {"viewer": 403, "user": 403, "reviewer": 200, "op": 200, "admin": 200}
