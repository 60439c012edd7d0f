"""A real Airflow over the local endpoint, and what a test asks of it."""

import json
import os
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.testing import metadata_database
from tests.waiting import eventually

from local_stack.airflow_api import AirflowApi
from local_stack.environment import StackSettings, free_port
from local_stack.stack import LocalStack


@dataclass
class RunningStack:
    """The REST API of Airflow as its admin, and boto3 clients of the endpoint."""

    stack: StackSettings

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.stack.aws_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def session(self) -> Any:
        return boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")

    @cached_property
    def api(self) -> AirflowApi:
        return AirflowApi(
            self.stack.airflow_url, {"username": "admin", "password": "admin"} if self.stack.roles else None
        )

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.api.ask(method, path.removeprefix("/"), body)

    def variable(self, key: str) -> str | None:
        return self.api.variable(key)

    def set_variable(self, key: str, value: str) -> None:
        self.api.set_variable(key, value)

    def parameter(self, name: str) -> str:
        return self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]

    def set_parameter(self, name: str, value: str) -> None:
        self.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def dag(self, dag_id: str) -> dict[str, Any]:
        return self.call("GET", f"/dags/{dag_id}")

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        return self.call("GET", f"/dags/{dag_id}/dagRuns?order_by=-run_after&limit=50")["dag_runs"]

    def tasks(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        path = f"/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id, safe='')}/taskInstances"
        return {task["task_id"]: task["state"] for task in self.call("GET", path)["task_instances"]}

    def task_log(self, dag_id: str, run_id: str, task_id: str) -> str:
        run = urllib.parse.quote(run_id, safe="")
        return json.dumps(self.call("GET", f"/dags/{dag_id}/dagRuns/{run}/taskInstances/{task_id}/logs/1"))

    def trigger(self, dag_id: str, **conf: Any) -> str:
        """Start a run, once the DAG is known: a new file is parsed some time after Airflow is up."""
        eventually(lambda: self.call("GET", f"/dags?dag_id_pattern={dag_id}")["total_entries"], f"the DAG {dag_id}")
        return self.call("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"]

    def finished(self, dag_id: str, run_id: str) -> str:
        path = f"/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id, safe='')}"
        ended = ("success", "failed")
        return eventually(lambda: (state := self.call("GET", path)["state"]) in ended and state, run_id)


@contextmanager
def airflow_over_endpoint(
    home: Path, parameter_paths: str, prepare: Callable[[RunningStack], Any]
) -> Iterator[RunningStack]:
    """Run an endpoint and, once its loops are prepared, an Airflow, on ports of their own; stop both in the end."""
    stack = StackSettings(home, free_port(), free_port(), parameter_paths)
    start(stack, prepare)
    try:
        yield RunningStack(stack)
    finally:
        stop(stack)


def start(stack: StackSettings, prepare: Callable[[RunningStack], Any]) -> None:
    """Start an endpoint, have its loops prepared, and start Airflow; stop both where one does not come up."""
    local, running = LocalStack(stack), RunningStack(stack)
    try:
        local.start_endpoint()
        with clients_of(running):
            prepare(running)
        metadata_database.lay_out(stack.home)
        local.start_airflow()
        local.wait_for_airflow()
    except BaseException:
        stop(stack)
        raise


def stop(stack: StackSettings) -> None:
    """Stop both without waiting for tasks to end: nobody asks for their work any more."""
    local = LocalStack(stack)
    for process in (local.airflow, local.endpoint):
        process.stop(patience_seconds=2)


@contextmanager
def clients_of(running: RunningStack) -> Iterator[None]:
    """Let what this process asks of AWS reach the endpoint."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in running.stack.aws_environment().items():
            patch.setitem(os.environ, name, value)
        yield
