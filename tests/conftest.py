"""Every test runs in an Airflow home of its own, without anybody's settings, credentials or network."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.testing.shared_airflow import SharedAirflow
    from tests.testing.stack import RunningStack
    from tests.testing.standing_endpoint import StandingEndpoint

PROJECT = Path(__file__).resolve().parents[1]

# Airflow reads its configuration when it is first imported, which collecting the tests does.
for _name in [name for name in os.environ if name.startswith(("AIRFLOW", "AWS_", "LOCAL_AWS_", "LABEL_LOOP_"))]:
    del os.environ[_name]
os.environ |= {
    "AIRFLOW_HOME": tempfile.mkdtemp(prefix="label-loop-tests-"),
    "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "*",
}

pytest_plugins = ["tests.testing.durations"]

# What is below these starts real Airflow processes, a browser or a cluster.
REAL_PROCESSES = ("tests/airflow/", "tests/browser/", "tests/cluster/", "tests/parity/")


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.nodeid.startswith(REAL_PROCESSES):
        item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session", autouse=True)
def _read_descriptions_of_services_once() -> Iterator[None]:
    """Let all sessions of botocore share what they read: a client that reads its own takes a third of a second."""
    import botocore.session
    from botocore.loaders import Loader

    from local_aws import service_models

    service_models.service_model("s3")  # its own: a client changes the description of S3 when it is first used
    loader = Loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", lambda *_: loader)
        yield


@pytest.fixture(scope="session")
def standing_endpoint() -> Iterator["StandingEndpoint"]:
    """The local endpoint that the files of a worker share, with a trained model."""
    from tests.testing.standing_endpoint import StandingEndpoint

    standing = StandingEndpoint()
    yield standing
    standing.close()


@pytest.fixture(scope="session")
def metadata_database() -> Path:
    """Airflow's database, in the home of these tests."""
    from tests.testing import metadata_database

    return metadata_database.lay_out(Path(os.environ["AIRFLOW_HOME"]))


@pytest.fixture(scope="session")
def shared_airflow(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> "SharedAirflow":
    """What the workers of this run share: a real Airflow, once somebody asks for it."""
    from tests.testing.shared_airflow import SharedAirflow

    own = tmp_path_factory.getbasetemp()
    return SharedAirflow(own if worker_id == "master" else own.parent)


@pytest.fixture(scope="session")
def running(shared_airflow: "SharedAirflow") -> Iterator["RunningStack"]:
    """The real Airflow that all tests share."""
    with shared_airflow.running() as running:
        yield running
