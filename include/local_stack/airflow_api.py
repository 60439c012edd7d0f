"""Airflow's REST API, as anybody may use it."""

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
class Run:
    """A DAG run."""

    dag_id: str
    run_id: str
    state: str

    @property
    def ended(self) -> bool:
        """Whether it is over, well or not."""
        return self.state in ENDED


@dataclass(frozen=True)
class Task:
    """One task of a run, at its latest try."""

    task_id: str
    state: str
    try_number: int


class AirflowApi:
    """The few questions that the local stack and the story ask."""

    def __init__(self, url: str, credentials: Mapping[str, str] | None = None) -> None:
        self.url = url
        self.credentials = credentials

    @cached_property
    def login(self) -> dict[str, str]:
        """The header of somebody who is logged in."""
        # Where everybody is an admin, Airflow hands a token to whoever asks.
        method = "GET" if self.credentials is None else "POST"
        token = ask(method, f"{self.url}/auth/token", self.credentials)["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer to one request of the REST API; raises what `loopback.ask` raises."""
        # SQLite has one writer: while others write, a request can wait until it fails, with nothing done.
        for _ in range(_TRIES_WHILE_LOCKED):
            try:
                return ask(method, f"{self.url}/api/v2/{path}", body, self.login)
            except HttpError as error:
                if error.status != 500:
                    raise
            time.sleep(1)
        return ask(method, f"{self.url}/api/v2/{path}", body, self.login)

    def knows(self, dag_id: str) -> bool:
        """Return whether a DAG is parsed."""
        return self._find(f"dags/{quote(dag_id, safe='')}") is not None

    def import_errors(self) -> list[str]:
        """Return what kept DAG files from being parsed."""
        errors = self.ask("GET", "importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def trigger(self, dag_id: str, **conf: Any) -> Run:
        """Start a run now."""
        answer = self.ask("POST", f"dags/{quote(dag_id, safe='')}/dagRuns", {"logical_date": None, "conf": conf})
        return _run(answer)

    def run(self, run: Run) -> Run:
        """Return a run as it is now."""
        return _run(self.ask("GET", _path(run)))

    def latest_runs(self, dag_id: str, most: int = 5) -> list[Run]:
        """Return the latest runs of a DAG, newest first."""
        path = f"dags/{quote(dag_id, safe='')}/dagRuns?limit={most}&order_by=-run_after"
        return [_run(answer) for answer in self.ask("GET", path)["dag_runs"]]

    def tasks(self, run: Run) -> list[Task]:
        """Return the tasks of a run."""
        instances = self.ask("GET", f"{_path(run)}/taskInstances?limit=100")["task_instances"]
        return [Task(each["task_id"], each["state"] or "waiting", each["try_number"]) for each in instances]

    def variable(self, key: str) -> str | None:
        """Return a Variable's text, or None where it is missing."""
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


def _path(run: Run) -> str:
    return f"dags/{quote(run.dag_id, safe='')}/dagRuns/{quote(run.run_id, safe='')}"


def _run(answer: Any) -> Run:
    return Run(answer["dag_id"], answer["dag_run_id"], answer["state"])
