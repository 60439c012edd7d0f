"""Bad input in batches: it is logged, left out or given up with its reason, and what is good beside it is done."""

import json
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.chaos.hostile_images import GOOD, READABLE, unusable
from tests.chaos.test_bad_input import ANSWER, ENDED, EVENT_BRIDGE, KEYS, S3_EVENT, WHOLE, texts_like
from tests.integration.model import Model
from tests.integration.pictures import TRAINING_DIGITS
from tests.integration.world import World

from label_loop.domain.events import parse_message
from label_loop.exceptions import MalformedEventError, UnfinishedWorkError
from label_loop.payloads import LABELLED_FOLDER, MANIFESTS_FOLDER, MAX_RECEIVES

any_batch = settings(
    max_examples=25 if WHOLE else 2,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # a batch takes too long to be made smaller
    suppress_health_check=list(HealthCheck),
)
names = st.lists(KEYS, min_size=5, max_size=15, unique=True)


@pytest.fixture
def afresh(provisioned: World, model: Model, variables: dict[str, str]) -> Callable[[], World]:
    """Give a way to begin with an empty loop whose model serves, for each batch."""

    def begin() -> World:
        provisioned.reset(variables)
        provisioned.deploy(model)
        return provisioned

    return begin


def work_off(world: World, purpose: str, work: Callable[[], Any]) -> None:
    """Run a task as often as its queue delivers what fails; nothing may be left then."""
    for _ in range(MAX_RECEIVES):
        with suppress(UnfinishedWorkError):
            work()
        if not world.come_again(purpose):
            return
    pytest.fail(f"{world.waiting(purpose)} stays in the queue")


def rows_by_key(world: World) -> dict[str, dict[str, Any]]:
    return {row["S3ObjectKey"]: row for row in world.rows()}


def as_sqs_takes(text: str) -> str:
    """Return a text without the characters that XML cannot represent: no message has them."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


def is_malformed(body: str) -> bool:
    try:
        parse_message(body)
    except MalformedEventError:
        return True
    return False


@any_batch
@given(names=names)
def test_a_good_image_of_any_key_is_detected(afresh: Callable[[], World], names: list[str]) -> None:
    world = afresh()
    keys = [world.upload(name, GOOD) for name in names]
    work_off(world, "uploads", world.detect)
    assert rows_by_key(world).keys() == {key for key in keys if not key.endswith("/")}
    assert not any("Failure" in row for row in world.rows())
    assert world.dead_letters() == []


@any_batch
@given(bodies=st.lists(unusable, min_size=5, max_size=20))
def test_what_is_no_image_is_logged_as_failed_beside_good_ones(
    afresh: Callable[[], World], bodies: list[bytes]
) -> None:
    world = afresh()
    bad = [world.upload(f"bad-{n}.png", body) for n, body in enumerate(bodies)]
    good = [world.upload(f"good-{name}.png", body) for name, body in READABLE.items()]
    work_off(world, "uploads", world.detect)
    rows = rows_by_key(world)
    assert {key for key in rows if "Failure" in rows[key]} == set(bad)
    assert rows.keys() == {*bad, *good}
    assert world.dead_letters() == []


@any_batch
@given(bodies=st.lists(texts_like(S3_EVENT, EVENT_BRIDGE, ENDED).map(as_sqs_takes), min_size=5, max_size=15))
def test_any_message_leaves_the_queue_and_holds_up_no_upload(afresh: Callable[[], World], bodies: list[str]) -> None:
    world = afresh()
    good = []
    for n, body in enumerate(bodies):
        world.send(body)
        good.append(world.upload(f"good-{n}.png", GOOD))
    work_off(world, "uploads", world.detect)
    rows = rows_by_key(world)
    assert all("Failure" not in rows[key] for key in good)
    assert Counter(filter(is_malformed, bodies)) <= Counter(world.dead_letters())


@any_batch
@given(bodies=st.lists(st.one_of(texts_like(ANSWER).map(str.encode), st.binary()), min_size=5, max_size=15))
def test_any_answer_leaves_the_queue_and_holds_up_no_other(afresh: Callable[[], World], bodies: list[bytes]) -> None:
    world = afresh()
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    world.upload("doubtful.png", GOOD)
    world.detect()
    for n, body in enumerate(bodies):
        world.put_answer(body, f"answer-{n}")
    world.answer("7")
    work_off(world, "answers", world.review)
    assert world.row()["HumanLabel"] == "7"
    assert len(world.keys(LABELLED_FOLDER)) == 1


@any_batch
@given(bodies=st.lists(unusable, min_size=5, max_size=20))
def test_what_cannot_train_is_left_out_with_its_reason_beside_what_can(
    afresh: Callable[[], World], bodies: list[bytes]
) -> None:
    world = afresh()
    world.label(TRAINING_DIGITS[:20])
    bad = {f"{LABELLED_FOLDER}1/bad-{n}.png" for n in range(len(bodies))}
    for key, body in zip(sorted(bad), bodies, strict=True):
        world.put(key, body)
    for name, body in READABLE.items():
        world.put(f"{LABELLED_FOLDER}2/{name}.jpg", body)
    attempt = world.training().prepare(resume=False, forced=False, run_id="r")
    assert attempt is not None
    assert attempt.labelled_images == 20 + len(READABLE)
    (report,) = [key for key in world.keys(MANIFESTS_FOLDER) if key.endswith(".left-out.json")]
    told = json.loads(world.client("s3").get_object(Bucket=world.bucket, Key=report)["Body"].read())
    alike = {key for key, why in told.items() if "looks like" in why}  # of those that can be read
    assert told.keys() - alike == bad
    assert len(alike) == 29 - attempt.images
    assert all(told.values())
