"""A client of Airflow's public REST API."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from local_stack.loopback import HttpError, ask

_TRIES_WHILE_LOCKED = 10  # each waits for five seconds
ENDED = frozenset({"success", "failed"})


@dataclass(frozen=True)
class DagRun:
    """A DAG run."""

    dag_id: str
    run_id: str
    state: str

    @property
    def ended(self) -> bool:
        """Whether the run has ended, successfully or not."""
        return self.state in ENDED


@dataclass(frozen=True)
class TaskInstance:
    """One task of a run, in its latest try."""

    task_id: str
    state: str
    try_number: int


class AirflowApi:
    """The few requests that the local stack and the demo make."""

    def __init__(self, url: str, credentials: Mapping[str, str] | None = None) -> None:
        self.url = url
        self.credentials = credentials

    @cached_property
    def login(self) -> dict[str, str]:
        """The header that authenticates a request."""
        # If everybody is an admin, Airflow issues a token without credentials.
        method = "GET" if self.credentials is None else "POST"
        token = ask(method, f"{self.url}/auth/token", self.credentials)["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return the response to one request; raises what `loopback.ask` raises."""
        # SQLite allows one writer: a request may wait for others until it fails, without any effect.
        for _ in range(_TRIES_WHILE_LOCKED):
            try:
                return ask(method, f"{self.url}/api/v2/{path}", body, self.login)
            except HttpError as error:
                if error.status != 500:
                    raise
            time.sleep(1)
        return ask(method, f"{self.url}/api/v2/{path}", body, self.login)

    def knows(self, dag_id: str) -> bool:
        """Return whether a DAG has been parsed."""
        return self._find(f"dags/{quote(dag_id, safe='')}") is not None

    def import_errors(self) -> list[str]:
        """Return the errors of DAG files that could not be parsed."""
        errors = self.ask("GET", "importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def trigger(self, dag_id: str, **conf: Any) -> DagRun:
        """Start a run now."""
        answer = self.ask("POST", f"dags/{quote(dag_id, safe='')}/dagRuns", {"logical_date": None, "conf": conf})
        return _run(answer)

    def run(self, run: DagRun) -> DagRun:
        """Return the current state of a run."""
        return _run(self.ask("GET", _path(run)))

    def latest_runs(self, dag_id: str, most: int = 5) -> list[DagRun]:
        """Return the latest runs of a DAG, newest first."""
        path = f"dags/{quote(dag_id, safe='')}/dagRuns?limit={most}&order_by=-run_after"
        return [_run(answer) for answer in self.ask("GET", path)["dag_runs"]]

    def tasks(self, run: DagRun) -> list[TaskInstance]:
        """Return the tasks of a run."""
        instances = self.ask("GET", f"{_path(run)}/taskInstances?limit=100")["task_instances"]
        return [TaskInstance(each["task_id"], each["state"] or "waiting", each["try_number"]) for each in instances]

    def variable(self, key: str) -> str | None:
        """Return a Variable's text, or None if it does not exist."""
        found = self._find(f"variables/{quote(key, safe='')}")
        return None if found is None else str(found["value"])

    def set_variable(self, key: str, value: str) -> None:
        """Change an existing Variable, as an operator does in the UI."""
        self.ask("PATCH", f"variables/{quote(key, safe='')}?update_mask=value", {"key": key, "value": value})

    def put_variable(self, key: str, value: str, description: str) -> None:
        """Write a Variable, whether it is there or not."""
        if self.variable(key) is None:
            self.ask("POST", "variables", {"key": key, "value": value, "description": description})
        else:
            self.set_variable(key, value)

    def _find(self, path: str) -> Any:
        try:
            return self.ask("GET", path)
        except HttpError as error:
            if error.status == 404:
                return None
            raise


def _path(run: DagRun) -> str:
    return f"dags/{quote(run.dag_id, safe='')}/dagRuns/{quote(run.run_id, safe='')}"


def _run(answer: Any) -> DagRun:
    return DagRun(answer["dag_id"], answer["dag_run_id"], answer["state"])
