"""Overview: whether the loop is healthy."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import APIRouter, Response

from label_loop.console import airflow_db
from label_loop.console.access import Look, Visit
from label_loop.console.caching import Cached
from label_loop.console.health import backlog, detections_a_day, model_health
from label_loop.console.render import render
from label_loop.console.threads import in_thread
from label_loop.context import LoopContext
from label_loop.domain import datasets
from label_loop.domain.health import concerns
from label_loop.hooks.aws_errors import error_code
from label_loop.workflows.project_datasets import ProjectDatasets
from label_loop.workflows.quality import latest_report, serving_version
from label_loop.workflows.training import NewImages, TrainingWorkflow

router = APIRouter()

WORKFLOWS = (
    "detection",
    "human_review",
    "training",
    "approval",
    "bake",
    "human_sampling",
    "quality",
    "parameter_sync",
)
_MOST_PROBLEMS = 8
_PROBLEM_DAYS = 14
_MOST_EXAMPLES = 5
_NEW_IMAGES_SECONDS = 60.0
_DETECTIONS_SECONDS = 60.0
_REPORT_SECONDS = 60.0
# Counting them lists the whole folder.
_new_images: Cached[str, NewImages] = Cached(_NEW_IMAGES_SECONDS)
_detections: Cached[str, float | None] = Cached(_DETECTIONS_SECONDS)
_datasets: Cached[str, str] = Cached(_NEW_IMAGES_SECONDS)
_drift: Cached[str, list[str]] = Cached(_REPORT_SECONDS)


@dataclass(frozen=True)
class DagStatus:
    """The status of one of the loop's DAGs: its active run, and its schedule."""

    workflow: str
    run: airflow_db.Run | None
    schedule: airflow_db.Schedule | None


@router.get("/overview")
async def overview(visit: Look) -> Response:
    """Return the page; its content is polled."""
    return render(visit, "overview.html")


@router.get("/overview/now")
async def now(visit: Look) -> Response:
    """Return the content that takes few calls. If AWS fails, the page shows Airflow's part and the problem."""
    work, problems = await in_thread(_read_airflow, visit)
    try:
        values, problem = await in_thread(_read_aws, visit.aws, work, problems), None
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
    """Return the progress towards the next training, which takes one call per 1,000 labelled images."""

    def work() -> dict[str, Any]:
        settings = visit.aws.settings
        found = _new_images.get(visit.loop.path, TrainingWorkflow(visit.aws).new_images)
        return {
            "new_images": found.count,
            "folders": found.folders,
            "left_out": len(found.left_out),
            "examples": dict(islice(found.left_out.items(), _MOST_EXAMPLES)),
            "wanted": settings.minimum_untrained_images,
            "automatic": settings.enable_automatic_training,
            "datasets": _datasets_mean(visit.aws),
        }

    return render(visit, "overview_training.html", **await in_thread(work))


def _read_airflow(visit: Visit) -> tuple[list[DagStatus], list[airflow_db.Run]]:
    dag_ids = [visit.loop.dag_id(workflow) for workflow in WORKFLOWS]
    runs = {run.dag_id: run for run in airflow_db.active_runs(dag_ids)}
    due = {schedule.dag_id: schedule for schedule in airflow_db.schedules(dag_ids)}
    work = [
        DagStatus(workflow, runs.get(visit.loop.dag_id(workflow)), due.get(visit.loop.dag_id(workflow)))
        for workflow in WORKFLOWS
    ]
    return work, airflow_db.failed_tasks(dag_ids, most=_MOST_PROBLEMS, days=_PROBLEM_DAYS)


def _detections_a_day(aws: LoopContext) -> float | None:
    with suppress(BotoCoreError, ClientError):  # a missing figure is better than no page
        return _detections.get(aws.loop.path, lambda: detections_a_day(aws))
    return None


def _datasets_mean(aws: LoopContext) -> str:
    with suppress(BotoCoreError, ClientError):  # as above
        project = ProjectDatasets(aws)
        return _datasets.get(aws.loop.path, lambda: datasets.meaning(project.found()))
    return ""


def _drift_found(aws: LoopContext) -> list[str]:
    def alarms() -> list[str]:
        report = latest_report(aws)
        return [alarm.text for alarm in report.alarms] if report and report.version == serving_version(aws) else []

    with suppress(BotoCoreError, ClientError):  # as above
        return _drift.get(aws.loop.path, alarms)
    return []


def _read_aws(aws: LoopContext, work: list[DagStatus], problems: list[airflow_db.Run]) -> dict[str, Any]:
    model, waits = model_health(aws), backlog(aws)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return {
        "model": model,
        "usd_per_image": model.cost.usd_per_image(_detections_a_day(aws)) if model.billed else None,
        "idle_minutes": aws.settings.idle_model_stop_minutes,
        "backlog": waits,
        "concerns": concerns(
            endpoint=model.endpoint,
            asleep=model.is_asleep,
            idle=model.idle_versions,
            deploying=any(each.workflow == "training" and each.run for each in work),
            waiting_uploads=waits.uploads or 0,
            dead_letters=waits.dead_letters or 0,
            paused=[each.workflow for each in work if each.schedule and each.schedule.paused],
            failed_tasks=sum(bool(problem.at and problem.at >= yesterday) for problem in problems),
            drift=_drift_found(aws),
        ),
    }
