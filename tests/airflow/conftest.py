"""One real Airflow for all tests of a file: starting it takes most of their time."""

from collections.abc import Iterator

import pytest
from tests.airflow import sample_layout
from tests.airflow.stack import RunningStack, airflow_over_endpoint

from label_loop.provisioning import Options, provision
from label_loop.settings import Loop


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with airflow_over_endpoint(tmp_path_factory.mktemp("stack"), "/alpha,/sample", _two_loops) as running:
        yield running


def _two_loops(running: RunningStack) -> None:
    provision(Loop("/alpha"), Options(labels=("even", "odd")), running.session(), print)
    sample_layout.lay_out(running.client)
