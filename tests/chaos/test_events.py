"""Events as S3 and SQS deliver them: never, once, often, late, in any order and wrapping, to several at once."""

import json
import os
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any
from urllib.parse import unquote_plus

import pytest
from tests.integration.model import Model
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.world import World

from label_loop.exceptions import UnfinishedWorkError
from label_loop.inbox.reconciliation import AnswersReconciliation, Reconciliation, UploadsReconciliation
from label_loop.inbox.sources import answers_inbox
from label_loop.payloads import LABELLED_FOLDER, UPLOADS_FOLDER
from label_loop.workflows.detection import DetectionWorkflow
from label_loop.workflows.human_review import HumanReviewWorkflow

WHOLE = os.environ.get("CHAOS") == "whole"
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 25 if WHOLE else 2))]
UPLOADS = 40 if WHOLE else 8
COPIES = (0, 1, 1, 1, 2, 5)
BEGAN = datetime.now(UTC)
ENDPOINT = "rekognition_project_version_arn"

type Record = dict[str, Any]


def take_records(world: World, purpose: str) -> list[Record]:
    """Take the events of S3 out of a queue, as S3 wrote them; what else is there stays."""
    queue = world._queue(purpose)
    bodies = {message: json.loads(message.body) for message in list(queue._messages)}
    for message in [message for message, body in bodies.items() if "Records" in body]:
        queue._messages.remove(message)
    return [record for body in bodies.values() for record in body.get("Records", [])]


def from_event_bridge(record: Record) -> str:
    """Write an event of S3 as EventBridge does: the same facts under other names, the key as it is."""
    described = record["s3"]["object"]
    object_ = {"key": unquote_plus(described["key"]), "size": described["size"], "etag": described["eTag"]}
    object_ |= {new: described[old] for old, new in (("versionId", "version-id"), ("sequencer", "sequencer"))}
    detail = {"bucket": {"name": record["s3"]["bucket"]["name"]}, "object": object_}
    return json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})


def from_sns(body: str) -> str:
    return json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:123456789012:t", "Message": body})


class Delivery:
    """What becomes of the events of some objects on their way to a queue, by a seed."""

    def __init__(self, records: Iterable[Record], seed: int) -> None:
        self.random = random.Random(seed)
        copies = [record for record in records for _ in range(self.random.choice(COPIES))]
        self.random.shuffle(copies)
        self.told = {record["s3"]["object"]["key"] for record in copies}
        self.bodies = list(self._bodies(copies))

    def _bodies(self, records: list[Record]) -> Iterator[str]:
        while records:
            some = [records.pop() for _ in range(min(len(records), self.random.randint(1, 4)))]
            if len(some) == 1 and self.random.random() < 0.5:
                body = from_event_bridge(some[0])
            else:
                body = json.dumps({"Records": some})
            yield from_sns(body) if self.random.random() < 0.4 else body

    def rounds(self) -> Iterator[tuple[str, ...]]:
        """Return what comes together; what is delayed comes in a later round."""
        return batched(self.bodies, max(1, len(self.bodies) // 3))


def together(*work: Callable[[], Any]) -> None:
    """Do things at once, each in a thread; work that is left undone comes again."""
    barrier = threading.Barrier(len(work))

    def begin(one: Callable[[], Any]) -> None:
        barrier.wait()
        with suppress(UnfinishedWorkError):
            one()

    with ThreadPoolExecutor(len(work)) as pool:
        for future in [pool.submit(begin, one) for one in work]:
            future.result()


def review(world: World) -> None:
    context = world.context()
    inbox = answers_inbox(context)
    HumanReviewWorkflow(context, inbox, linger_seconds=0).drain()


def reconcile(world: World, listing: Reconciliation) -> Any:
    state: Any
    if isinstance(listing, UploadsReconciliation):
        state = DetectionWorkflow(listing.context, listing)
    else:
        state = HumanReviewWorkflow(listing.context, listing, linger_seconds=0)
    summary = state.drain()
    listing.finish()
    return summary


def drain_what_came_again(world: World, purpose: str, work: Callable[[], Any]) -> None:
    """Let messages that were left come again until there are none; they must not need more than a few tries."""
    for _ in range(3):
        if not world.come_again(purpose):
            return
        with suppress(UnfinishedWorkError):
            work()
    assert world.waiting(purpose) == []


def assert_each_upload_once(world: World, keys: list[str]) -> None:
    rows = world.rows()
    assert sorted(row["S3ObjectKey"] for row in rows) == sorted(keys)
    tasks = [loop["input_content"]["detectLabelRequestId"] for loop in world.human_loops()]
    assert sorted(tasks) == sorted(row["DetectLabelRequestId"] for row in rows)
    assert world.waiting() == world.dead_letters() == []


@pytest.fixture
def watched(unsure: World) -> World:
    """Give a loop that sends each image to review, and is listed from now on."""
    until = (BEGAN - timedelta(minutes=1)).isoformat()
    unsure.set_state(uploads_reconciled_until=until, answers_reconciled_until=until)
    return unsure


@pytest.mark.parametrize("seed", SEEDS)
def test_each_upload_and_each_answer_is_done_once_however_its_event_comes(watched: World, seed: int) -> None:
    world = watched
    keys = [world.upload(f"{n} +ü%.png", FRESH_DIGITS[n].body) for n in range(UPLOADS)]
    delivery = Delivery(take_records(world, "uploads"), seed)
    for bodies in delivery.rounds():
        for body in bodies:
            world.send(body)
        together(world.detect, world.detect)
    drain_what_came_again(world, "uploads", world.detect)
    assert len(world.rows()) == len(delivery.told)
    later = datetime.now(UTC) + timedelta(hours=2)
    together(
        lambda: reconcile(world, UploadsReconciliation(world.context(), later)),
        lambda: reconcile(world, UploadsReconciliation(world.context(), later)),
    )
    for body in delivery.bodies:  # all of them once more, late
        world.send(body)
    together(world.detect, world.detect)
    drain_what_came_again(world, "uploads", world.detect)
    assert_each_upload_once(world, keys)

    for loop in world.human_loops():
        world.answer("7", loop["name"])
    delivery = Delivery(take_records(world, "answers"), seed + 1)
    for bodies in delivery.rounds():
        for body in bodies:
            world.send(body, "answers")
        together(lambda: review(world), lambda: review(world))
    drain_what_came_again(world, "answers", lambda: review(world))
    reconcile(world, AnswersReconciliation(world.context(), later))
    assert [row["HumanLabel"] for row in world.rows()] == ["7"] * UPLOADS
    assert len(world.keys(LABELLED_FOLDER)) == UPLOADS
    assert world.waiting("answers") == world.dead_letters("answers") == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_version_that_stops_under_running_batches_loses_no_upload(watched: World, model: Model, seed: int) -> None:
    """Another one serves at once, or only after a while; two runs are at work when it happens."""
    world, drawn = watched, random.Random(seed)
    keys = [world.upload(f"{n}.png", FRESH_DIGITS[n].body) for n in range(UPLOADS)]
    old, at = world.state().endpoint_arn, drawn.randint(1, UPLOADS)
    replaced_at_once = seed % 2 == 0
    lock, calls = threading.Lock(), iter(range(1, 10_000))

    def state() -> DetectionWorkflow:
        made = world.detection()
        detect = made.context.clients.rekognition.detect

        def detect_and_deploy(arn: str, upload: Any) -> Any:
            with lock:
                if next(calls) == at:
                    if replaced_at_once:
                        world.deploy(model, name="v2")
                    world.set_status(old, "STOPPING")
            return detect(arn, upload)

        made.context.clients.rekognition.detect = detect_and_deploy  # type: ignore[method-assign]
        return made

    together(state().drain, state().drain)
    if not replaced_at_once:
        world.deploy(model, name="v2")
    drain_what_came_again(world, "uploads", world.detect)
    assert_each_upload_once(world, keys)
    versions = {row["ProjectVersionArn"] for row in world.rows()}
    assert versions <= {old, world.state().endpoint_arn}
    assert world.state().endpoint_arn in versions


def test_an_upload_that_is_replaced_before_its_events_come_is_two_detections(watched: World) -> None:
    for n in range(2):
        watched.upload("same.png", FRESH_DIGITS[n].body)
    records = take_records(watched, "uploads")
    for record in reversed(records):
        watched.send(json.dumps({"Records": [record, record]}))
    together(watched.detect, watched.detect)
    drain_what_came_again(watched, "uploads", watched.detect)
    assert_each_upload_once(watched, [f"{UPLOADS_FOLDER}same.png"] * 2)
