"""Models: which version is serving, how good each is, and deploying, training and stopping."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import APIRouter, HTTPException, Query, Response

from label_loop.console import airflow_db
from label_loop.console.access import Answer, Look, Operate, Visit
from label_loop.console.prices import inference_unit_usd_per_hour
from label_loop.console.render import render
from label_loop.console.threads import in_thread
from label_loop.context import LoopContext
from label_loop.domain import costs, deployment, evaluation, training
from label_loop.domain.approval import ASK_TASK, OPTIONS
from label_loop.domain.deployment import DeploymentDecision
from label_loop.domain.idleness import may_be_stopped
from label_loop.domain.version_numbers import display_name, short_name
from label_loop.exceptions import VersionNotDeployableError
from label_loop.model_project import ModelProject
from label_loop.payloads import ProjectVersion, TrainingAttempt
from label_loop.serving import ServingModel

router = APIRouter()

_MOST_VERSIONS = 100
_THREADS = 8
_LONGEST_CHART_NAME = 12
_CHANGED = "models-changed"
_TRANSITIONAL = frozenset({deployment.TRAINING, "STARTING", "STOPPING", "DELETING"})

VersionName = Annotated[str, Query(alias="version", pattern=r"^[a-zA-Z0-9_.\-]{1,255}$")]


@dataclass(frozen=True)
class VersionRow:
    """One version in the table. ``offer`` labels the button that deploys it, None if it cannot be deployed.

    ``way_to_units`` is set if it serves with other inference units than the parameters say.
    """

    version: ProjectVersion
    is_endpoint: bool
    state: str
    usd_per_hour: float | None
    evaluation: evaluation.EvaluationSummary | None
    offer: str | None
    may_be_stopped: bool
    way_to_units: str | None


@dataclass(frozen=True)
class Activity:
    """A run of the training DAG: an active one, or the last. ``user`` triggered it with ``conf``."""

    run: airflow_db.Run
    conf: Mapping[str, Any]
    user: str | None


# -------------------------------------------------------------------- view


@router.get("/models")
async def models(visit: Look) -> Response:
    """Return the page; the parts that call AWS are loaded separately."""
    values = await in_thread(_activity, visit)
    return render(visit, "models.html", **values)


@router.get("/models/activity")
async def activity(visit: Look, seen: str = "") -> Response:
    """Return the DAG's current activity; if it differs from ``seen``, the response makes the table reload."""
    values = await in_thread(_activity, visit)
    response = render(visit, "models_activity.html", **values)
    if values["seen"] != seen:
        response.headers["HX-Trigger"] = _CHANGED
    return response


@router.get("/models/versions")
async def versions(visit: Look) -> Response:
    """Return the table and the chart, or a message in their place if AWS fails, because this endpoint is polled."""
    try:
        rows, more = await in_thread(_rows, visit.aws)
    except (BotoCoreError, ClientError) as error:
        return render(visit, "models_versions.html", problem=type(error).__name__, rows=[], more=0)
    minimum = await in_thread(lambda: visit.aws.settings.minimum_f1_score)
    question = visit.aws.store.state.open_question  # read with the rows
    return render(
        visit,
        "models_versions.html",
        problem=None,
        rows=rows,
        more=more,
        minimum=minimum,
        stopped_because=visit.aws.store.state.stopped_because,
        question=question,
        options=OPTIONS,
        answerable=bool(question and await in_thread(_asking_run, visit, question.version_name)),
        held=_held(visit.aws.store.state.last_training_attempt),
        chart=_chart(rows, minimum),
        in_motion=any(row.version.status in _TRANSITIONAL for row in rows),
    )


@router.get("/models/labels")
async def labels(visit: Look, name: VersionName) -> Response:
    """Return a version's scores by label."""

    def read() -> evaluation.EvaluationSummary | None:
        project = ModelProject(visit.aws)
        return project.evaluation(project.version(name))

    return render(visit, "models_labels.html", name=name, evaluation=await in_thread(read))


def _activity(visit: Visit) -> dict[str, Any]:
    dag_id = visit.loop.dag_id("training")
    runs = airflow_db.active_runs([dag_id])
    latest = airflow_db.latest_run(dag_id)
    described = [
        Activity(run, *airflow_db.run_request(dag_id, run.run_id)) for run in runs or ([latest] if latest else [])
    ]
    schedules = airflow_db.schedules([dag_id])
    return {
        "activities": described,
        "active": bool(runs),
        "paused": any(schedule.paused for schedule in schedules),
        "seen": " ".join(f"{run.run_id}:{run.task_id}" for run in runs),
    }


def _rows(aws: LoopContext) -> tuple[list[VersionRow], int]:
    state = aws.store.refresh()
    project = ModelProject(aws)
    found = project.versions()
    shown = found[:_MOST_VERSIONS]
    endpoint = next((version for version in found if version.arn == state.endpoint_arn), None)
    price = inference_unit_usd_per_hour()
    _ = aws.clients.s3_client  # created once, before several threads use it
    with ThreadPoolExecutor(_THREADS) as pool:
        evaluations = list(pool.map(project.evaluation, shown))
    rows = [
        VersionRow(
            version=version,
            is_endpoint=version is endpoint,
            state=deployment.status_label(version.status),
            usd_per_hour=costs.cost([version], price).usd_per_hour or None,
            evaluation=summary,
            offer=_offer(version, endpoint),
            may_be_stopped=version is endpoint and may_be_stopped(version.status, state.stopped_because),
            way_to_units=deployment.way_to_units(version, found, aws.settings) if _serves(version, endpoint) else None,
        )
        for version, summary in zip(shown, evaluations, strict=True)
    ]
    return rows, len(found) - len(shown)


def _asking_run(visit: Visit, version_name: str) -> airflow_db.Run | None:
    """Return the run of the DAG approval that waits for an answer about a version."""
    dag_id = visit.loop.dag_id("approval")
    asked = airflow_db.asked_runs(dag_id, ASK_TASK)
    ids = (run_id for run_id, conf in asked if conf.get("version") == version_name)
    return next((airflow_db.Run(dag_id, run_id, "running", None, ASK_TASK) for run_id in ids), None)


def _held(attempt: TrainingAttempt | None) -> TrainingAttempt | None:
    """Return the last attempt if its version was held."""
    return attempt if attempt and attempt.outcome == training.HELD else None


def _serves(version: ProjectVersion, endpoint: ProjectVersion | None) -> bool:
    return version is endpoint and version.status == deployment.RUNNING


def _offer(version: ProjectVersion, endpoint: ProjectVersion | None) -> str | None:
    if version.status not in deployment.DEPLOYABLE:
        return None
    if version is endpoint:
        return None if version.status in deployment.BILLED else "Start again"
    is_earlier = endpoint and version.created_at and endpoint.created_at and version.created_at < endpoint.created_at
    return "Roll back" if is_earlier else "Deploy"


def _chart(rows: Sequence[VersionRow], minimum_f1_score: float) -> dict[str, Any]:
    scored = [row.version for row in reversed(rows) if row.version.f1_score is not None]
    return {
        "type": "line",
        "labels": [_short(version.name) for version in scored],
        "series": [
            {"name": "F1 on the test set", "values": [version.f1_score for version in scored]},
            {"name": "Minimum-F1-Score", "values": [minimum_f1_score for _ in scored], "tone": "warn", "dashed": True},
        ],
        "decimals": True,
        "min": 0,
        "max": 1,
    }


def _short(name: str) -> str:
    name = short_name(name)
    return name if len(name) <= _LONGEST_CHART_NAME else f"…{name[1 - _LONGEST_CHART_NAME :]}"


# ----------------------------------------------------------------- operate


@router.get("/models/deployment")
async def confirm_deployment(visit: Operate, name: VersionName) -> Response:
    """Return the confirmation of a deployment, or why the version cannot be deployed."""
    try:
        decision = await in_thread(_decide, visit.aws, name)
    except VersionNotDeployableError as error:
        decision = DeploymentDecision("none", str(error), name)
    runs = await in_thread(airflow_db.active_runs, [visit.loop.dag_id("training")])
    return render(visit, "models_confirm.html", decision=decision, waits=bool(runs))


@router.post("/models/deployment")
async def deploy(visit: Operate, name: VersionName) -> Response:
    """Trigger the deployment of a version. Raises HTTPException 409 if it is serving already or cannot be deployed."""
    decision = await in_thread(_decide, visit.aws, name)
    if decision.action == "none":
        raise HTTPException(409, f"{name}: {decision.reason}.")
    return await _trigger(visit, "label_loop_deploy", {"version": name})


@router.post("/models/answer")
async def answer(visit: Answer, name: VersionName, choice: Literal["deploy", "hold"]) -> Response:
    """Answer the question about a version. Raises HTTPException 409 if it is not open, or somebody was faster."""

    def work() -> dict[str, Any]:
        question = visit.aws.store.refresh().open_question
        run = _asking_run(visit, name) if question and question.version_name == name else None
        if run is None:
            raise HTTPException(409, f"There is no open question about {name}.")
        airflow_db.answer(run, OPTIONS[choice], visit.user)
        facts = {"version": name, "answer": choice, "run_id": run.run_id}
        airflow_db.write_note("label_loop_answer", visit.user, run.dag_id, facts)
        return _activity(visit)

    return _activity_with_notice(
        visit, f"{OPTIONS[choice]}: the answer about {display_name(name)} is given.", await in_thread(work)
    )


@router.post("/models/training")
async def train(visit: Operate, force: bool = False) -> Response:
    """Trigger a training check, or with ``force`` a training regardless of the number of new images."""
    return await _trigger(visit, "label_loop_train", {"force": force})


@router.post("/models/stop")
async def stop(visit: Operate) -> Response:
    """Stop the serving version. Responds with 409 if none is running."""

    def work() -> tuple[str, dict[str, Any]]:
        name = ServingModel(visit.aws).stop_by_hand(asked_by=visit.user.get_name())
        airflow_db.write_note("label_loop_stop", visit.user, visit.loop.dag_id("training"), {"version": name})
        return name, _activity(visit)

    name, values = await in_thread(work)
    return _activity_with_notice(
        visit, f"{display_name(name)} is stopping. Uploads wait until it is started again.", values
    )


def _decide(aws: LoopContext, name: str) -> DeploymentDecision:
    endpoint_arn = aws.store.refresh().endpoint_arn
    return deployment.decide_deployment(name, ModelProject(aws).versions(), endpoint_arn, aws.settings)


async def _trigger(visit: Visit, event: str, conf: Mapping[str, Any]) -> Response:
    dag_id = visit.loop.dag_id("training")

    def work() -> tuple[str, dict[str, Any]]:
        if not airflow_db.schedules([dag_id]):
            raise HTTPException(409, f"Airflow has not loaded the DAG {dag_id} yet. Try again in a minute.")
        run = airflow_db.trigger(dag_id, conf, visit.user)
        airflow_db.write_note(event, visit.user, dag_id, {**conf, "run_id": run.run_id})
        return run.run_id, _activity(visit)

    # All in one call: between two, the console could become too busy to report what it has done.
    run_id, values = await in_thread(work)
    return _activity_with_notice(visit, f"Triggered the run {run_id}.", values)


def _activity_with_notice(visit: Visit, notice: str, values: Mapping[str, Any]) -> Response:
    response = render(visit, "models_activity.html", **values)
    response.headers["HX-Trigger"] = json.dumps({_CHANGED: None, "label-loop:notice": {"text": notice}})
    return response
