"""Whether and until when a person is asked, and what becomes of an attempt that is asked about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.testing.settings import DEFAULTS

from label_loop.domain.approval import deadline, needs_person
from label_loop.domain.comparison import Verdict
from label_loop.domain.moments import timestamp
from label_loop.domain.training import decide_training, outcome_after_deployment
from label_loop.parameters import ApproveDeployments
from label_loop.payloads import ApprovalQuestion, ProjectVersion, TrainingAttempt

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ATTEMPT = TrainingAttempt("v2", "m", 20, "f", timestamp(NOW))
TRAINED = ProjectVersion("arn:v2", "v2", "TRAINING_COMPLETED")


@pytest.mark.parametrize(
    ("mode", "asked"),
    [
        (ApproveDeployments.WHEN_UNDECIDED, {"ask"}),
        (ApproveDeployments.ALWAYS, {"ask", "deploy"}),
        (ApproveDeployments.NEVER, set()),
    ],
)
def test_a_person_is_asked_as_the_parameter_says_and_never_about_what_is_held(
    mode: ApproveDeployments, asked: set[str]
) -> None:
    verdicts = [Verdict("deploy", ""), Verdict("ask", ""), Verdict("hold", "")]
    assert {verdict.action for verdict in verdicts if needs_person(verdict, mode)} == asked


@pytest.mark.parametrize(
    ("before_hours", "hours"),
    [(None, 72), (10, 10), (71, 71), (100, 72), (0, 72), (-1, 72)],
)
def test_an_open_question_hands_its_deadline_on(before_hours: int | None, hours: int) -> None:
    before = None
    if before_hours is not None:
        before = ApprovalQuestion("v1", "", timestamp(NOW + timedelta(hours=before_hours)), "hold")
    assert deadline(before, NOW, DEFAULTS) == timestamp(NOW + timedelta(hours=hours))


def test_a_loop_that_trains_every_day_waits_no_longer_than_one_that_does_not() -> None:
    question = None
    for day in range(3):
        question = ApprovalQuestion(f"v{day}", "", deadline(question, NOW + timedelta(days=day), DEFAULTS), "deploy")
    assert question
    assert question.until == timestamp(NOW + timedelta(hours=72))


@pytest.mark.parametrize(
    ("outcome", "action"), [("asked", "none"), ("approved", "resume"), ("accepted", "resume"), ("held", "none")]
)
def test_what_is_asked_about_is_neither_resumed_nor_trained_again(outcome: str, action: str) -> None:
    decision = decide_training(
        new_images=0,
        minimum_untrained_images=10,
        forced=False,
        attempt=replace(ATTEMPT, outcome=outcome),
        versions=[TRAINED],
        endpoint_arn="arn:v1",
    )
    assert decision.action == action


def test_new_images_train_although_a_question_is_open() -> None:
    attempt = replace(ATTEMPT, outcome="asked")
    decision = decide_training(
        new_images=10,
        minimum_untrained_images=10,
        forced=False,
        attempt=attempt,
        versions=[TRAINED],
        endpoint_arn="arn:v1",
    )
    assert decision.action == "train"


@pytest.mark.parametrize("outcome", ["asked", "approved", "accepted"])
def test_a_deployment_by_hand_supersedes_what_was_open(outcome: str) -> None:
    attempt = replace(ATTEMPT, outcome=outcome)
    assert outcome_after_deployment(attempt, "v1") == "superseded: v1 was deployed by hand"
    assert outcome_after_deployment(attempt, "v2") == "deployed"
