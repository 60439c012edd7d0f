"""A process that does the tasks of one run as Airflow's workers do, and kills itself at one call to the outside."""

import os
import signal
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.retryhandler
import botocore.session
import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from airflow.sdk import Variable
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred
from botocore.client import BaseClient
from botocore.loaders import Loader
from botocore.retries.standard import ExponentialBackoff
from tests.chaos.file_variables import FileVariables
from tests.integration.conftest import share_clients

from label_loop.inbox.queue import QueueInbox
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
from label_loop.operators.quality import QualityReportOperator
from label_loop.operators.training import (
    AuditLabelsOperator,
    TrainingCheckOperator,
    TrainingCreateVersionOperator,
    TrainingEvaluateOperator,
    TrainingWriteManifestOperator,
)
from label_loop.sensors.inbox import AnswersSensor, UploadsSensor
from label_loop.sensors.rekognition import RekognitionProjectVersionSensor
from label_loop.triggers.rekognition import RekognitionProjectVersionTrigger
from label_loop.triggers.serving import ServingModelTrigger
from label_loop.workflows import detection, human_review, human_sampling, parameter_sync, quality, training  # noqa: F401

LOADER = Loader()  # its models are read once, before the fork
_TRIES = 60  # Airflow waits between a task's tries, and these do not
_MOST_WAITS = 500  # of a deferred task, each of 0.02 seconds and a call


@dataclass(frozen=True, order=True)
class Point:
    """One moment of a run: before or after the n-th call of one operation."""

    operation: str
    nth: int
    when: str

    def __str__(self) -> str:
        return f"{self.when} call {self.nth} of {self.operation}"


@dataclass(frozen=True)
class Order:
    """What a process shall do; ``done`` has the results of the tasks that an earlier process has ended."""

    story: str
    loop_path: str
    variables: Path
    run_id: str
    params: dict[str, Any]
    done: dict[str, Any] = field(default_factory=dict)
    point: Point | None = None


class Calls:
    """Counts the calls to the outside, in the order in which they begin, and ends the process at one of them."""

    def __init__(self, point: Point | None) -> None:
        self.made: list[str] = []
        self._point = point
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def call(self, operation: str) -> Iterator[None]:
        with self._lock:
            self.made.append(operation)
            self._counts[operation] += 1
            nth = self._counts[operation]
        self._die_at(Point(operation, nth, "before"))
        try:
            yield
        finally:
            self._die_at(Point(operation, nth, "after"))

    def _die_at(self, point: Point) -> None:
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, variables: FileVariables) -> None:
        """Let every call of AWS, and every Variable, be a call to the outside."""
        make = BaseClient._make_api_call

        def make_api_call(client: Any, operation: str, arguments: Any) -> Any:
            with self.call(f"{client.meta.service_model.service_name}:{operation}"):
                return make(client, operation, arguments)

        def watched(operation: str, work: Callable[..., Any]) -> Any:
            def run(*args: Any, **kwargs: Any) -> Any:
                with self.call(operation):
                    return work(*args, **kwargs)

            return staticmethod(run)

        BaseClient._make_api_call = make_api_call
        Variable.get = watched("airflow:GetVariable", variables.read)
        Variable.set = watched("airflow:SetVariable", variables.write)


class Run:
    """A run's tasks, each done once; a task that fails is tried again, in vain only where it fails for good."""

    def __init__(self, order: Order, done: Callable[[str, Any], None]) -> None:
        self.order = order
        self._done = done

    def task(self, task_id: str, kind: Any, *, ends_deferred: bool = False, **arguments: Any) -> Any:
        """Return the result of a task, from an earlier process where one has ended it."""
        if task_id not in self.order.done:
            arguments |= {"task_id": task_id, "loop_path": self.order.loop_path, "aws_conn_id": None}
            self._done(task_id, self._tried(lambda: kind(**arguments), ends_deferred))
        return self.order.done[task_id]

    def _tried(self, make: Callable[[], Any], ends_deferred: bool) -> Any:
        problem: Exception | None = None
        for _ in range(_TRIES):
            try:
                return self._execute(make, ends_deferred)
            except AirflowFailException:
                raise
            except AirflowSkipException:
                return None
            except Exception as error:
                problem = error
            time.sleep(0.02)
        raise RuntimeError("The task failed at every try.") from problem

    def _execute(self, make: Callable[[], Any], ends_deferred: bool) -> Any:
        context = {
            "params": self.order.params,
            "run_id": self.order.run_id,
            "dag_run": SimpleNamespace(triggering_user_name="ann"),
        }
        for _ in range(_MOST_WAITS):
            try:
                return make().execute(context)
            except TaskDeferred as deferred:
                # The other triggers wait for work: there is none.
                is_wait = isinstance(deferred.trigger, RekognitionProjectVersionTrigger | ServingModelTrigger)
                if ends_deferred or not is_wait:
                    return None
                time.sleep(0.02)
        raise RuntimeError("The task waits without an end.")


# ------------------------------------------------------------- the stories, each wired as its DAG


def detect(run: Run) -> None:
    run.task("wait_for_uploads", UploadsSensor)
    run.task("detect_uploads", DetectUploadsOperator)


def detect_undrawn(run: Run) -> None:
    """Detect without draws: which uploads they choose depends on ids that are others each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detection, "is_drawn", lambda *_: False)
        detect(run)


def fall_asleep(run: Run) -> None:
    run.task("wait_for_uploads", UploadsSensor, ends_deferred=True)


def review(run: Run) -> None:
    run.task("wait_for_answers", AnswersSensor)
    run.task("apply_answers", ApplyAnswersOperator)


def sample(run: Run) -> None:
    run.task("sample", HumanSamplingOperator)


def sync(run: Run) -> None:
    run.task("sync", ParameterSyncOperator)


def report(run: Run) -> None:
    run.task("report_quality", QualityReportOperator)


def train(run: Run) -> None:
    decision = run.task("check", TrainingCheckOperator)
    trained = _train(run, decision) if decision["action"] in {"train", "resume"} else None
    if decision["action"] != "none":
        _deploy(run, decision, trained)
    run.task("stop_idle_versions", StopIdleVersionsOperator)


def rescore(run: Run) -> None:
    run.task("rescore_reviews", RescoreReviewsOperator)


def _train(run: Run, decision: Any) -> str:
    attempt = run.task("write_manifest", TrainingWriteManifestOperator, decision=decision)
    name = run.task("create_version", TrainingCreateVersionOperator, attempt=attempt)
    run.task("audit_labels", AuditLabelsOperator, version_name=name)
    _wait(run, "wait_for_training", name, "project_version_trained")
    return str(run.task("evaluate", TrainingEvaluateOperator, version_name=name))


def _deploy(run: Run, decision: Any, trained: str | None) -> None:
    kind = DeploymentStartVersionOperator
    name = run.task("start_version", kind, decision=decision, trained_version_name=trained)
    _wait(run, "wait_for_start", name, "project_version_running")
    run.task("smoke_test", DeploymentSmokeTestOperator, version_name=name)
    run.task("move_endpoint", DeploymentMoveEndpointOperator, version_name=name)


def _wait(run: Run, task_id: str, name: str, waiter: str) -> None:
    run.task(task_id, RekognitionProjectVersionSensor, version_name=name, waiter_name=waiter)


STORIES = {
    work.__name__: work for work in (detect, detect_undrawn, fall_asleep, rescore, review, sample, sync, report, train)
}


def save_time() -> None:
    """Leave out what only takes time: models read anew, clients made anew, pauses, and the caller's name.

    It is done before the first fork, for all of them.
    """
    botocore.session.create_loader = lambda *_: LOADER
    botocore.retryhandler.delay_exponential = lambda *_, **__: 0.02
    ExponentialBackoff.delay_amount = lambda *_: 0.02
    receive = QueueInbox.receive
    QueueInbox.receive = lambda inbox, wait_seconds: receive(inbox, 0)  # what there is, is there
    AwsGenericHook._get_caller = lambda *_: "test"
    share_clients(pytest.MonkeyPatch())


def main(order: Order, connection: Connection) -> None:
    """Do a story; send the result of each task, and in the end the calls that were made, or what went wrong."""
    calls = Calls(order.point)
    calls.watch(FileVariables(order.variables))

    def done(task_id: str, result: Any) -> None:
        order.done[task_id] = result
        connection.send(("done", (task_id, result)))

    try:
        STORIES[order.story](Run(order, done))
    except Exception:
        connection.send(("failed", traceback.format_exc()))
    else:
        connection.send(("ended", calls.made))
