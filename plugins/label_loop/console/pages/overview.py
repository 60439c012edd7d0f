"""Overview: whether the loop is healthy."""

from dataclasses import dataclass

from fastapi import APIRouter, Response

from label_loop.console import airflow_db
from label_loop.console.access import Look, Visit
from label_loop.console.render import render
from label_loop.console.threads import in_thread

router = APIRouter()

STATES = ("detection", "human_review", "training", "human_sampling", "parameter_sync")
_MOST_PROBLEMS = 8
_PROBLEM_DAYS = 14


@dataclass(frozen=True)
class Work:
    """What one DAG of the loop does: its run under way, and when the next one is due."""

    state: str
    run: airflow_db.Run | None
    schedule: airflow_db.Schedule | None


@router.get("/overview")
async def overview(visit: Look) -> Response:
    """Show the page; what needs AWS is loaded after it."""
    work, problems = await in_thread(_airflow, visit)
    return render(visit, "overview.html", work=work, problems=problems, problem_days=_PROBLEM_DAYS)


def _airflow(visit: Visit) -> tuple[list[Work], list[airflow_db.Run]]:
    dag_ids = [visit.loop.dag_id(state) for state in STATES]
    runs = {run.dag_id: run for run in airflow_db.running(dag_ids)}
    due = {schedule.dag_id: schedule for schedule in airflow_db.schedules(dag_ids)}
    work = [Work(state, runs.get(visit.loop.dag_id(state)), due.get(visit.loop.dag_id(state))) for state in STATES]
    return work, airflow_db.problems(dag_ids, most=_MOST_PROBLEMS, days=_PROBLEM_DAYS)
