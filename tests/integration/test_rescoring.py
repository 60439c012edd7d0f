"""After a deployment: the new version looks at what waits for review, and withdraws what it is sure of."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.test_statistics import assert_counts_are_the_rows
from tests.integration.world import World

from label_loop.domain.moments import timestamp
from label_loop.domain.review_queue import Review, Stage
from label_loop.hooks.reviews import ReviewsHook
from label_loop.workflows import detection
from label_loop.workflows.rescoring import RescoringWorkflow

COUNT = 12


@pytest.fixture
def moved(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Give a loop whose reviews were made when nothing was accepted, and whose endpoint has moved since."""
    monkeypatch.setattr(detection, "is_drawn", lambda *_: False)
    world.set_record(review_backend="airflow")
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    for n in range(COUNT):
        world.upload(f"{n}.png", FRESH_DIGITS[n].body)
    world.detect()
    world.set_variable("Minimum-Label-Detection-Confidence", "70")
    later = timestamp(datetime.now(UTC) + timedelta(seconds=1))
    world.context().store.change_state(lambda state: replace(state, endpoint_moved_at=later))
    return world


def table(world: World) -> ReviewsHook:
    return world.context().clients.reviews.table


def rescoring(world: World, clock: Callable[[], float] | None = None) -> RescoringWorkflow:
    return RescoringWorkflow(world.context(), clock, lambda seconds: None)


def open_ones(world: World) -> dict[str, Review]:
    return {review.name: review for review in table(world).queued(Stage.OPEN)}


def test_what_the_new_version_is_sure_of_is_withdrawn_and_what_stays_has_its_new_guess(moved: World) -> None:
    before = open_ones(moved)
    assert len(before) == COUNT
    summary = rescoring(moved).run()
    rows = {row["HumanLoopName"]: row for row in moved.rows()}
    sure = {name for name, row in rows.items() if float(row["DetectedConfidenceLevel"]) >= 70}
    assert 0 < len(sure) < COUNT
    assert (summary.rescored, summary.withdrawn, summary.is_complete) == (COUNT, len(sure), True)
    left = open_ones(moved)
    assert set(left) == set(before) - sure
    assert all(review.scored_by == "v1" and review.task.confidence_percent < 70 for review in left.values())
    for name in sure:
        assert rows[name]["HumanLoopStatus"].startswith("Withdrawn: v1 accepts ")
        assert "HumanLabel" not in rows[name]
    assert assert_counts_are_the_rows(moved)["withdrawn"] == len(sure)
    assert not rescoring(moved).is_due()


def test_samples_drawn_ones_and_what_somebody_answers_are_left_alone(moved: World) -> None:
    names = list(open_ones(moved))
    hook = table(moved)
    row = next(row for row in moved.rows() if row["HumanLoopName"] == names[0])
    moved.context().clients.log.mark_sampled(
        moved.context().clients.log.rows([row["DetectLabelRequestId"]]).values(),
        {row["DetectLabelRequestId"]: None},
        {row["DetectLabelRequestId"]: 9},
    )
    for name, change in (
        (names[1], {"leased_by": "ann", "leased_until": time.time() + 60}),
        (names[2], {"task": replace(open_ones(moved)[names[2]].task, is_drawn=True)}),
    ):
        one = hook.get(name)
        assert one
        assert hook.replace(one.changed(**change))
    rescoring(moved).run()
    left = open_ones(moved)
    assert {name: left[name].scored_by for name in names[:3]} == dict.fromkeys(names[:3], "")


def test_a_run_that_is_out_of_time_is_continued_and_uploads_come_first(moved: World) -> None:
    moved.upload("new.png")
    passing = iter(range(0, 10_000, 100))
    waiting = rescoring(moved, clock=lambda: float(next(passing)))
    assert waiting.run().rescored == 0
    assert waiting.is_due()
    moved.detect()
    assert rescoring(moved).run().rescored == COUNT


def test_a_withdrawal_that_was_cut_off_is_completed_and_counted_once(moved: World) -> None:
    moved.fault("dynamodb", "TransactWriteItems", code="AccessDeniedException")
    with pytest.raises(Exception, match="AccessDenied"):
        rescoring(moved).run()
    moved.heal()
    assert len(list(table(moved).queued(Stage.WITHDRAWING))) == 1
    summary = rescoring(moved).run()
    assert list(table(moved).queued(Stage.WITHDRAWING)) == []
    assert assert_counts_are_the_rows(moved)["withdrawn"] == summary.withdrawn


def test_a_model_that_stops_ends_the_run_and_nothing_is_lost(moved: World) -> None:
    arn = str(moved.context().store.state.endpoint_arn)
    moved.set_status(arn, "STOPPED", stays=True)
    assert rescoring(moved).run().rescored == 0
    assert len(open_ones(moved)) == COUNT


def test_a_sample_of_a_withdrawn_review_is_asked_after_all(moved: World) -> None:
    rescoring(moved).run()
    row = next(row for row in moved.rows() if "HumanLoopStatus" in row)
    log = moved.context().clients.log.rows([row["DetectLabelRequestId"]])
    (found,) = log.values()
    started = moved.context().clients.review.start(found.review_task("Human Sampling"))
    assert started.request_id
    assert open_ones(moved)[started.name].task.source == "Human Sampling"


def test_reviews_in_a2i_and_a_serving_version_that_replaced_none_are_left_alone(moved: World) -> None:
    moved.set_record(review_backend="a2i")
    assert not rescoring(moved).is_due()
