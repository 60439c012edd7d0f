from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.local_aws.endpoint import Endpoint

from local_aws.server import LocalAws
from local_aws.settings import EndpointSettings

FAST = {
    "training_seconds": 0.1,
    "start_seconds": 0.1,
    "stop_seconds": 0.1,
    "human_loop_stop_seconds": 0.2,
    "dataset_seconds": 0.1,
}


@pytest.fixture
def start() -> Iterator[Callable[..., Endpoint]]:
    """Start an endpoint with settings of the test's own."""
    running: list[LocalAws] = []

    def begin(**settings: Any) -> Endpoint:
        running.append(LocalAws(EndpointSettings(**(FAST | {"port": 0} | settings))))
        return Endpoint(running[-1])

    yield begin
    for aws in running:
        aws.close()


@pytest.fixture
def endpoint(start: Callable[..., Endpoint]) -> Endpoint:
    return start()
