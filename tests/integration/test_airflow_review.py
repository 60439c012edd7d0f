"""Reviews in the Airflow UI over a real endpoint: each detection is asked about once, and each answer written once."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.world import World

from label_loop.domain.labelling import from_metadata
from label_loop.domain.review_queue import LEASE_SECONDS, UNDO_SECONDS, AnswersWanted, Review, Stage
from label_loop.exceptions import ReviewTakenError, UnfinishedWorkError
from label_loop.hooks.reviews import to_item
from label_loop.payloads import ANSWERS_FOLDER, LABELLED_FOLDER, NONE_OF_THE_ABOVE, LabelSource, ReviewTask
from label_loop.review.airflow import AirflowReview
from label_loop.review.desk import ReviewDesk
from label_loop.sensors.inbox import AnswersSensor


class Clock:
    """Seconds since 1970 that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    passing = Clock()
    monkeypatch.setattr(time, "time", passing)
    return passing


@pytest.fixture
def asking(world: World, clock: Clock) -> World:
    """Give a loop that reviews in the Airflow UI, and sends each image there."""
    world.set_record(review_backend="airflow")
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    return world


def reviews(world: World) -> AirflowReview:
    context = world.context()
    return AirflowReview(context.store.record, None)


def desk(world: World, reviewer: str, clock: Clock, answers_wanted: int = 1) -> ReviewDesk:
    return ReviewDesk(reviews(world).table, reviewer, AnswersWanted(answers_wanted), clock=clock)


def add(world: World, count: int, clock: Clock, confidence: float = 50.0) -> list[str]:
    """Put reviews straight into the table, untold."""
    table = reviews(world).table
    names = [f"label-loop-{n:05}" for n in range(count)]
    for n, name in enumerate(names):
        uri = f"s3://{world.bucket}/images_for_detection/{n}.png"
        task = ReviewTask(name, "A2I Workflow", uri, "1", (confidence + 7 * n) % 100)
        table.add(Review(name, task, clock.now + n))
    return names


def answer_files(world: World) -> list[dict[str, Any]]:
    client = world.client("s3")
    keys = world.keys(ANSWERS_FOLDER)
    return [json.loads(client.get_object(Bucket=world.bucket, Key=key)["Body"].read()) for key in keys]


def test_an_answer_reaches_the_log_and_the_training_folder(asking: World, clock: Clock) -> None:
    asking.upload("my image.png", FRESH_DIGITS[5].body)
    asking.detect()
    assert asking.human_loops() == []
    (taken,) = desk(asking, "ann", clock).take(3, oldest_first=False)
    assert taken.task.image_uri == f"s3://{asking.bucket}/images_for_detection/my image.png"
    assert taken.task.version_id
    assert taken.name == asking.row()["HumanLoopName"]

    desk(asking, "ann", clock).answer(taken.name, "7")
    assert reviews(asking).collect() == 0  # it can still be taken back
    assert asking.review().answered == 0
    clock.now += UNDO_SECONDS
    assert reviews(asking).collect() == 1
    assert asking.review().answered == 1
    assert asking.row()["HumanLabel"] == "7"
    (copy,) = asking.keys(LABELLED_FOLDER)
    assert copy.startswith(f"{LABELLED_FOLDER}7/my image")
    assert reviews(asking).collect() == 0
    head = asking.client("s3").head_object(Bucket=asking.bucket, Key=copy)
    labelling = from_metadata(head["Metadata"], "7")
    assert (labelling.who, labelling.source, labelling.guess_shown) == ("ann", LabelSource.REVIEW, True)
    assert labelling.at.startswith(asking.row()["HumanLoopCompletionDate"].removesuffix("Z"))
    assert head["ContentType"] == "image/png"


def test_an_event_that_comes_twice_asks_once(asking: World, clock: Clock) -> None:
    asking.upload("a.png")
    asking.detect()
    asking.send(asking.notification("images_for_detection/other.png"))
    asking.detect()
    context = asking.context()
    (row,) = [row for row in asking.rows() if row.get("HumanLoopName")]
    task = ReviewTask(row["DetectLabelRequestId"], "A2I Workflow", "s3://b/k", "1", 1.0)
    assert context.clients.review.start(task).request_id is None
    assert reviews(asking).table.count(Stage.OPEN) == 1


def test_none_of_the_above_is_logged_and_trains_nothing(asking: World, clock: Clock) -> None:
    asking.upload("a.png")
    asking.detect()
    (taken,) = desk(asking, "ann", clock).take(1, oldest_first=True)
    desk(asking, "ann", clock).answer(taken.name, NONE_OF_THE_ABOVE)
    clock.now += UNDO_SECONDS
    reviews(asking).collect()
    asking.review()
    assert asking.row()["HumanLabel"] == NONE_OF_THE_ABOVE
    assert asking.keys(LABELLED_FOLDER) == []


def test_reviews_come_by_date_where_that_is_wanted(asking: World, clock: Clock) -> None:
    names = add(asking, 10, clock)
    assert [review.name for review in desk(asking, "ann", clock).take(10, oldest_first=True)] == names


def test_reviewers_at_the_same_time_never_get_the_same_image(asking: World, clock: Clock) -> None:
    add(asking, 40, clock)
    desks = [desk(asking, f"reviewer {n}", clock) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda one: [review.name for review in one.take(5, oldest_first=False)], desks))
    times = Counter(name for names in taken for name in names)
    assert set(times.values()) == {1}
    assert sum(times.values()) == 40


def test_what_a_reviewer_left_comes_to_others_when_the_lease_ends(asking: World, clock: Clock) -> None:
    add(asking, 2, clock)
    mine = desk(asking, "ann", clock).take(2, oldest_first=True)
    assert desk(asking, "bob", clock).take(2, oldest_first=True) == []
    clock.now += LEASE_SECONDS / 2
    desk(asking, "ann", clock).take(1, oldest_first=True, keep=[mine[0].name])  # still looking at the first
    clock.now += LEASE_SECONDS / 2
    (theirs,) = desk(asking, "bob", clock).take(2, oldest_first=True)
    assert theirs.name == mine[1].name
    with pytest.raises(ReviewTakenError, match="Somebody else"):
        desk(asking, "ann", clock).answer(theirs.name, "1")
    desk(asking, "bob", clock).release([theirs.name])
    assert desk(asking, "ann", clock).answer(theirs.name, "1").stage is Stage.HELD


def test_an_answer_taken_back_is_never_written(asking: World, clock: Clock) -> None:
    (name,) = add(asking, 1, clock)
    ann = desk(asking, "ann", clock)
    ann.answer(name, "1")
    ann.undo(name)
    clock.now += 10 * UNDO_SECONDS
    assert reviews(asking).collect() == 0
    ann.answer(name, "2")
    clock.now += UNDO_SECONDS
    assert reviews(asking).collect() == 1
    with pytest.raises(ReviewTakenError):
        ann.undo(name)
    (file,) = answer_files(asking)
    assert [answer["answerContent"] for answer in file["humanAnswers"]] == [{"crowd-image-classifier": {"label": "2"}}]


def test_two_reviewers_who_disagree_leave_it_to_a_third(asking: World, clock: Clock) -> None:
    (name,) = add(asking, 1, clock)
    desk(asking, "ann", clock, 2).answer(name, "1")
    assert desk(asking, "ann", clock, 2).take(1, oldest_first=True) == []
    desk(asking, "bob", clock, 2).answer(name, "2")
    assert reviews(asking).table.count(Stage.OPEN) == 1
    desk(asking, "cyd", clock, 2).answer(name, "2")
    clock.now += UNDO_SECONDS
    assert reviews(asking).collect() == 1
    (file,) = answer_files(asking)
    assert [answer["workerId"] for answer in file["humanAnswers"]] == ["ann", "bob", "cyd"]


def test_an_image_with_enough_answers_is_settled_where_fewer_are_asked_for(asking: World, clock: Clock) -> None:
    answered, open_ = add(asking, 2, clock)
    desk(asking, "ann", clock, 2).answer(answered, "1")
    cyd = desk(asking, "cyd", clock, 2)
    (looked_at, _) = cyd.take(2, oldest_first=True)
    bob = desk(asking, "bob", clock, 1)
    assert (looked_at.name, bob.take(2, oldest_first=True), bob.closed) == (answered, [], 0)  # cyd looks at it
    cyd.release([answered, open_])
    assert [review.name for review in bob.take(2, oldest_first=True)] == [open_]
    assert bob.closed == 1
    clock.now += UNDO_SECONDS
    assert reviews(asking).collect() == 1
    (file,) = answer_files(asking)
    assert [answer["workerId"] for answer in file["humanAnswers"]] == ["ann"]


@pytest.mark.parametrize("operation", ["PutItem", "PutObject"])
def test_answers_that_could_not_be_written_are_written_later_and_once(
    asking: World, clock: Clock, operation: str
) -> None:
    (name,) = add(asking, 1, clock)
    desk(asking, "ann", clock).answer(name, "1")
    clock.now += UNDO_SECONDS
    asking.fault("dynamodb" if operation == "PutItem" else "s3", operation, code="AccessDenied", status=400)
    with pytest.raises(Exception, match="AccessDenied"):
        reviews(asking).collect()
    asking.heal()
    assert reviews(asking).collect() == 1
    assert reviews(asking).collect() == 0
    assert len(answer_files(asking)) == 1


def test_a_file_that_a_cut_run_has_written_is_not_written_again(asking: World, clock: Clock) -> None:
    (name,) = add(asking, 1, clock)
    settling = desk(asking, "ann", clock).answer(name, "1").changed(stage=Stage.SETTLING)
    backend_ = reviews(asking)
    assert backend_.table.replace(settling)
    backend_._write(settling)
    assert backend_.collect() == 1
    (key,) = asking.keys(ANSWERS_FOLDER)
    versions = asking.client("s3").list_object_versions(Bucket=asking.bucket, Prefix=key)["Versions"]
    assert len(versions) == 1


def test_the_review_dag_writes_what_a_page_was_cut_off_from(asking: World, clock: Clock) -> None:
    (name,) = add(asking, 1, clock)
    desk(asking, "ann", clock).answer(name, "1")
    clock.now += UNDO_SECONDS
    AnswersSensor(task_id="wait", loop_path=asking.loop.path, aws_conn_id=None).poke({})
    assert len(answer_files(asking)) == 1


def test_a_loop_without_the_table_says_how_to_get_it(asking: World) -> None:
    asking.set_record(reviews_table=None)
    asking.upload("a.png")
    with pytest.raises(UnfinishedWorkError, match=r"reviews_table.*label_loop provision"):
        asking.detect()
    assert asking.row()["ReviewFailure"] == "ReviewRefusedError"


def test_ten_thousand_open_reviews_cost_no_more_than_ten(asking: World, clock: Clock) -> None:
    few = add(asking, 10, clock)
    first = reviews(asking).table.get(few[0])
    assert first
    calls_of_few = sum(asking.calls(lambda: desk(asking, "ann", clock).take(3, oldest_first=False)).values())
    more = [{**to_item(first), "HumanLoopName": f"many-{n:05}"} for n in range(10_000)]
    asking.add_items("reviews_table", more)
    many = asking.calls(lambda: desk(asking, "bob", clock).take(3, oldest_first=False))
    assert sum(many.values()) <= calls_of_few + 1
