"""One real Airflow for all tests here: starting it takes most of their time."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.airflow import sample_layout
from tests.airflow.stack import RunningStack

from label_loop.provisioning import Options, provision
from label_loop.settings import Loop
from local_stack.environment import Stack
from local_stack.stack import LocalStack


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    home: Path = tmp_path_factory.mktemp("stack")
    stack = Stack(home, _free_port(), _free_port(), parameter_paths="/alpha,/sample")
    local = LocalStack(stack)
    try:
        local.start_endpoint()
        running = RunningStack(stack)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in stack.aws_environment().items():
                patch.setitem(os.environ, name, value)
            provision(Loop("/alpha"), Options(labels=("even", "odd")), running.session(), print)
        sample_layout.lay_out(running.client)
        local.start_airflow()
        local.wait_for_airflow()
        yield running
    finally:
        local.stop()
