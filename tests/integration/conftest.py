"""One endpoint and one trained model for all tests here, and a loop of its own for each test."""

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import botocore.retryhandler
import pytest
from botocore.retries.standard import ExponentialBackoff
from tests.integration.clients import REGION
from tests.integration.model import Model
from tests.integration.world import World
from tests.testing.standing_endpoint import StandingEndpoint

from label_loop.inbox.queue import QueueInbox
from label_loop.loop import Loop
from local_aws.server import LocalAws

# Airflow writes its configuration into its home when it is first imported: never into the user's own.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="label-loop-airflow-"))

_numbers = itertools.count(1)
_CLIENTS: dict[Any, Any] = {}


@pytest.fixture(scope="module")  # between files, others use moto
def endpoint(standing_endpoint: StandingEndpoint) -> Iterator[LocalAws]:
    with standing_endpoint.in_use() as aws:
        yield aws


@pytest.fixture(scope="module")
def model(endpoint: LocalAws, standing_endpoint: StandingEndpoint) -> Model:
    return standing_endpoint.model


def share_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let hooks of one kind share a client: making one costs more than all the calls of a test."""
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook

    for kind in ("get_client_type", "get_resource_type"):
        make = getattr(AwsGenericHook, kind)

        def shared(self: Any, *args: Any, make: Callable[..., Any] = make, **kwargs: Any) -> Any:
            if kwargs.get("deferrable"):
                return make(self, *args, **kwargs)  # a trigger's client belongs to its event loop
            config = getattr(self._config, "_user_provided_options", None)
            key = (make.__name__, self.client_type, self.resource_type, str(config))
            if key not in _CLIENTS:
                _CLIENTS[key] = make(self, *args, **kwargs)
            return _CLIENTS[key]

        monkeypatch.setattr(AwsGenericHook, kind, shared)


@pytest.fixture(autouse=True)
def surroundings(endpoint: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Point every client at the endpoint, and let retries and waits for messages cost no time."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    share_clients(monkeypatch)
    receive = QueueInbox.receive
    monkeypatch.setattr(QueueInbox, "receive", lambda inbox, wait_seconds: receive(inbox, 0))  # what is there, is there
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
def make_world(endpoint: LocalAws, variables: dict[str, str]) -> Callable[[type[World]], World]:
    return lambda kind: kind(endpoint, Loop(f"/integration{next(_numbers)}"), variables)


@pytest.fixture(scope="module")
def provisioned(endpoint: LocalAws, standing_endpoint: StandingEndpoint) -> World:
    return standing_endpoint.world(Loop("/integration"))


@pytest.fixture
def bare(provisioned: World, variables: dict[str, str]) -> World:
    """Give a loop that is set up, without a model and without anything that an earlier test did."""
    provisioned.reset(variables)
    return provisioned


@pytest.fixture
def world(bare: World, model: Model) -> World:
    """Give a loop whose model serves."""
    bare.deploy(model)
    bare.aws.calls.reset()
    return bare


@pytest.fixture
def unsure(world: World) -> World:
    """Give a loop that sends each image to review."""
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    return world
