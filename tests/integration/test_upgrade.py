"""A loop of version 0.1.0 goes on with this one: at once, and with a table for its state once it is set up again."""

import time
from dataclasses import replace
from typing import Any

import pytest
from tests.integration.pictures import FRESH_DIGITS, TRAINING_DIGITS
from tests.integration.test_training import instant, run  # noqa: F401 - a fixture
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.domain.idleness import IDLE
from label_loop.domain.review_queue import AnswersWanted
from label_loop.loop_state import LoopState
from label_loop.review.desk import ReviewDesk


def as_before(world: World) -> None:
    """Leave what version 0.1.0 made of a loop: all that it knew was in the record, and there was no such table."""
    state = replace(world.state(), revision=0, stopping_since=None)
    table = world.record()["state_table"]
    world.client("dynamodb").delete_item(TableName=table, Key={"Loop": {"S": world.loop.path}})
    world.set_record(state_table=None, **state.changes_since(LoopState()))


def set_up_again(world: World) -> None:
    initial = world._initial  # the next test begins there
    world.provision(review_backend="airflow")
    world._initial = initial
    assert world.record()["state_table"]


@pytest.fixture
def older(world: World, instant: Any) -> World:  # noqa: F811
    """Give a loop that trained, serves, detected, and asks people, all by the version before."""
    world.set_record(review_backend="airflow")
    world.label(TRAINING_DIGITS[:20])
    run(world, "r")
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    world.upload("asked.png", FRESH_DIGITS[0].body)
    assert world.detect().sent_to_review == 1
    as_before(world)
    return world


@pytest.fixture(params=["at once", "set up again"])
def upgraded(request: pytest.FixtureRequest, older: World) -> World:
    if request.param == "set up again":
        set_up_again(older)
    return older


def test_it_trains_nothing_again_and_serves_on(upgraded: World) -> None:
    versions, endpoint = upgraded.version_names(), upgraded.state().endpoint_arn
    assert upgraded.training().check(forced=False).action == "none"
    assert upgraded.version_names() == versions
    upgraded.upload("new.png", FRESH_DIGITS[1].body)
    assert upgraded.run_detection()["detected"] == 1
    assert {row["ProjectVersionArn"] for row in upgraded.rows()} == {endpoint}


def test_new_images_train_and_the_version_serves(upgraded: World) -> None:
    upgraded.label(TRAINING_DIGITS[20:40])
    assert upgraded.training().check(forced=False).action == "train"
    name = run(upgraded, "s")
    assert name in str(upgraded.state().endpoint_arn)
    attempt = upgraded.state().last_training_attempt
    assert attempt
    assert (attempt.images, upgraded.record()["previous_trained_images"]) == (40, 40)


def test_a_review_that_was_open_is_answered(upgraded: World) -> None:
    a_minute_ago = time.time() - 60  # so that it cannot be undone any more
    desk = ReviewDesk(upgraded.context().clients.reviews.table, "ann", AnswersWanted(), clock=lambda: a_minute_ago)
    (task,) = desk.take(1, oldest_first=False)
    desk.answer(task.name, "7")
    assert upgraded.run_review()["answered"] == 1
    assert upgraded.row()["HumanLabel"] == "7"


def test_a_model_that_sleeps_wakes_with_the_next_upload(upgraded: World) -> None:
    world = upgraded
    name = world.serving().endpoint.name  # type: ignore[union-attr]
    world.set_status(str(world.state().endpoint_arn), "STOPPED")
    world.set_state(stopped_because=IDLE)
    world.upload("new.png", FRESH_DIGITS[1].body)
    world.run_detection()
    eventually(lambda: world.status(name) == "RUNNING")
    assert world.run_detection()["detected"] == 1
    assert world.state().stopped_because is None


def test_what_is_taken_over_is_what_was_there(older: World) -> None:
    before = older.state()
    set_up_again(older)
    after = older.state()
    assert after == before
    assert after.endpoint_arn
    assert after.sampling_since
    assert after.last_training_attempt
