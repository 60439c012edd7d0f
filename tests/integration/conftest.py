"""One endpoint and one trained model for all tests here, and a loop of its own for each test."""

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import botocore.retryhandler
import botocore.session
import pytest
from botocore.loaders import Loader
from botocore.retries.standard import ExponentialBackoff
from tests.integration.world import REGION, Model, World, train_model

from label_loop.settings import Loop
from label_loop.states import detection
from local_aws.server import LocalAws
from local_aws.settings import Settings

# Airflow writes its configuration into its home when it is first imported: never into the user's own.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="label-loop-airflow-"))

_FAST = Settings(
    port=0,
    training_seconds=0.05,
    start_seconds=0.1,
    stop_seconds=0.1,
    human_loop_stop_seconds=0.05,
    max_running_models=1000,  # the loops of all tests share the endpoint
    max_concurrent_trainings=1000,
)
_numbers = itertools.count(1)
_LOADER = Loader()  # reads each service's model once, not once for each hook of each test


@pytest.fixture(scope="session")
def endpoint() -> Iterator[LocalAws]:
    with LocalAws(_FAST) as aws:
        yield aws


@pytest.fixture(scope="session")
def model(endpoint: LocalAws) -> Model:
    """Train once for all tests."""
    return train_model(endpoint)


@pytest.fixture(autouse=True)
def surroundings(endpoint: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Point every client at the endpoint, and let retries and lingering cost no time."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(botocore.session, "create_loader", lambda *_: _LOADER)
    monkeypatch.setattr(detection, "LINGER_SECONDS", 0)
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0.02)
    monkeypatch.setattr(botocore.retryhandler, "delay_exponential", lambda *_, **__: 0.02)
    yield
    endpoint.faults.replace([])


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Keep Airflow's Variables in a dict."""
    from airflow.sdk import Variable

    kept: dict[str, str] = {}

    def set_variable(key: str, value: Any, description: str | None = None, serialize_json: bool = False) -> None:
        kept[key] = value

    monkeypatch.setattr(Variable, "get", lambda key, default=None, deserialize_json=False: kept.get(key, default))
    monkeypatch.setattr(Variable, "set", set_variable)
    return kept


@pytest.fixture
def make_world(endpoint: LocalAws, variables: dict[str, str]) -> Callable[[], World]:
    return lambda: World(endpoint, Loop(f"/it{next(_numbers)}"), variables)


@pytest.fixture
def bare(make_world: Callable[[], World]) -> World:
    """Give a loop that is set up, without a model."""
    world = make_world()
    world.provision()
    return world


@pytest.fixture
def world(bare: World, model: Model) -> World:
    """Give a loop whose model serves."""
    bare.deploy(model)
    return bare
