"""Every test runs in an Airflow home of its own, without anybody's settings, credentials or network."""

import os
import tempfile
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

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


REAL_PROCESSES = ("tests/airflow/", "tests/browser/", "tests/cluster/", "tests/parity/")


class OneRealAirflow(LoadFileScheduling):
    """Each file keeps to one worker; all that run a real Airflow share one, since two at once starve each other."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "tests/airflow" if file.startswith(REAL_PROCESSES) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneRealAirflow:
    return OneRealAirflow(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A dozen real processes on two cores can be starved by what else runs there. A first failure is told in the
    # report, as RERUN; a second one is a failure. Nothing else gets a second try.
    for item in items:
        if item.nodeid.startswith(REAL_PROCESSES):
            item.add_marker(pytest.mark.flaky(reruns=1))
