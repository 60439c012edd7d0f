"""The operators of parameter_sync and human_sampling."""

from dataclasses import asdict
from typing import Any
from unittest.mock import Mock

import pytest
from airflow.sdk.exceptions import AirflowFailException, DownstreamTasksSkipped, TaskDeferred

from label_loop.operators.parameter_sync import ParameterRefuseOperator, ParameterSyncOperator
from label_loop.states.parameter_sync import ParameterSyncState, SyncResult
from label_loop.triggers.parameter_sync import ParameterChangeTrigger

ONLY_WHEN = {"refuse": "refusals", "train_now": "training_switched_on", "sample_now": "sampling_switched_on"}


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
    made: Mock = stand_in("label_loop.states.parameter_sync", ParameterSyncState)
    return made


@pytest.fixture
def task() -> ParameterSyncOperator:
    return ParameterSyncOperator(task_id="sync", loop_path="/logos", only_when=ONLY_WHEN)


def test_sides_that_are_equal_are_waited_for(state: Mock, task: Any, context: Any) -> None:
    state.sync.return_value = result(did_something=False)
    with pytest.raises(TaskDeferred) as caught:
        task.execute(context)
    assert isinstance(caught.value.trigger, ParameterChangeTrigger)
    assert caught.value.trigger.loop_path == "/logos"


def test_a_resumed_sync_does_not_wait_again(state: Mock, task: Any, context: Any) -> None:
    state.sync.return_value = result(did_something=False)
    with pytest.raises(DownstreamTasksSkipped):
        task.execute_complete(context, {"status": "success"})


@pytest.mark.parametrize(
    ("changes", "skipped"),
    [
        ({}, ["refuse", "train_now", "sample_now"]),
        ({"refusals": ["no"]}, ["train_now", "sample_now"]),
        ({"training_switched_on": True}, ["refuse", "sample_now"]),
        ({"sampling_switched_on": True}, ["refuse", "train_now"]),
    ],
)
def test_only_what_the_sync_calls_for_runs(
    state: Mock, task: Any, context: Any, changes: dict[str, Any], skipped: list[str]
) -> None:
    state.sync.return_value = result(**changes)
    with pytest.raises(DownstreamTasksSkipped) as caught:
        task.execute(context)
    assert list(caught.value.tasks) == skipped
    context["ti"].xcom_push.assert_called_once_with(key="return_value", value=asdict(result(**changes)))


def test_a_sync_that_calls_for_everything_skips_nothing(state: Mock, task: Any, context: Any) -> None:
    found = result(refusals=["no"], training_switched_on=True, sampling_switched_on=True)
    state.sync.return_value = found
    assert task.execute(context) == asdict(found)


def test_a_refusal_fails_with_every_reason_and_without_another_try() -> None:
    reasons = ["Parameter Store: Minimum-F1-Score is '70,0', but must be a number from 0 to 1.", "another"]
    task = ParameterRefuseOperator(task_id="refuse", loop_path="/logos", result={"refusals": reasons})
    with pytest.raises(AirflowFailException) as caught:
        task.execute({})
    for part in (*reasons, "/logos", "last good values"):
        assert part in str(caught.value)
