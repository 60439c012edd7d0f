"""A version that the loop has just deployed is watched, and the former one returns if uploads fail."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.model import Model
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.site import events
from tests.integration.test_dead_letters import try_until_given_up
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.domain.moments import timestamp
from label_loop.domain.statistics import DETECTIONS, GIVEN_UP, StatisticsKey, label_counter
from label_loop.domain.training import ACCEPTED
from label_loop.hooks.retries import PATIENT
from label_loop.payloads import TrainingAttempt
from label_loop.workflows.approval import ApprovalWorkflow
from label_loop.workflows.bake import BakeWorkflow

TODAY = timestamp(datetime.now(UTC))[:10]
YESTERDAY = timestamp(datetime.now(UTC) - timedelta(days=1))[:10]


@pytest.fixture
def deployed(world: World, model: Model) -> World:
    """Give a loop that has just deployed v2, which it trained, in place of v1."""
    former = str(world.state().endpoint_arn)
    world.add_version(model, "v2", "RUNNING")
    world.set_state(last_training_attempt=TrainingAttempt("v2", "m", 60, "f", "t", outcome=ACCEPTED))
    world.deployment().move_endpoint("v2")
    world.set_status(former, "STOPPED")
    return world


@pytest.fixture
def count(deployed: World) -> Callable[..., None]:
    """Count what a version did on a day."""

    def add(version: str, day: str, **counts: int) -> None:
        arn = next(arn for arn in arns(deployed) if f"/{version}/" in arn)
        given_up = counts.pop(GIVEN_UP, 0)
        statistics = deployed.context().clients.statistics
        assert statistics
        key = StatisticsKey.of_given_up(day, arn)
        statistics.add({StatisticsKey(key.month, key.day_and_version.removesuffix("#given-up")): Counter(counts)})
        if given_up:
            statistics.add({key: Counter({GIVEN_UP: given_up})})

    return add


def arns(world: World) -> list[str]:
    bake = world.state().current_bake
    assert bake
    return [bake.version_arn, bake.former_arn]


def serve_again(world: World, name: str) -> None:
    world.deployment().start_version(name)
    eventually(lambda: world.status(name) == "RUNNING", seconds=20)
    world.deployment().move_endpoint(name)


def bake(world: World) -> BakeWorkflow:
    return BakeWorkflow(world.context())


def told(world: World) -> list[str]:
    return [str(one["body"]["message"]) for one in events(world.told(), "model_status")]


def test_a_version_that_fails_is_replaced_by_the_former_one_once(deployed: World, count: Any) -> None:
    count("v1", YESTERDAY, detections=700, given_up=2)
    count("v2", TODAY, detections=70, given_up=30)
    verdict = bake(deployed).look("v2", at_failures=True)
    assert verdict == ("return", "30 of 100 uploads failed since it serves, and 2 of 702 of v1 before")
    told(deployed)
    for _ in range(2):  # a crash before the run was triggered
        found = bake(deployed).return_former("v2", verdict.reason)
        assert found
        assert found.former_name == "v1"
        verdict = bake(deployed).look("v2", at_failures=True)
        assert verdict.action == "return"
    (text,) = told(deployed)
    assert text.startswith(
        "Model v2: 30 of 100 uploads failed since it serves, and 2 of 702 of v1 before. v1, which was "
    )
    assert bake(deployed).look("v2", at_failures=False).action == "end"

    decision = deployed.deployment().decide_return("v1")
    assert decision.action == "deploy"
    serve_again(deployed, "v1")
    state = deployed.state()
    assert state.current_bake is None
    assert state.last_training_attempt
    assert state.last_training_attempt.outcome == "returned"
    assert state.last_training_attempt.verdict.startswith("returned to v1: 30 of 100 uploads failed")
    assert deployed.training().check(forced=False).action == "none"
    assert deployed.deployment().decide_return("v1").action == "none"  # a retry, or a run that was queued


def test_a_newer_deployment_wins(deployed: World, count: Any, model: Model) -> None:
    count("v1", YESTERDAY, detections=700)
    count("v2", TODAY, detections=70, given_up=30)
    assert bake(deployed).return_former("v2", "it failed")
    deployed.add_version(model, "v3", "RUNNING")
    deployed.deployment().move_endpoint("v3")
    assert deployed.deployment().decide_return("v1").action == "none"
    assert bake(deployed).look("v2", at_failures=True).action == "end"
    assert bake(deployed).return_former("v2", "it failed") is None
    assert deployed.state().current_bake is None  # v3 was chosen by hand


def test_a_restart_of_the_version_goes_on_with_its_bake(deployed: World) -> None:
    before = deployed.state().current_bake
    assert before
    deployed.deployment().move_endpoint("v2")
    assert deployed.state().current_bake == before


def test_it_ends_quietly_and_says_so_once(deployed: World, count: Any) -> None:
    count("v2", TODAY, detections=100, accepted=100)
    assert bake(deployed).look("v2", at_failures=True).action == "wait"
    deployed.set_variable("Bake-Hours", "0")
    verdict = bake(deployed).look("v2", at_failures=True)
    assert verdict == ("end", "100 uploads")
    told(deployed)
    for _ in range(2):
        bake(deployed).end("v2", verdict.reason)
    assert told(deployed) == ["Model v2: the bake has ended after 100 uploads; it goes on serving"]
    assert deployed.state().current_bake is None


def test_a_jump_is_a_question_that_ends_with_the_former_version(deployed: World, count: Any) -> None:
    count("v1", YESTERDAY, detections=700, accepted=700)
    count("v2", TODAY, **{"detections": 100, "accepted": 100, label_counter(""): 40})
    verdict = bake(deployed).look("v2", at_failures=False)
    assert verdict.action == "ask"
    told(deployed)
    for _ in range(2):
        assert bake(deployed).ask("v2", verdict.reason)
    assert len(told(deployed)) == 1
    question = ApprovalWorkflow(deployed.context()).open_question("v1")
    assert question
    assert question.otherwise == "hold"
    assert "v2 replaced it, and 40 of 100 detections had no label since it serves" in question.reason
    assert bake(deployed).look("v2", at_failures=True).action == "wait"  # failures are watched as before

    assert ApprovalWorkflow(deployed.context()).answer("v1", "deploy", "ann") == "deploy"
    assert deployed.deployment().decide_approved("v1").action == "deploy"
    serve_again(deployed, "v1")
    attempt = deployed.state().last_training_attempt
    assert attempt
    assert attempt.outcome == "returned"


def test_where_nobody_is_to_be_asked_a_jump_is_only_told(deployed: World) -> None:
    deployed.set_variable("Approve-Deployments", "never")
    told(deployed)
    assert bake(deployed).ask("v2", "40 of 100 detections had no label") is None
    assert deployed.state().approval_question is None
    assert len(told(deployed)) == 1
    assert bake(deployed).ask("v2", "40 of 100 detections had no label") is None
    assert told(deployed) == []


def test_where_the_parameter_is_off_nothing_bakes(world: World, model: Model) -> None:
    world.set_variable("Bake-Hours", "0")
    world.add_version(model, "v2", "RUNNING")
    world.set_state(last_training_attempt=TrainingAttempt("v2", "m", 60, "f", "t", outcome=ACCEPTED))
    world.deployment().move_endpoint("v2")
    assert world.state().current_bake is None


@pytest.mark.parametrize(("fault", "counted"), [({"status": 500}, 1), ({"code": "AccessDeniedException"}, 0)])
def test_an_upload_that_rekognition_fails_on_is_counted_once_given_up(
    world: World, fault: dict[str, Any], counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PATIENT.retries, "total_max_attempts", 1)
    arn = str(world.state().endpoint_arn)
    world.upload("failing.png", FRESH_DIGITS[1].body)
    world.fault("rekognition", "DetectCustomLabels", **fault)
    try_until_given_up(world)
    world.heal()
    world.upload_digits(2)
    assert world.detect().detected == 2
    key = StatisticsKey.of_given_up(TODAY, arn)
    statistics = world.context().clients.statistics
    assert statistics
    today = datetime.now(UTC).date()
    (day,), _ = statistics.days(today, today)
    assert (day[GIVEN_UP], day[DETECTIONS]) == (counted, 2)
    assert key.day_and_version_name == (day.day, day.version)
