"""A trained version against the serving one on the loop's own test images, with real trainings."""

from collections.abc import Sequence

import pytest
from tests.integration.pictures import FRESH_DIGITS, TRAINING_DIGITS
from tests.integration.site import events
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.payloads import LABELLED_FOLDER, TEST_FOLDER
from sample_images.digits import Picture

TEST_DIGITS, MORE_DIGITS = FRESH_DIGITS[:100], FRESH_DIGITS[100:]
SWAPPED = {"4": "9", "9": "4", "7": "1", "1": "7"}


@pytest.fixture
def tested(world: World) -> World:
    """Give a loop with a test set and 60 labelled images, whose own first version serves."""
    put(world, TEST_FOLDER, TEST_DIGITS)
    put(world, LABELLED_FOLDER, TRAINING_DIGITS[:60])
    world.set_variable("Minimum-F1-Score", "0")
    assert world.evaluation().accepts(deploy(world, train(world, "first")))
    return world


def put(world: World, folder: str, pictures: Sequence[Picture], label: str = "") -> None:
    for picture in pictures:
        world.put(f"{folder}{label or picture.label}/{picture.name}", picture.body)


def train(world: World, run_id: str) -> str:
    attempt = world.training().prepare(resume=False, forced=True, run_id=run_id)
    assert attempt
    name = world.training().create_version(attempt)
    assert name
    eventually(lambda: world.status(name) == "TRAINING_COMPLETED")
    return name


def deploy(world: World, name: str) -> str:
    world.deployment().start_version(name)
    eventually(lambda: world.status(name) == "RUNNING")
    world.deployment().move_endpoint(name)
    return name


def told(world: World, name: str) -> str:
    texts = [str(one["body"]["message"]) for one in events(world.told(), "model_status")]
    return [text for text in texts if name in text and ("held" in text or "accepted" in text)][-1]


def test_a_version_that_somebody_taught_wrong_labels_is_held_with_what_it_lost(tested: World) -> None:
    for true, wrong in SWAPPED.items():
        put(tested, LABELLED_FOLDER, [one for one in (*TRAINING_DIGITS[60:], *MORE_DIGITS) if one.label == true], wrong)
    name = train(tested, "poisoned")
    assert not tested.evaluation().accepts(name)
    text = told(tested, name)
    assert "held: F1 0." in text
    assert "it has lost" in text or "it is worse" in text
    assert "of 100 test images" in text
    attempt = tested.state().last_training_attempt
    assert attempt
    assert attempt.outcome == "held"
    assert attempt.verdict in text
    assert tested.training().check(forced=False).action == "none"  # not trained or started again


@pytest.mark.slow
def test_a_better_version_is_accepted_with_how_much_better_it_is(tested: World) -> None:
    put(tested, LABELLED_FOLDER, [*TRAINING_DIGITS[60:], *MORE_DIGITS])
    name = train(tested, "better")
    assert tested.evaluation().accepts(name)
    assert "better on" in told(tested, name)


@pytest.mark.slow
def test_a_snapshot_that_is_gone_compares_nothing_and_says_so(tested: World) -> None:
    put(tested, LABELLED_FOLDER, TRAINING_DIGITS[60:])
    name = train(tested, "next")
    serving = tested.deployment().serving.endpoint
    assert serving
    assert serving.evaluation_snapshot
    tested.client("s3").delete_object(Bucket=serving.evaluation_snapshot[0], Key=serving.evaluation_snapshot[1])
    assert tested.evaluation().accepts(name)
    assert "only 0 test images compare the two" in told(tested, name)
