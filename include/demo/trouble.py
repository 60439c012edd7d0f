"""What Airflow reports when something goes wrong: failed and retried tasks, and where their logs are."""

from collections.abc import Sequence
from pathlib import Path

from local_stack.airflow_api import AirflowApi, DagRun, TaskInstance
from local_stack.loopback import HttpError, UnreachableError

_TROUBLED = frozenset({"failed", "up_for_retry", "upstream_failed"})


def troubles(api: AirflowApi, dag_ids: Sequence[str], home: Path) -> str:
    """Return a report with a line for each recent run and task that has not succeeded."""
    lines: list[str] = []
    try:
        lines += [f"  DAG file not parsed: {error}" for error in api.import_errors()]
        for dag_id in dag_ids:
            lines += _lines_of(api, dag_id, home)
    except (UnreachableError, HttpError) as error:
        lines.append(f"  Airflow does not respond: {error}")
    return "\n".join(["Airflow reports:", *lines, f"Airflow's log: {home / 'airflow.log'}"])


def _lines_of(api: AirflowApi, dag_id: str, home: Path) -> list[str]:
    lines = []
    for run in api.latest_runs(dag_id, most=3):
        tasks = [task for task in api.tasks(run) if task.state in _TROUBLED]
        if tasks or not run.ended:
            lines.append(f"  {dag_id} {run.run_id} is {run.state}")
        lines += [f"    {task.task_id} is {task.state}: {_log(home, run, task)}" for task in tasks]
    return lines


def _log(home: Path, run: DagRun, task: TaskInstance) -> str:
    folder = home / "logs" / f"dag_id={run.dag_id}" / f"run_id={run.run_id}" / f"task_id={task.task_id}"
    return str(folder / f"attempt={task.try_number}.log")
