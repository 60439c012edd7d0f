"""The order of the desk over a real table, what one answer settles, and what several people answer."""

import statistics
from datetime import UTC, datetime
from random import Random

import pytest
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.test_airflow_review import Clock, add, answer_files, asking, clock, desk, reviews
from tests.integration.world import World

from label_loop.domain.review_queue import UNDO_SECONDS, AnswersWanted, Review, Stage
from label_loop.hooks.reviews import to_item
from label_loop.payloads import ReviewTask
from label_loop.review.desk import ReviewDesk
from label_loop.workflows import detection

__all__ = ["asking", "clock"]  # fixtures


def test_samples_come_first_then_what_was_drawn_then_what_others_began(asking: World, clock: Clock) -> None:
    names = add(asking, 150, clock)
    desk(asking, "bob", clock, answers_wanted=2).answer(names[140], "1")
    table = reviews(asking).table
    for n, (source, is_drawn) in enumerate([("A2I Workflow", True), ("Human Sampling", False)]):
        task = ReviewTask(f"first-{n}", source, f"s3://{asking.bucket}/{n}.png", "1", 99.0, is_drawn=is_drawn)
        table.add(Review(task.detection_id, task, clock.now + 1000 + n))
    taken = [review.name for review in desk(asking, "ann", clock, 2).take(5, oldest_first=False)]
    assert taken[:3] == ["first-1", "first-0", names[140]]
    assert len(set(taken)) == 5


def test_of_a_full_desk_the_less_sure_half_of_what_is_read_comes_at_random(asking: World, clock: Clock) -> None:
    names = add(asking, 90, clock)
    middle = statistics.median(review.task.confidence_percent for review in reviews(asking).table.queued(Stage.OPEN))
    orders = []
    for seed in (1, 2):
        mine = ReviewDesk(reviews(asking).table, "ann", AnswersWanted(), clock=clock, chance=Random(seed))
        taken = mine.take(30, oldest_first=False)
        less_sure = [review for review in taken if review.task.confidence_percent <= middle]
        assert len(less_sure) >= 20  # of 15 by chance; the others are the oldest ones
        orders.append([review.name for review in taken])
        mine.release(names)
    assert orders[0] != orders[1]


def test_of_equal_images_one_is_asked_and_its_answer_is_the_others(
    asking: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "is_drawn", lambda *_: False)  # each that is drawn is asked
    for name in ("a.png", "b.png", "c.png"):
        asking.upload(name, FRESH_DIGITS[5].body)
    asking.upload("other.png", FRESH_DIGITS[6].body)
    asking.detect()
    taken = desk(asking, "ann", clock).take(4, oldest_first=False)
    assert len(taken) == 2
    of = {review.task.image_uri.rpartition("/")[2]: review for review in taken}
    (asked,) = of.keys() - {"other.png"}
    desk(asking, "ann", clock).answer(of[asked].name, "7")
    clock.now += UNDO_SECONDS
    assert reviews(asking).collect() in (1, 3)  # the index of what is due may be read before or after
    reviews(asking).collect()
    assert asking.review().answered == 3
    labels = {row["S3ObjectKey"].rpartition("/")[2]: row.get("HumanLabel") for row in asking.rows()}
    assert labels == {"a.png": "7", "b.png": "7", "c.png": "7", "other.png": None}
    assert reviews(asking).table.count(Stage.OPEN) == 1


def test_a_sample_is_answered_for_itself_whatever_was_said_of_an_equal_image(asking: World, clock: Clock) -> None:
    table = reviews(asking).table
    for name, source in (("workflow", "A2I Workflow"), ("sampled", "Human Sampling")):
        task = ReviewTask(name, source, f"s3://{asking.bucket}/{name}.png", "1", 40.0, content="0" * 32)
        table.add(Review(name, task, clock.now))
    desk(asking, "ann", clock).answer("workflow", "7")
    clock.now += UNDO_SECONDS
    reviews(asking).collect()
    sampled = table.get("sampled")
    assert sampled
    assert (sampled.stage, sampled.answers) == (Stage.OPEN, ())


def test_what_waits_since_version_0_2_is_given_out_too(asking: World, clock: Clock) -> None:
    names = add(asking, 3, clock)
    table = reviews(asking).table
    of = {review.name: review for review in table.queued(Stage.OPEN)}
    old = []
    for n, name in enumerate(names):
        item = to_item(of[name])
        item["Task"] = {key: item["Task"][key] for key in item["Task"] if key not in {"is_drawn", "content"}}
        old.append(item | {"ConfidenceOrder": f"{10 + n:08.4f}#2026-11-18T11:06:40.000000"})
    asking.add_items("reviews_table", old)
    assert {review.name for review in desk(asking, "ann", clock).take(3, oldest_first=False)} == set(names)


def test_a_share_of_images_is_answered_by_a_second_person_and_tells_how_far_people_agree(
    asking: World, clock: Clock
) -> None:
    names = add(asking, 30, clock)
    wanted = AnswersWanted(1, 40.0)
    in_share = [name for name in names if wanted.of(reviews(asking).table.get(name) or _missing(name)) == 2]
    assert 5 < len(in_share) < 20
    for person, label in (("ann", "1"), ("bob", "1"), ("cy", "1")):
        mine = ReviewDesk(reviews(asking).table, person, wanted, clock=clock)
        for review in mine.take(30, oldest_first=True):
            mine.answer(review.name, "2" if (person, review.name) == ("bob", in_share[0]) else label)
    clock.now += UNDO_SECONDS
    assert reviews(asking).collect() == 30
    of = {file["humanLoopName"]: len(file["humanAnswers"]) for file in answer_files(asking)}
    # The tie was broken by one more person.
    assert of == {name: (3 if name == in_share[0] else 2 if name in in_share else 1) for name in names}
    table = reviews(asking).table
    month = datetime.fromtimestamp(clock.now, UTC)
    assert sorted(map(len, table.overlap(month))) == [*[2] * (len(in_share) - 1), 3]
    agreed = reviews(asking).agreement(month)
    assert agreed is not None
    assert agreed < 1
    done = table.get(in_share[0])
    assert done
    table.add_overlap(done)  # again, after a crash
    assert len(table.overlap(month)) == len(in_share)


def _missing(name: str) -> Review:
    raise AssertionError(f"no review {name}")
