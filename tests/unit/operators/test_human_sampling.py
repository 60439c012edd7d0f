"""Withheld detections are sent to review only if a run names a day."""

from typing import Any
from unittest.mock import Mock

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from tests.unit.operators.conftest import run_context

from label_loop.operators.human_sampling import SendWithheldOperator
from label_loop.workflows.withheld import WithheldReviewsWorkflow


@pytest.fixture
def workflow(loop: Any, stand_in: Any) -> Mock:
    made: Mock = stand_in("label_loop.workflows.withheld", WithheldReviewsWorkflow)
    made.send.return_value = 7
    return made


def send(**params: Any) -> int:
    return SendWithheldOperator(task_id="t", loop_path="/logos").execute(run_context(**params))


def test_it_sends_from_the_day_on(workflow: Mock) -> None:
    assert send(withheld_since=" 2026-11-29 ", withheld_most=20) == 7
    workflow.send.assert_called_once_with("2026-11-29", 20)


@pytest.mark.parametrize("params", [{}, {"withheld_since": None}, {"withheld_since": " "}])
def test_a_scheduled_run_sends_none(workflow: Mock, params: dict[str, Any]) -> None:
    with pytest.raises(AirflowSkipException):
        send(**params)
    workflow.send.assert_not_called()


def test_what_is_no_day_is_refused(workflow: Mock) -> None:
    with pytest.raises(
        AirflowFailException, match="withheld_since is 'yesterday', but must be a day such as 2026-11-29"
    ):
        send(withheld_since="yesterday", withheld_most=20)
    workflow.send.assert_not_called()
