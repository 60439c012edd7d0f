"""Overview: whether the loop is healthy."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import APIRouter, Response

from label_loop.console import airflow_db
from label_loop.console.access import Look, Visit
from label_loop.console.caching import Cached
from label_loop.console.context import ConsoleContext
from label_loop.console.health import backlog, detections_a_day, model_health
from label_loop.console.render import render
from label_loop.console.threads import in_thread
from label_loop.domain.health import concerns
from label_loop.hooks.aws_errors import error_code
from label_loop.workflows.training import TrainingWorkflow

router = APIRouter()

STATES = ("detection", "human_review", "training", "human_sampling", "parameter_sync")
_MOST_PROBLEMS = 8
_PROBLEM_DAYS = 14
_NEW_IMAGES_SECONDS = 60.0
_DETECTIONS_SECONDS = 60.0
# Counting them lists the whole folder.
_new_images: Cached[str, tuple[int, Mapping[str, str]]] = Cached(_NEW_IMAGES_SECONDS)
_detections: Cached[str, float | None] = Cached(_DETECTIONS_SECONDS)


@dataclass(frozen=True)
class Work:
    """What one DAG of the loop does: its run under way, and when the next one is due."""

    state: str
    run: airflow_db.Run | None
    schedule: airflow_db.Schedule | None


@router.get("/overview")
async def overview(visit: Look) -> Response:
    """Show the page; what it tells is asked for again and again."""
    return render(visit, "overview.html")


@router.get("/overview/now")
async def now(visit: Look) -> Response:
    """Return what needs few calls."""
    work, problems = await in_thread(_airflow, visit)
    try:
        values, problem = await in_thread(_aws, visit.aws, work, problems), None
    except (BotoCoreError, ClientError) as error:
        values, problem = {"model": None, "backlog": None, "concerns": []}, error_code(error) or type(error).__name__
    return render(
        visit,
        "overview_now.html",
        work=work,
        problems=problems,
        problem_days=_PROBLEM_DAYS,
        aws_problem=problem,
        **values,
    )


@router.get("/overview/training")
async def training(visit: Look) -> Response:
    """Return how far the next training is, which may take a call for each 1,000 labelled images."""

    def work() -> dict[str, Any]:
        settings = visit.aws.settings
        count, folders = _new_images.get(visit.loop.path, TrainingWorkflow(visit.aws).new_images)
        return {
            "new_images": count,
            "folders": folders,
            "wanted": settings.minimum_untrained_images,
            "automatic": settings.enable_automatic_training,
        }

    return render(visit, "overview_training.html", **await in_thread(work))


def _airflow(visit: Visit) -> tuple[list[Work], list[airflow_db.Run]]:
    dag_ids = [visit.loop.dag_id(state) for state in STATES]
    runs = {run.dag_id: run for run in airflow_db.running(dag_ids)}
    due = {schedule.dag_id: schedule for schedule in airflow_db.schedules(dag_ids)}
    work = [Work(state, runs.get(visit.loop.dag_id(state)), due.get(visit.loop.dag_id(state))) for state in STATES]
    return work, airflow_db.problems(dag_ids, most=_MOST_PROBLEMS, days=_PROBLEM_DAYS)


def _detections_a_day(aws: ConsoleContext) -> float | None:
    with suppress(BotoCoreError, ClientError):  # one figure less is better than no page
        return _detections.get(aws.loop.path, lambda: detections_a_day(aws))
    return None


def _aws(aws: ConsoleContext, work: list[Work], problems: list[airflow_db.Run]) -> dict[str, Any]:
    model, waits = model_health(aws), backlog(aws)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return {
        "model": model,
        "usd_per_image": model.cost.usd_per_image(_detections_a_day(aws)) if model.billed else None,
        "idle_minutes": aws.settings.idle_model_stop_minutes,
        "backlog": waits,
        "concerns": concerns(
            endpoint=model.endpoint,
            asleep=model.asleep,
            idle=model.idle,
            deploying=any(each.state == "training" and each.run for each in work),
            waiting_uploads=waits.uploads or 0,
            dead_letters=waits.dead_letters or 0,
            paused=[each.state for each in work if each.schedule and each.schedule.paused],
            failed_tasks=sum(bool(problem.at and problem.at >= yesterday) for problem in problems),
        ),
    }
