"""The console over a real metadata database, Airflow's simple logins, and the local endpoint with one loop."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.integration.clients import REGION
from tests.integration.model import Model
from tests.integration.world import World
from tests.testing.standing_endpoint import StandingEndpoint

from label_loop.hooks.retries import QUICK
from label_loop.loop import CONSOLE_PATH, Loop
from local_aws.server import LocalAws

LOOP = Loop("/pages")
ROLES = ("viewer", "user", "op", "admin")
FROM_THE_CONSOLE = {"X-Label-Loop": "console", "Sec-Fetch-Site": "same-origin"}

type Client = Callable[[str | None], TestClient]


@pytest.fixture(scope="module")  # between files, others use moto
def endpoint(standing_endpoint: StandingEndpoint) -> Iterator[LocalAws]:
    with standing_endpoint.in_use() as aws, pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
            "AIRFLOW__LABEL_LOOP__PARAMETER_PATHS": LOOP.path,
            "AIRFLOW__CORE__AUTH_MANAGER": (
                "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
            ),
            "_AIRFLOW_PROCESS_CONTEXT": "server",  # as in the API server
        }.items():
            patch.setenv(name, value)
        yield aws


@pytest.fixture(scope="session")
def dags(metadata_database: Path) -> None:
    """Let Airflow know the DAGs of the loop, as its dag processor would."""
    from airflow.cli.commands.dag_command import dag_reserialize

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__LABEL_LOOP__PARAMETER_PATHS", LOOP.path)
        dag_reserialize(argparse.Namespace(bundle_name=None))


@pytest.fixture(scope="module")
def provisioned(endpoint: LocalAws, standing_endpoint: StandingEndpoint, metadata_database: Path) -> World:
    return standing_endpoint.world(LOOP)


@pytest.fixture(scope="module")
def model(endpoint: LocalAws, standing_endpoint: StandingEndpoint) -> Model:
    return standing_endpoint.model


@pytest.fixture
def world(provisioned: World) -> Iterator[World]:
    """Give the loop as it is set up, without a model, and without anything that an earlier test did.

    Its Variables are in Airflow's database: ``set_variable`` writes there.
    """
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    from label_loop.console.context import contexts
    from label_loop.console.labels import forget_labels
    from label_loop.console.pages import overview

    provisioned.reset(_Variables())
    # What was read belongs to an earlier test.
    for aws in contexts().values():
        aws.store.forget()
    forget_labels()
    for cached in (overview._new_images, overview._detections, overview._datasets):
        cached.forget()
    yield provisioned
    provisioned.heal()
    with create_session() as session:
        session.execute(delete(Variable))


class _Variables(dict[str, str]):
    """Airflow's Variables, as the world writes them."""

    def __setitem__(self, key: str, value: str) -> None:
        from airflow.models.variable import Variable

        Variable.set(key, value)


@pytest.fixture(scope="module")
def served(endpoint: LocalAws, metadata_database: Path) -> Iterator[FastAPI]:
    """The console, mounted as Airflow mounts it, behind Airflow's own middleware."""
    from airflow.api_fastapi.app import init_auth_manager, purge_cached_app
    from airflow.api_fastapi.auth.middlewares.refresh_token import JWTRefreshMiddleware

    from label_loop.console import ConsoleApp, context, threads

    context.forget()
    app = FastAPI()
    patch = pytest.MonkeyPatch()
    # On a busy machine the local endpoint may take longer than a person would wait for AWS.
    patch.setattr(context, "QUICK", QUICK.merge(Config(read_timeout=60)))
    patch.setattr(threads, "LONGEST_SECONDS", 120.0)
    app.mount(CONSOLE_PATH, ConsoleApp())
    app.add_middleware(JWTRefreshMiddleware)
    init_auth_manager()
    yield app
    patch.undo()
    context.forget()
    purge_cached_app()


@pytest.fixture
def client(served: FastAPI) -> Client:
    """Return a browser of somebody with a role of Airflow's, or of nobody (None)."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    def log_in(role: str | None) -> TestClient:
        browser = TestClient(served, base_url="http://airflow.test", headers={"Accept": "text/html"})
        if role:
            user = SimpleAuthManagerUser(username=f"a-{role}", role=role.upper())
            browser.cookies.set("_token", get_auth_manager().generate_jwt(user))
        return browser

    return log_in


@pytest.fixture
def ask(client: Client) -> Callable[..., Any]:
    """Return a function that makes one request of the console's pages: ``ask(role, method, path, ...)``.

    ``path`` is below the loop's. The request comes from the console's own page unless ``headers`` are given.
    """

    def make(role: str | None, method: str, path: str, **how: Any) -> Any:
        how.setdefault("headers", {"Accept": "application/json", **FROM_THE_CONSOLE})
        return client(role).request(method, f"/label-loop/{LOOP.name}/{path}", follow_redirects=False, **how)

    return make
