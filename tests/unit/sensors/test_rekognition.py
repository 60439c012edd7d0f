"""The sensor of project versions: looks first, waits without a worker, and gives Rekognition's reason."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock, create_autospec

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from botocore.exceptions import WaiterError

from label_loop.clients import Clients
from label_loop.context import LoopContext
from label_loop.hooks.rekognition import RekognitionHook
from label_loop.loop import Loop
from label_loop.operators.base import LoopTask
from label_loop.sensors.rekognition import RekognitionProjectVersionSensor
from label_loop.store import LoopStore
from label_loop.system_record import SystemRecord
from label_loop.triggers.rekognition import RekognitionProjectVersionTrigger
from label_loop.workflows.evaluation import EvaluationWorkflow


@pytest.fixture
def waiter(monkeypatch: pytest.MonkeyPatch) -> Mock:
    context = LoopContext(create_autospec(LoopStore, instance=True), create_autospec(Clients, instance=True))
    context.store.loop = Loop("/logos")
    context.store.record = SystemRecord(Loop("/logos"), {"rekognition_project_arn": "arn:project"})
    monkeypatch.setattr(LoopTask, "loop_context", lambda self: context)
    hook = create_autospec(RekognitionHook, instance=True)
    monkeypatch.setattr(RekognitionProjectVersionSensor, "_hook", lambda self: hook)
    made: Mock = hook.get_waiter.return_value
    return made


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Mock:
    kind = create_autospec(EvaluationWorkflow)
    monkeypatch.setattr("label_loop.workflows.evaluation.EvaluationWorkflow", kind)
    made: Mock = kind.return_value
    return made


def sensor() -> RekognitionProjectVersionSensor:
    return RekognitionProjectVersionSensor(
        task_id="wait", loop_path="/logos", version_name="v", waiter_name="project_version_trained"
    )


def waiter_error(reason: str, response: dict[str, Any]) -> WaiterError:
    return WaiterError(name="project_version_trained", reason=reason, last_response=response)


def failed() -> WaiterError:
    description = {"ProjectVersionDescriptions": [{"Status": "TRAINING_FAILED"}]}
    return waiter_error("Waiter encountered a terminal failure state: matched TRAINING_FAILED", description)


def busy() -> WaiterError:
    return waiter_error("Max attempts exceeded. Previously accepted state: …", {"ProjectVersionDescriptions": [{}]})


def test_a_version_that_is_there_already_needs_no_wait(waiter: Mock) -> None:
    assert sensor().execute({}) == "v"
    arguments = waiter.wait.call_args.kwargs
    assert arguments["ProjectArn"] == "arn:project"
    assert arguments["VersionNames"] == ["v"]
    assert arguments["WaiterConfig"] == {"MaxAttempts": 1, "Delay": 0}


def test_a_version_on_its_way_is_waited_for_without_a_worker(waiter: Mock) -> None:
    waiter.wait.side_effect = busy()
    with pytest.raises(TaskDeferred) as caught:
        sensor().execute({})
    trigger = caught.value.trigger
    assert isinstance(trigger, RekognitionProjectVersionTrigger)
    assert trigger.waiter_args == {"ProjectArn": "arn:project", "VersionNames": ["v"]}
    assert trigger.attempts * trigger.waiter_delay >= 24 * 3600  # AWS gives a training a day


def test_a_version_that_failed_is_recorded_and_its_reason_told_for_good(waiter: Mock, state: Mock) -> None:
    waiter.wait.side_effect = failed()
    state.record_failure.return_value = "The version v is TRAINING_FAILED: too few labels."
    with pytest.raises(AirflowFailException, match=r"too few labels.*logos keeps its current model"):
        sensor().execute({})
    state.record_failure.assert_called_once_with("v")


def test_a_question_that_failed_is_no_failed_version(waiter: Mock, state: Mock) -> None:
    waiter.wait.side_effect = waiter_error("An error occurred (ThrottlingException)", {"Error": {"Code": "Throttling"}})
    with pytest.raises(WaiterError):
        sensor().execute({})
    state.record_failure.assert_not_called()


@pytest.mark.parametrize("event", [{"status": "error", "message": "waiter error"}, {}])
def test_any_other_end_of_a_wait_is_looked_into(waiter: Mock, state: Mock, event: dict[str, Any]) -> None:
    waiter.wait.side_effect = failed()
    state.record_failure.return_value = "reason."
    with pytest.raises(AirflowFailException, match="reason"):
        sensor().execute_complete({}, event, datetime.now(UTC).isoformat())
    waiter.wait.side_effect = busy()
    with pytest.raises(TaskDeferred):
        sensor().execute_complete({}, event, datetime.now(UTC).isoformat())
