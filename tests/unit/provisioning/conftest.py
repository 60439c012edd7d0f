"""One local endpoint for all tests here, and a loop of its own for each test."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto.ssm.models import ssm_backends
from tests.testing.sample_layout import SampleStack
from tests.testing.sparing_session import SparingSession

from label_loop.loop import Loop
from label_loop.provisioning import Options, ResourceLine, provision
from label_loop.system_record import SYSTEM_RECORD
from local_aws import sqs_polling
from local_aws.server import LocalAws
from local_aws.settings import EndpointSettings

REGION = "eu-west-1"
ACCOUNT = "123456789012"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")  # moto's state is the process's, and the tests of another folder empty it
def endpoint() -> Iterator[LocalAws]:
    with LocalAws(EndpointSettings(port=0)) as aws:
        yield aws


@pytest.fixture
def aws(endpoint: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sqs_polling, "_wait_seconds", lambda *_: 0.001)  # what there is, is there
    parameters = ssm_backends[ACCOUNT][REGION]._parameters
    for name in [name for name in parameters if name.endswith(SYSTEM_RECORD)]:
        del parameters[name]  # each test has the region for itself
    yield endpoint
    endpoint.faults.replace([])


@pytest.fixture
def loop() -> Loop:
    return Loop(f"/loop{next(_numbers)}")


@pytest.fixture(scope="module")
def session(endpoint: LocalAws) -> SparingSession:
    return SparingSession(region_name=REGION)


@pytest.fixture
def client(aws: LocalAws, session: SparingSession, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Give what makes clients, for the test and, by ``boto3.Session()``, for the commands."""
    monkeypatch.setattr(boto3, "Session", lambda **_: session)
    return session.client


@pytest.fixture
def run(aws: LocalAws, session: SparingSession, loop: Loop) -> Callable[..., tuple[dict[str, Any], list[ResourceLine]]]:
    """Provision the test's loop; give its record and the lines reported."""

    def go(**options: Any) -> tuple[dict[str, Any], list[ResourceLine]]:
        lines: list[ResourceLine] = []
        values = provision(loop, Options(**options), session, lines.append)
        return dict(values), lines

    return go


@pytest.fixture
def sample_stack() -> SampleStack:
    return SampleStack(f"sample{next(_numbers)}")


@pytest.fixture
def sample(client: Callable[[str], Any], sample_stack: SampleStack) -> dict[str, Any]:
    """Lay out a deployment of the AWS sample; return its record."""
    return sample_stack.lay_out(client)
