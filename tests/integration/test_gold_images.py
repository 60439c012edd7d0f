"""Gold images on a real table: one in twenty, never twice to a person, compared and not filed."""

from random import Random

import pytest
from tests.integration.test_airflow_review import Clock, add, asking, clock, reviews
from tests.integration.world import World

from label_loop.domain.review_queue import UNDO_SECONDS, AnswersWanted, Review, Stage
from label_loop.domain.reviewers import GoldImage, Reviewer
from label_loop.exceptions import ReviewTakenError
from label_loop.payloads import ANSWERS_FOLDER
from label_loop.review.desk import ReviewDesk
from label_loop.review.gold import GoldReviews

__all__ = ["asking", "clock"]  # fixtures
GOLD = [GoldImage(f"images_for_gold/cat/{n}.png", "cat") for n in range(30)]


def desk(world: World, reviewer: str, clock: Clock, seed: int = 1) -> ReviewDesk:
    table = reviews(world).table
    gold = GoldReviews(table, world.bucket, lambda: GOLD)
    return ReviewDesk(table, reviewer, AnswersWanted(), clock=clock, chance=Random(seed), gold=gold)


def next_gold(mine: ReviewDesk) -> Review:
    """Take images until one is gold; the others are given back."""
    for _ in range(200):
        (taken,) = mine.take(1, oldest_first=False)
        if taken.gold_id:
            return taken
        mine.release([taken.name])
    raise AssertionError("no gold image in 200")


def test_one_in_twenty_is_gold_and_waits_in_no_queue(asking: World, clock: Clock) -> None:
    add(asking, 60, clock)
    mine = desk(asking, "ann", clock)
    taken = [review for _ in range(100) for review in _taken_and_released(mine)]
    golden = [review for review in taken if review.gold_id]
    assert 1 <= len(golden) <= 12
    assert reviews(asking).table.count(Stage.OPEN) == 60
    assert all(review.task.source == "Human Sampling" and not review.task.label for review in golden)


def _taken_and_released(mine: ReviewDesk) -> list[Review]:
    taken = mine.take(1, oldest_first=False)
    mine.release([review.name for review in taken])
    return taken


def test_answers_are_compared_and_never_filed_and_no_image_comes_twice(asking: World, clock: Clock) -> None:
    add(asking, 3, clock)
    mine, seen = desk(asking, "ann", clock), set()
    for n in range(4):
        gold = next_gold(mine)
        seen.add(gold.gold_id)
        mine.answer(gold.name, "Cat" if n else "dog")
        clock.now += UNDO_SECONDS
    assert len(seen) == 4
    assert reviews(asking).collect() == 0
    assert asking.keys(ANSWERS_FOLDER) == []
    (person,) = reviews(asking).table.reviewers()
    assert (person.id, len(person.answers), person.wrong) == ("ann", 4, 1)


def test_an_answer_that_is_undone_in_time_does_not_count(asking: World, clock: Clock) -> None:
    add(asking, 1, clock)
    mine = desk(asking, "ann", clock)
    gold = next_gold(mine)
    mine.answer(gold.name, "dog")
    mine.undo(gold.name)
    assert reviews(asking).table.reviewer("ann").answers == ()
    mine.answer(gold.name, "cat")
    clock.now += UNDO_SECONDS
    with pytest.raises(ReviewTakenError):
        mine.undo(gold.name)
    assert reviews(asking).table.reviewer("ann").wrong == 0


def test_who_is_wrong_too_often_is_reported_once(asking: World, clock: Clock) -> None:
    add(asking, 1, clock)
    mine = desk(asking, "ann", clock)
    suspects: list[Reviewer] = []
    for _ in range(6):
        mine.answer(next_gold(mine).name, "dog")
        suspects += [mine.suspect] if mine.suspect else []
    (suspect,) = suspects
    assert (suspect.id, suspect.is_reported) == ("ann", True)
    assert suspect.wrong < 6
    assert reviews(asking).table.reviewer("bob") == Reviewer("bob")
