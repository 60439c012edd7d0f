"""The operators of training: what each hands on, skips, and gives up for good."""

from typing import Any
from unittest.mock import Mock

import pytest
from airflow.sdk.exceptions import AirflowFailException, DownstreamTasksSkipped
from tests.unit.operators.conftest import run_context

from label_loop.domain.training import TrainingDecision
from label_loop.exceptions import SmokeTestFailedError, UnusableTrainingSetError
from label_loop.operators.rekognition import (
    EndpointMoveOperator,
    RekognitionCreateProjectVersionOperator,
    RekognitionEvaluateProjectVersionOperator,
    RekognitionSmokeTestOperator,
    RekognitionStartProjectVersionOperator,
    RekognitionStopIdleVersionsOperator,
    TrainingCheckOperator,
    TrainingWriteManifestOperator,
)
from label_loop.payloads import TrainingAttempt
from label_loop.states.training import TrainingState

ATTEMPT = TrainingAttempt("v", "manifests/v.manifest", 20, "f", "2026-11-23T09:00:00.000000+00:00")


@pytest.fixture
def state(loop: Any, stand_in: Any) -> Mock:
    made: Mock = stand_in("label_loop.states.training", TrainingState)
    return made


def operator(kind: Any, **arguments: Any) -> Any:
    return kind(task_id="t", loop_path="/logos", **arguments)


@pytest.mark.parametrize("params", [{}, {"force": False}, {"force": True}])
def test_the_check_hands_its_decision_on(state: Mock, params: dict[str, Any]) -> None:
    state.check.return_value = TrainingDecision("train", "because")
    found = operator(TrainingCheckOperator, skips="write_manifest").execute(run_context(**params))
    assert found == {"action": "train", "reason": "because"}
    state.check.assert_called_once_with(forced=bool(params.get("force")))


def test_a_check_that_starts_nothing_skips_the_rest(state: Mock, context: Any) -> None:
    state.check.return_value = TrainingDecision("none", "too few")
    with pytest.raises(DownstreamTasksSkipped) as caught:
        operator(TrainingCheckOperator, skips="write_manifest").execute(context)
    assert caught.value.tasks == ["write_manifest"]
    context["ti"].xcom_push.assert_called_once_with(key="return_value", value={"action": "none", "reason": "too few"})


@pytest.mark.parametrize(("action", "resume"), [("train", False), ("resume", True)])
def test_the_manifest_is_written_or_found_again(state: Mock, action: str, resume: bool) -> None:
    state.prepare.return_value = ATTEMPT
    task = operator(TrainingWriteManifestOperator, decision={"action": action}, skips="create_version")
    assert task.execute(run_context(force=True)) == ATTEMPT.to_json()
    state.prepare.assert_called_once_with(resume=resume, forced=True, run_id="manual__1")


def test_too_few_usable_images_skip_the_training(state: Mock, context: Any) -> None:
    state.prepare.return_value = None
    task = operator(TrainingWriteManifestOperator, decision={"action": "train"}, skips="create_version")
    with pytest.raises(DownstreamTasksSkipped) as caught:
        task.execute(context)
    assert caught.value.tasks == ["create_version"]


def test_a_set_that_cannot_train_fails_without_another_try(state: Mock, context: Any) -> None:
    state.prepare.side_effect = UnusableTrainingSetError("one label only")
    task = operator(TrainingWriteManifestOperator, decision={"action": "train"}, skips="create_version")
    with pytest.raises(AirflowFailException, match="one label only"):
        task.execute(context)


def test_the_attempt_survives_its_way_between_tasks(state: Mock, context: Any) -> None:
    state.create_version.return_value = "v"
    task = operator(RekognitionCreateProjectVersionOperator, attempt=ATTEMPT.to_json())
    assert task.execute(context) == "v"
    state.create_version.assert_called_once_with(ATTEMPT)


def test_a_version_that_is_good_enough_goes_on(state: Mock, context: Any) -> None:
    state.passes_gate.return_value = True
    task = operator(RekognitionEvaluateProjectVersionOperator, version_name="v", skips="start_version")
    assert task.execute(context) is True
    state.passes_gate.assert_called_once_with("v")


def test_a_version_that_is_not_good_enough_is_not_started(state: Mock, context: Any) -> None:
    state.passes_gate.return_value = False
    task = operator(RekognitionEvaluateProjectVersionOperator, version_name="v", skips="start_version")
    with pytest.raises(DownstreamTasksSkipped) as caught:
        task.execute(context)
    assert caught.value.tasks == ["start_version"]
    context["ti"].xcom_push.assert_called_once_with(key="return_value", value=False)


def test_start_and_move_act_on_the_named_version(state: Mock, context: Any) -> None:
    operator(RekognitionStartProjectVersionOperator, version_name="v").execute(context)
    operator(EndpointMoveOperator, version_name="v").execute(context)
    state.start_version.assert_called_once_with("v")
    state.move_endpoint.assert_called_once_with("v")


def test_a_failed_smoke_test_fails_without_another_try(state: Mock, context: Any) -> None:
    state.smoke_test.side_effect = SmokeTestFailedError("does not answer")
    with pytest.raises(AirflowFailException, match="does not answer"):
        operator(RekognitionSmokeTestOperator, version_name="v").execute(context)


def test_versions_that_cannot_stop_yet_are_tried_again(state: Mock, context: Any) -> None:
    state.stop_idle_versions.return_value = ["old"]
    with pytest.raises(RuntimeError, match="old"):
        operator(RekognitionStopIdleVersionsOperator).execute(context)
    state.stop_idle_versions.return_value = []
    operator(RekognitionStopIdleVersionsOperator).execute(context)
