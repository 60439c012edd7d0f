"""An undecided version, the question to a person, and its answer, over the local endpoint."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.model import Model
from tests.integration.pictures import TRAINING_DIGITS
from tests.integration.site import events
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.domain.version_numbers import display_name
from label_loop.payloads import LABELLED_FOLDER
from label_loop.workflows.approval import ApprovalWorkflow
from local_aws.rekognition.training import Trainer


@pytest.fixture
def undecided(world: World, model: Model, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Give a loop with a serving version; return a function that trains another one, which nothing is known of."""
    monkeypatch.setattr(Trainer, "run", lambda self: model.outcome)
    for picture in TRAINING_DIGITS[:60]:
        world.put(f"{LABELLED_FOLDER}{picture.label}/{picture.name}", picture.body)
    world.deploy(model)
    return lambda run_id: train(world, run_id)


def train(world: World, run_id: str) -> str:
    attempt = world.training().prepare(resume=False, forced=True, run_id=run_id)
    assert attempt
    name = world.training().create_version(attempt)
    assert name
    eventually(lambda: world.status(name) == "TRAINING_COMPLETED")
    return name


def approval(world: World) -> ApprovalWorkflow:
    return ApprovalWorkflow(world.context())


def outcome(world: World) -> str:
    attempt = world.state().last_training_attempt
    assert attempt
    return str(attempt.outcome)


def verdict(world: World) -> str:
    attempt = world.state().last_training_attempt
    assert attempt
    return attempt.verdict


def told(world: World) -> list[str]:
    return [str(one["body"]["message"]) for one in events(world.told(), "model_status")]


def serve(world: World, name: str) -> None:
    world.deployment().start_version(name)
    eventually(lambda: world.status(name) == "RUNNING")
    world.deployment().move_endpoint(name)


def test_a_person_is_asked_and_the_approved_version_is_deployed_once(
    world: World, undecided: Callable[[str], str]
) -> None:
    name = undecided("first")
    assert not world.evaluation().accepts(name)
    question = approval(world).open_question(name)
    assert question
    assert "only 0 test images compare the two" in question.reason
    assert question.otherwise == "deploy"
    in_three_days = datetime.now(UTC) + timedelta(hours=72)
    assert abs(datetime.fromisoformat(question.until) - in_three_days) < timedelta(minutes=5)
    assert outcome(world) == "asked"
    assert world.training().check(forced=False).action == "none"  # neither resumed nor trained again

    approval(world).announce_question(question, "https://airflow/required_actions")
    assert "https://airflow/required_actions. Without an answer, the decision is: Deploy" in told(world)[-1]

    assert approval(world).answer(name, "deploy", "ann") == "deploy"
    assert approval(world).answer(name, "hold", "bob") == "deploy"  # a retry, or somebody who was later
    assert [text for text in told(world) if "approved by ann" in text] == [
        f"Model {display_name(name)}: {verdict(world)}"
    ]
    assert world.training().check(forced=False).action == "resume"  # if the deployment is never triggered
    assert world.evaluation().accepts(name)  # and it is not judged again
    assert world.deployment().decide_approved(name).action == "deploy"
    serve(world, name)
    assert outcome(world) == "deployed"
    assert world.state().approval_question is None
    assert world.deployment().decide_approved(name).action == "none"


def test_a_held_version_says_who_held_it_and_is_not_tried_again(world: World, undecided: Callable[[str], str]) -> None:
    name = undecided("first")
    assert not world.evaluation().accepts(name)
    assert approval(world).answer(name, "hold", "ann") == "hold"
    assert outcome(world) == "held"
    assert verdict(world).startswith("held by ann: F1 ")
    assert world.training().check(forced=False).action == "none"
    assert world.deployment().decide_approved(name).action == "none"


def test_without_an_answer_it_ends_as_if_nobody_were_asked(world: World, undecided: Callable[[str], str]) -> None:
    name = undecided("first")
    assert not world.evaluation().accepts(name)
    assert approval(world).answer(name, "deploy", None) == "deploy"
    assert verdict(world).startswith("approved since nobody answered in time: F1 ")


def test_a_newer_question_replaces_an_older_one_and_keeps_its_deadline(
    world: World, undecided: Callable[[str], str]
) -> None:
    older = undecided("first")
    assert not world.evaluation().accepts(older)
    asked = approval(world).open_question(older)
    assert asked
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="microseconds")
    world.set_state(approval_question=replace(asked, until=until))
    newer = undecided("second")
    assert not world.evaluation().accepts(newer)
    replaced = approval(world).open_question(newer)
    assert replaced
    assert replaced.until == until
    assert approval(world).open_question(older) is None
    assert approval(world).answer(older, "deploy", "ann") is None
    assert approval(world).open_question(newer) == replaced


def test_a_deployment_by_hand_closes_the_question(world: World, undecided: Callable[[str], str]) -> None:
    name = undecided("first")
    assert not world.evaluation().accepts(name)
    world.deployment().move_endpoint("v1")
    assert outcome(world) == "superseded: v1 was deployed by hand"
    assert approval(world).open_question(name) is None
    assert approval(world).answer(name, "deploy", "ann") is None
    assert world.deployment().decide_approved(name).action == "none"


def test_an_approved_version_does_not_replace_a_newer_one(world: World, undecided: Callable[[str], str]) -> None:
    older = undecided("first")
    assert not world.evaluation().accepts(older)
    newer = undecided("second")  # in training when the older one is approved
    assert approval(world).answer(older, "deploy", "ann") == "deploy"
    world.set_variable("Approve-Deployments", "never")
    assert world.evaluation().accepts(newer)
    serve(world, newer)
    assert world.deployment().decide_approved(older).action == "none"


@pytest.mark.parametrize(("mode", "result"), [("always", "asked"), ("never", "accepted")])
def test_who_decides_is_a_parameter(world: World, undecided: Callable[[str], str], mode: str, result: str) -> None:
    world.set_variable("Approve-Deployments", mode)
    name = undecided("first")
    assert world.evaluation().accepts(name) == (mode == "never")
    assert outcome(world) == result


def test_what_is_held_is_never_asked_about(
    world: World, undecided: Callable[[str], str], model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.set_variable("Approve-Deployments", "always")
    assert model.outcome
    poor = replace(model.outcome, f1_score=0.5)
    monkeypatch.setattr(Trainer, "run", lambda self: poor)
    name = undecided("first")
    assert not world.evaluation().accepts(name)
    assert outcome(world) == "held"
    assert approval(world).open_question(name) is None
