"""A run of a DAG as Airflow keeps it between the processes that do its tasks."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from tests.simulation.world import PATH


def operator(kind: Any, **arguments: Any) -> Any:
    return kind(task_id="task", loop_path=PATH, aws_conn_id=None, **arguments)


def airflow_context(**more: Any) -> dict[str, Any]:
    user = SimpleNamespace(triggering_user_name="ann")
    return {"params": {}, "run_id": "run", "dag_run": user} | more


class PauseError(Exception):
    """A run of the DAG is left for a later step."""


@dataclass
class DagRun:
    """A run of the training DAG: the results of its tasks, and how often each failed."""

    params: dict[str, Any]
    run_id: str
    done: dict[str, Any] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    budget: int = 0
    has_failed: bool = False

    def task(self, task_id: str, kind: Any, *, retries: int = 2, **arguments: Any) -> Any:
        """Return a task's result. Raises PauseError where it waits, failed for now, or the budget is used up."""
        if task_id in self.done:
            return self.done[task_id]
        if self.budget <= 0:
            raise PauseError
        self.budget -= 1
        self.tries[task_id] = self.tries.get(task_id, 0) + 1
        context = airflow_context(params=self.params, run_id=self.run_id)
        try:
            result = operator(kind, **arguments).execute(context)
        except TaskDeferred:
            self.tries[task_id] = 0
            raise PauseError from None
        except AirflowFailException:
            raise
        except Exception as error:
            if self.tries[task_id] > retries:
                raise
            raise PauseError from error
        self.done[task_id] = result
        return result
