"""The operators of a bake: what each triggers, waits for, and skips."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from airflow.sdk.exceptions import AirflowSkipException, DagRunTriggerException, TaskDeferred
from tests.unit.operators.conftest import run_context

from label_loop.domain.bake import BakeVerdict
from label_loop.operators.bake import StartBakeOperator, WatchFailuresOperator, WatchSharesOperator
from label_loop.payloads import Bake
from label_loop.workflows.bake import BakeWorkflow

SINCE = "2026-11-23T09:00:00.000000+00:00"
BAKE = Bake("v2", "arn:v2", "v1", "arn:v1", SINCE)
WATCHES = (WatchFailuresOperator, WatchSharesOperator)


@pytest.fixture
def workflow(loop: Any, stand_in: Any) -> Mock:
    made: Mock = stand_in("label_loop.workflows.bake", BakeWorkflow)
    made.context = SimpleNamespace(loop=SimpleNamespace(dag_id=lambda name: f"logos.{name}"))
    made.bake_of.return_value = made.return_former.return_value = made.ask.return_value = BAKE
    return made


def operator(kind: Any, **arguments: Any) -> Any:
    return kind(task_id="t", loop_path="/logos", **arguments)


def triggered(task: Any) -> tuple[str, str, Any]:
    with pytest.raises(DagRunTriggerException) as run:
        task.execute(run_context(version="v2"))
    assert run.value.skip_when_already_exists
    return run.value.trigger_dag_id, run.value.dag_run_id, run.value.conf


def test_a_deployment_is_watched_in_a_run_of_its_own(workflow: Mock) -> None:
    task = operator(StartBakeOperator, version_name="v2")
    assert triggered(task) == ("logos.bake", f"bake__v2__{SINCE}", {"version": "v2"})
    workflow.bake_of.return_value = None
    with pytest.raises(AirflowSkipException, match="v2 is not watched"):
        task.execute(run_context())


def test_a_return_deploys_the_former_version_once(workflow: Mock) -> None:
    workflow.look.return_value = BakeVerdict("return", "it failed")
    task = operator(WatchFailuresOperator)
    assert triggered(task) == ("logos.training", f"return__v2__{SINCE}", {"version": "v1"})
    workflow.return_former.assert_called_once_with("v2", "it failed")
    workflow.return_former.return_value = None
    with pytest.raises(AirflowSkipException, match="Another version serves"):
        task.execute(run_context(version="v2"))


def test_a_question_is_asked_by_the_dag_approval(workflow: Mock) -> None:
    workflow.look.return_value = BakeVerdict("ask", "it jumped")
    task = operator(WatchSharesOperator)
    assert triggered(task) == ("logos.approval", f"ask__v1__{SINCE}", {"version": "v1"})
    workflow.ask.return_value = None
    with pytest.raises(AirflowSkipException, match="Nobody is asked: it jumped"):
        task.execute(run_context(version="v2"))


@pytest.mark.parametrize("kind", WATCHES)
def test_it_waits_without_a_worker_and_looks_again(workflow: Mock, kind: Any) -> None:
    workflow.look.return_value = BakeVerdict("wait")
    with pytest.raises(TaskDeferred) as deferred:
        operator(kind).execute_complete(run_context(version="v2"), {})
    assert deferred.value.trigger.serialize()[1] == {
        "loop_path": "/logos",
        "poll_interval_seconds": 600,
        "aws_conn_id": "aws_default",
        "version_name": "v2",
        "at_failures": kind is WatchFailuresOperator,
    }


@pytest.mark.parametrize("kind", WATCHES)
def test_the_end_is_recorded_once(workflow: Mock, kind: Any) -> None:
    workflow.look.return_value = BakeVerdict("end", "40 uploads")
    with pytest.raises(AirflowSkipException, match="no longer watched: 40 uploads"):
        operator(kind).execute(run_context(version="v2"))
    assert workflow.end.call_count == (kind is WatchFailuresOperator)
