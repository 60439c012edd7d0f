"""The operators of approval: what each triggers, asks, and skips."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from airflow.sdk.exceptions import AirflowSkipException, DagRunTriggerException, TaskAwaitingInput
from tests.unit.operators.conftest import run_context

from label_loop.operators.approval import (
    ApplyAnswerOperator,
    AskOperator,
    ReadQuestionOperator,
    RequestApprovalOperator,
)
from label_loop.payloads import ApprovalQuestion
from label_loop.workflows.approval import ApprovalWorkflow

CONTEXT: Any = {"task_instance": SimpleNamespace(id="1")}
UNTIL = datetime.now(UTC) + timedelta(hours=5)
QUESTION = ApprovalQuestion("v2", "it may have lost cat", UNTIL.isoformat(), "hold")


@pytest.fixture
def workflow(loop: Any, stand_in: Any) -> Mock:
    made: Mock = stand_in("label_loop.workflows.approval", ApprovalWorkflow)
    made.context = SimpleNamespace(loop=SimpleNamespace(dag_id=lambda name: f"logos.{name}"))
    return made


def operator(kind: Any, **arguments: Any) -> Any:
    return kind(task_id="t", loop_path="/logos", **arguments)


def answered(option: str, user: str | None) -> dict[str, Any]:
    return {"chosen_options": [option], "responded_by_user": user and {"id": "1", "name": user}}


def test_a_question_is_asked_in_a_run_of_its_own_once(workflow: Mock) -> None:
    workflow.open_question.return_value = QUESTION
    with pytest.raises(DagRunTriggerException) as triggered:
        operator(RequestApprovalOperator, version_name="v2").execute(run_context())
    run = triggered.value
    assert (run.trigger_dag_id, run.dag_run_id, run.conf) == ("logos.approval", "ask__v2", {"version": "v2"})
    assert run.skip_when_already_exists


def test_where_nobody_is_asked_nothing_is_triggered(workflow: Mock) -> None:
    workflow.open_question.return_value = None
    with pytest.raises(AirflowSkipException, match="Nobody is asked about v2"):
        operator(RequestApprovalOperator, version_name="v2").execute(run_context())


def test_a_question_that_is_closed_is_not_asked(workflow: Mock) -> None:
    workflow.open_question.return_value = None
    with pytest.raises(AirflowSkipException, match="no open question about v2"):
        operator(ReadQuestionOperator).execute(run_context(version="v2"))
    workflow.announce_question.assert_not_called()


def test_it_waits_until_the_deadline_and_then_takes_what_the_loop_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    written: dict[str, Any] = {}
    monkeypatch.setattr(
        "airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **values: written.update(values)
    )
    task = AskOperator(task_id="ask", question=asdict(QUESTION), retries=0)
    before = datetime.now(UTC)
    with pytest.raises(TaskAwaitingInput) as waits:
        task.execute(CONTEXT)
    assert UNTIL - datetime.now(UTC) <= waits.value.timeout <= UNTIL - before
    assert written["options"] == ["Deploy", "Hold"]
    assert written["defaults"] == ["Hold"]
    assert written["subject"] == "Deploy v2?"
    assert "it may have lost cat." in written["body"]


def test_a_deadline_that_has_passed_leaves_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **values: None)
    late = asdict(QUESTION) | {"until": "2026-01-01T00:00:00+00:00"}
    with pytest.raises(TaskAwaitingInput) as waits:
        AskOperator(task_id="ask", question=late).execute(CONTEXT)
    assert waits.value.timeout == timedelta(minutes=1)


@pytest.mark.parametrize(("user", "name"), [("ann", "ann"), (None, None)])
def test_an_approval_triggers_the_deployment(workflow: Mock, user: str | None, name: str | None) -> None:
    workflow.answer.return_value = "deploy"
    task = operator(ApplyAnswerOperator, question=asdict(QUESTION), answer=answered("Deploy", user))
    with pytest.raises(DagRunTriggerException) as triggered:
        task.execute(run_context())
    run = triggered.value
    assert (run.trigger_dag_id, run.dag_run_id, run.conf) == ("logos.training", "approved__v2", {"version": "v2"})
    workflow.answer.assert_called_once_with("v2", "deploy", name)


def test_a_held_version_is_left_alone_and_a_late_answer_says_so(workflow: Mock) -> None:
    task = operator(ApplyAnswerOperator, question=asdict(QUESTION), answer=answered("Hold", "ann"))
    workflow.answer.return_value = "hold"
    task.execute(run_context())
    workflow.answer.assert_called_once_with("v2", "hold", "ann")
    workflow.answer.return_value = None
    with pytest.raises(AirflowSkipException, match="has no effect"):
        task.execute(run_context())
