"""The workflows as the simulation runs them: the one place that knows the package's own names.

Each function is what one process does until it ends, waits without a worker, or is killed. It goes through the
operators, as Airflow's workers do, so that what decides on waiting, idleness and listings is simulated as well.
"""

import logging
from contextlib import suppress
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException, TaskDeferred
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent
from tests.simulation.clock import CLOCK, TooLongWaitError
from tests.simulation.dag_run import DagRun, PauseError, airflow_context, operator
from tests.simulation.gate import LoudError
from tests.simulation.world import PATH, World

from label_loop.context import LoopContext
from label_loop.domain.approval import APPROVED_RUN
from label_loop.domain.log_row import LogRow
from label_loop.domain.parameter_merge import problem
from label_loop.domain.review_queue import AnswersWanted
from label_loop.domain.statistics import of_row, summed
from label_loop.loop import Loop
from label_loop.operators.deployment import (
    DeploymentMoveEndpointOperator,
    DeploymentSmokeTestOperator,
    DeploymentStartVersionOperator,
    RescoreReviewsOperator,
    StopIdleVersionsOperator,
)
from label_loop.operators.human_sampling import HumanSamplingOperator
from label_loop.operators.inbox import ApplyAnswersOperator, DetectUploadsOperator
from label_loop.operators.parameter_sync import ParameterSyncOperator
from label_loop.operators.training import (
    AuditLabelsOperator,
    TrainingCheckOperator,
    TrainingCreateVersionOperator,
    TrainingEvaluateOperator,
    TrainingWriteManifestOperator,
)
from label_loop.parameters import PARAMETERS
from label_loop.payloads import S3Upload
from label_loop.review.desk import ReviewDesk
from label_loop.sensors.inbox import AnswersSensor, UploadsSensor
from label_loop.sensors.rekognition import RekognitionProjectVersionSensor
from label_loop.serving import ServingModel
from label_loop.workflows.approval import ApprovalWorkflow

log = logging.getLogger(__name__)

_LOOP = Loop(PATH)
_PATIENCE_SECONDS = 60.0  # of a trigger, in one step of a history
_MOST_TRIES = 3  # of a task
PARAMETER_NAMES = tuple(PARAMETERS)


def _context() -> LoopContext:
    return LoopContext.of(_LOOP, aws_conn_id=None)


# ---------------------------------------------------------------- DAGs that always wait


def detect(world: World) -> None:
    """Detect what has been uploaded."""
    _go_on(world, UploadsSensor, DetectUploadsOperator)


def review(world: World) -> None:
    """Apply the answers that have come."""
    _go_on(world, AnswersSensor, ApplyAnswersOperator)


def sync(world: World) -> None:
    """Make Parameter Store and Variables equal."""
    _has_waited(world, ParameterSyncOperator)


def _go_on(world: World, sensor: Any, work: Any) -> None:
    """Go on with a run of a DAG of two tasks. The second is tried again where it was cut; then the run begins anew."""
    tries: dict[Any, int] = world.memory.setdefault("tries", {})
    if not tries.get(work) and not _has_waited(world, sensor):
        return
    tries[work] = (tries.get(work, 0) + 1) % _MOST_TRIES
    with suppress(AirflowSkipException):
        operator(work).execute(airflow_context())
    tries[work] = 0


def _has_waited(world: World, kind: Any) -> bool:
    """Run a task from its beginning, or from where its trigger lets it go on; return whether it came to its end."""
    waits: dict[Any, TaskDeferred] = world.memory.setdefault("waits", {})
    deferred = waits.pop(kind, None)
    try:
        if deferred is None:
            operator(kind).execute(airflow_context())
            return True
        event = _first_event(deferred.trigger)
        if event is None:
            waits[kind] = deferred
            return False
        if not isinstance(event, TaskSuccessEvent):
            resume = getattr(operator(kind), deferred.method_name)
            resume(airflow_context(), event.payload, **(deferred.kwargs or {}))
    except TaskDeferred as wait:
        waits[kind] = wait
        return False
    return True


def _first_event(trigger: Any) -> TriggerEvent | None:
    """Drive a trigger until it fires, or until the step's patience ends."""

    async def first() -> Any:
        async for event in trigger.run():
            return event
        raise LoudError("a trigger ended without an event")

    CLOCK.wake_at = CLOCK.monotonic() + _PATIENCE_SECONDS
    try:
        first().send(None)
    except StopIteration as fired:
        event: TriggerEvent = fired.value
        return event
    except TooLongWaitError:
        return None
    raise LoudError("a trigger waits for something that is not simulated")


def sample(world: World) -> None:
    """Take the human samples that are due: on schedule, and every other time asked by a person not to wait."""
    number = world.memory["samplings"] = world.memory.get("samplings", 0) + 1
    params = {"minimum_age_minutes": 0} if number % 2 else {}
    operator(HumanSamplingOperator).execute(airflow_context(params=params))


# ---------------------------------------------------------------- training and deployment


def trigger_training(
    world: World, *, force: bool = False, version: str | None = None, run_id: str | None = None
) -> None:
    """Ask for a run of the training DAG; one that is under way is not disturbed."""
    number = world.memory["runs"] = world.memory.get("runs", 0) + 1
    if "training" not in world.memory:
        world.memory["training"] = DagRun({"force": force, "version": version}, run_id or f"run-{number}")


def answer_question(world: World, choice: str) -> None:
    """Answer whether to deploy a version, if that is asked. The deployment is lost if a training is under way."""
    workflow = ApprovalWorkflow(_context())
    question = workflow.context.store.refresh().open_question
    if question and workflow.answer(question.version_name, choice, "ann") == "deploy":
        run_id = f"{APPROVED_RUN}{question.version_name}"
        trigger_training(world, version=question.version_name, run_id=run_id)


def trains(world: World) -> bool:
    """Return whether a run of the training DAG is under way."""
    return "training" in world.memory


def is_forced(world: World) -> bool:
    """Return whether a person asked for the training that is under way."""
    return trains(world) and bool(world.memory["training"].params["force"])


def is_deploying(world: World, after: str) -> bool:
    """Return whether a deployment is under way that has done a task, and has not let its version serve yet."""
    run: DagRun | None = world.memory.get("training")
    return run is not None and after in run.done and "move_endpoint" not in run.done


def train(world: World, tasks: int = 20) -> None:
    """Go on with the run of the training DAG: a number of tasks, until one waits."""
    run: DagRun | None = world.memory.get("training")
    if run is None:
        return
    run.budget = tasks
    try:
        if not run.has_failed:
            _go_through(run)
        run.task("stop_idle_versions", StopIdleVersionsOperator, retries=8)
        if not run.has_failed:
            run.task("rescore_reviews", RescoreReviewsOperator)
    except PauseError:
        return
    except Exception as error:
        log.info("The teardown failed: %s", error)
    world.memory.pop("training", None)


def _go_through(run: DagRun) -> None:
    """Do the tasks as the DAG is wired, but for its teardown."""
    try:
        decision = run.task("check", TrainingCheckOperator)
        trained = _train(run, decision) if decision["action"] in {"train", "resume"} else None
        if trained or decision["action"] == "deploy":
            _deploy(run, decision, trained)
    except PauseError:
        raise
    except Exception as error:
        log.info("The run failed: %s", error)
        run.has_failed = True


def _train(run: DagRun, decision: Any) -> str | None:
    attempt = run.task("write_manifest", TrainingWriteManifestOperator, decision=decision)
    if attempt is None:
        return None
    name = run.task("create_version", TrainingCreateVersionOperator, attempt=attempt)
    run.task("audit_labels", AuditLabelsOperator, version_name=name)
    _wait(run, "wait_for_training", name, "project_version_trained")
    trained: str | None = run.task("evaluate", TrainingEvaluateOperator, version_name=name)
    return trained


def _deploy(run: DagRun, decision: Any, trained: str | None) -> None:
    kind = DeploymentStartVersionOperator
    name = run.task("start_version", kind, retries=8, decision=decision, trained_version_name=trained)
    _wait(run, "wait_for_start", name, "project_version_running")
    run.task("smoke_test", DeploymentSmokeTestOperator, version_name=name)
    run.task("move_endpoint", DeploymentMoveEndpointOperator, version_name=name)


def _wait(run: DagRun, task_id: str, name: str, waiter: str) -> None:
    run.task(task_id, RekognitionProjectVersionSensor, version_name=name, waiter_name=waiter)


def stop_by_hand(world: World) -> None:
    """Stop the model on the page Models."""
    ServingModel(_context()).stop_by_hand(asked_by="ann")


# ---------------------------------------------------------------- the review page


def desk(reviewer: str) -> ReviewDesk:
    """Return a reviewer's desk."""
    context = _context()
    return ReviewDesk(context.clients.reviews.table, reviewer, AnswersWanted(context.settings.review_answers_per_image))


def collect_reviews(world: World) -> None:
    """Write what the page's timer finds due."""
    _context().clients.reviews.collect()


# ---------------------------------------------------------------- what the log should say


def detection_id(bucket: str, key: str, etag: str, version_id: str) -> str:
    """Return the key of an upload's row."""
    return S3Upload(bucket, key, etag, version_id).detection_id


def expected_statistics(rows: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, int]]:
    """Return what rows add up to, by the keys of the table of statistics."""
    counts = summed(of_row(LogRow.from_item(row)) for row in rows)
    return {(item.month, item.day_and_version): dict(counters) for item, counters in counts.items()}


def is_valid(name: str, text: str) -> bool:
    """Return whether a text is a value of a parameter."""
    return problem(name, text) is None
