"""The operators of parameter_sync and human_sampling."""

from dataclasses import asdict
from typing import Any
from unittest.mock import Mock

import pytest
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from label_loop.operators.parameter_sync import DagRunNowOperator, ParameterRefuseOperator, ParameterSyncOperator
from label_loop.triggers.parameter_sync import ParameterChangeTrigger
from label_loop.workflows.parameter_sync import ParameterSyncWorkflow, SyncResult


def result(**changes: Any) -> SyncResult:
    values: dict[str, Any] = {
        "changes": [],
        "conflicts": [],
        "refusals": [],
        "training_switched_on": False,
        "sampling_switched_on": False,
        "did_something": True,
    }
    return SyncResult(**(values | changes))


@pytest.fixture
def state(loop: Any, stand_in: Any) -> Mock:
    made: Mock = stand_in("label_loop.workflows.parameter_sync", ParameterSyncWorkflow)
    return made


@pytest.fixture
def task() -> ParameterSyncOperator:
    return ParameterSyncOperator(task_id="sync", loop_path="/logos")


def test_sides_that_are_equal_are_waited_for(state: Mock, task: Any, context: Any) -> None:
    state.sync.return_value = result(did_something=False)
    with pytest.raises(TaskDeferred) as caught:
        task.execute(context)
    assert isinstance(caught.value.trigger, ParameterChangeTrigger)
    assert caught.value.trigger.loop_path == "/logos"


def test_a_resumed_sync_does_not_wait_again(state: Mock, task: Any, context: Any) -> None:
    found = result(did_something=False)
    state.sync.return_value = found
    assert task.execute_complete(context, {"status": "success"}) == asdict(found)


@pytest.mark.parametrize("field", ["training_switched_on", "sampling_switched_on"])
def test_another_dag_runs_only_where_it_was_switched_on(
    monkeypatch: pytest.MonkeyPatch, context: Any, field: str
) -> None:
    runs: list[str] = []
    monkeypatch.setattr(TriggerDagRunOperator, "execute", lambda self, _: runs.append(self.trigger_dag_id))

    def run_now(**changes: Any) -> DagRunNowOperator:
        values = asdict(result(**changes))
        return DagRunNowOperator(
            task_id="now", loop_path="/logos", trigger_dag_id="logos.other", result=values, field=field
        )

    run_now(**{field: True}).execute(context)
    assert runs == ["logos.other"]
    with pytest.raises(AirflowSkipException, match=r"logos\.other"):
        run_now().execute(context)
    assert runs == ["logos.other"]


def test_nothing_fails_where_nothing_was_refused(context: Any) -> None:
    task = ParameterRefuseOperator(task_id="refuse", loop_path="/logos", result={"refusals": []})
    with pytest.raises(AirflowSkipException):
        task.execute(context)


def test_a_refusal_fails_with_every_reason_and_without_another_try() -> None:
    reasons = ["Parameter Store: Minimum-F1-Score is '70,0', but must be a number from 0 to 1.", "another"]
    task = ParameterRefuseOperator(task_id="refuse", loop_path="/logos", result={"refusals": reasons})
    with pytest.raises(AirflowFailException) as caught:
        task.execute({})
    for part in (*reasons, "/logos", "last valid values"):
        assert part in str(caught.value)
