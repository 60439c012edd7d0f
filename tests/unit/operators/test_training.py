"""The operators of training: what each hands on, skips, and gives up for good."""

from dataclasses import asdict
from typing import Any
from unittest.mock import Mock

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from tests.unit.operators.conftest import run_context

from label_loop.domain.deployment import DeploymentDecision
from label_loop.domain.training import TrainingDecision
from label_loop.exceptions import SmokeTestFailedError, UnusableTrainingSetError, VersionNotDeployableError
from label_loop.operators.deployment import (
    DeploymentSmokeTestOperator,
    DeploymentStartVersionOperator,
    StopIdleVersionsOperator,
)
from label_loop.operators.training import (
    TrainingCheckOperator,
    TrainingCreateVersionOperator,
    TrainingWriteManifestOperator,
)
from label_loop.payloads import TrainingAttempt
from label_loop.serving import ServingModel
from label_loop.workflows.deployment import DeploymentWorkflow
from label_loop.workflows.training import TrainingWorkflow

ATTEMPT = TrainingAttempt("v", "manifests/v.manifest", 20, "f", "2026-11-23T09:00:00.000000+00:00")


@pytest.fixture
def state(loop: Any, stand_in: Any) -> Mock:
    made: Mock = stand_in("label_loop.workflows.training", TrainingWorkflow)
    return made


@pytest.fixture
def deployment(loop: Any, stand_in: Any) -> Mock:
    made: Mock = stand_in("label_loop.workflows.deployment", DeploymentWorkflow)
    return made


def operator(kind: Any, **arguments: Any) -> Any:
    return kind(task_id="t", loop_path="/logos", **arguments)


def check() -> Any:
    return operator(TrainingCheckOperator)


@pytest.mark.parametrize("params", [{}, {"force": False}, {"force": True}])
def test_the_check_hands_its_decision_on(state: Mock, params: dict[str, Any]) -> None:
    state.check.return_value = TrainingDecision("train", "because")
    found = check().execute(run_context(**params))
    assert found == {"action": "train", "reason": "because"}
    state.check.assert_called_once_with(forced=bool(params.get("force")))


@pytest.mark.parametrize("action", ["deploy", "none"])
def test_a_version_chosen_by_hand_is_decided_on_without_a_training_check(
    state: Mock, deployment: Mock, action: Any
) -> None:
    decision = DeploymentDecision(action, "because", "v1")
    deployment.decide.return_value = decision
    assert check().execute(run_context(version=" v1 ", force=True)) == asdict(decision)
    deployment.decide.assert_called_once_with("v1", asked_by="alice")
    state.check.assert_not_called()


def test_a_version_that_cannot_be_deployed_fails_without_another_try(deployment: Mock) -> None:
    deployment.decide.side_effect = VersionNotDeployableError("'v9' is not a version of this project")
    with pytest.raises(AirflowFailException, match="'v9' is not a version"):
        check().execute(run_context(version="v9"))


@pytest.mark.parametrize("version", [None, "", "  "])
def test_no_version_is_a_training_check(state: Mock, deployment: Mock, version: str | None) -> None:
    state.check.return_value = TrainingDecision("train", "because")
    check().execute(run_context(version=version))
    deployment.decide.assert_not_called()


@pytest.mark.parametrize(("action", "resume"), [("train", False), ("resume", True)])
def test_the_manifest_is_written_or_found_again(state: Mock, action: str, resume: bool) -> None:
    state.prepare.return_value = ATTEMPT
    task = operator(TrainingWriteManifestOperator, decision={"action": action})
    assert task.execute(run_context(force=True)) == ATTEMPT.to_json()
    state.prepare.assert_called_once_with(resume=resume, forced=True, run_id="manual__1")


def test_a_set_that_cannot_train_fails_without_another_try(state: Mock, context: Any) -> None:
    state.prepare.side_effect = UnusableTrainingSetError("one label only")
    task = operator(TrainingWriteManifestOperator, decision={"action": "train"})
    with pytest.raises(AirflowFailException, match="one label only"):
        task.execute(context)


@pytest.mark.parametrize("action", ["none", "deploy"])
def test_no_manifest_is_written_where_nothing_trains(state: Mock, context: Any, action: str) -> None:
    task = operator(TrainingWriteManifestOperator, decision={"action": action, "reason": "v1 serves already"})
    with pytest.raises(AirflowSkipException, match="v1 serves already"):
        task.execute(context)
    state.prepare.assert_not_called()


def test_no_version_is_created_without_an_attempt(state: Mock, context: Any) -> None:
    with pytest.raises(AirflowSkipException):
        operator(TrainingCreateVersionOperator, attempt=None).execute(context)
    state.create_version.assert_not_called()


@pytest.mark.parametrize(
    "decision",
    [{"action": "none"}, {"action": "train"}, {"action": "resume"}, {"action": "none", "version_name": "v1"}],
)
def test_nothing_is_started_where_nothing_was_handed_on(deployment: Mock, context: Any, decision: Any) -> None:
    task = operator(DeploymentStartVersionOperator, decision=decision, trained_version_name=None)
    with pytest.raises(AirflowSkipException):
        task.execute(context)
    deployment.start_version.assert_not_called()


def test_a_failed_smoke_test_fails_without_another_try(deployment: Mock, context: Any) -> None:
    deployment.smoke_test.side_effect = SmokeTestFailedError("does not answer")
    with pytest.raises(AirflowFailException, match="does not answer"):
        operator(DeploymentSmokeTestOperator, version_name="v").execute(context)


def test_versions_that_cannot_stop_yet_are_tried_again(loop: Any, stand_in: Any, context: Any) -> None:
    serving = stand_in("label_loop.serving", ServingModel)
    serving.stop_unused.return_value = ["old"]
    with pytest.raises(RuntimeError, match="old"):
        operator(StopIdleVersionsOperator).execute(context)
    serving.stop_unused.return_value = []
    operator(StopIdleVersionsOperator).execute(context)
