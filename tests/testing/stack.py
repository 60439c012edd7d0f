"""A real Airflow over the local endpoint, and what a test asks of it."""

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.testing import metadata_database
from tests.waiting import eventually

from local_stack.environment import Stack, free_port
from local_stack.stack import LocalStack

_TRIES_WHILE_LOCKED = 10  # each waits for five seconds
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class RunningStack:
    """The REST API of Airflow as its admin, and boto3 clients of the endpoint."""

    stack: Stack
    _token: str = field(default="")

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

    def call(self, method: str, path: str, body: Any = None) -> Any:
        self._token = self._token or self._admins_token()
        request = urllib.request.Request(
            f"{self.stack.airflow_url}/api/v2{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        # SQLite has one writer: while others write, a request can wait until it fails, with nothing done.
        for _ in range(_TRIES_WHILE_LOCKED):
            try:
                return _answer(request)
            except urllib.error.HTTPError as error:
                if error.code != 500:
                    raise
            time.sleep(1)
        return _answer(request)

    def _admins_token(self) -> str:
        login = json.dumps({"username": "admin", "password": "admin"}).encode() if self.stack.roles else None
        url, headers = f"{self.stack.airflow_url}/auth/token", {"Content-Type": "application/json"}
        return _answer(urllib.request.Request(url, login, headers))["access_token"]

    def variable(self, key: str) -> str | None:
        try:
            return self.call("GET", f"/variables/{urllib.parse.quote(key, safe='')}")["value"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def set_variable(self, key: str, value: str) -> None:
        path = f"/variables/{urllib.parse.quote(key, safe='')}"
        self.call("PATCH", path, {"key": key, "value": value})

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


def _answer(request: urllib.request.Request) -> Any:
    with _NO_PROXY.open(request, timeout=120) as answer:
        return json.load(answer)


@contextmanager
def airflow_over_endpoint(
    home: Path, parameter_paths: str, prepare: Callable[[RunningStack], Any]
) -> Iterator[RunningStack]:
    """Run an endpoint and, once its loops are prepared, an Airflow, on ports of their own; stop both in the end."""
    stack = Stack(home, free_port(), free_port(), parameter_paths)
    start(stack, prepare)
    try:
        yield RunningStack(stack)
    finally:
        stop(stack)


def start(stack: Stack, prepare: Callable[[RunningStack], Any]) -> None:
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


def stop(stack: Stack) -> None:
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
