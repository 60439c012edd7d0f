"""A budget of reviews over a real endpoint: exact whoever shares it, and without a call where there is none."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.test_statistics import assert_counts_are_the_rows
from tests.integration.world import World

from label_loop.domain.review_budget import Spent, asked
from label_loop.hooks.review_budget import ReviewBudgetHook
from label_loop.payloads import ReviewStarted, ReviewTask
from label_loop.workflows.withheld import WithheldReviewsWorkflow

DAY = "2026-11-30"
_ANY = ReviewStarted("label-loop-any", None)


@pytest.fixture
def unsure(world: World) -> World:
    """Give a loop that accepts nothing."""
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    return world


def upload(world: World, count: int, first: int = 0) -> None:
    for n in range(first, first + count):
        world.upload(f"{n}.png", FRESH_DIGITS[n].body)


def test_what_the_budget_has_no_room_for_is_logged_as_withheld_and_counted(unsure: World) -> None:
    unsure.set_variable("Review-Budget-Per-Day", "3")
    upload(unsure, 6)
    summary = unsure.detect()
    assert (summary.detected, summary.sent_to_review, summary.withheld) == (6, 3, 3)
    upload(unsure, 2, first=6)
    assert unsure.detect().withheld == 2
    rows = unsure.rows()
    assert sum(row.get("ReviewWithheld") is True for row in rows) == 5
    assert len(unsure.human_loops()) == 3
    assert all("HumanLoopName" not in row for row in rows if row.get("ReviewWithheld"))
    day = assert_counts_are_the_rows(unsure)
    assert (day["sent_to_review"], day["withheld"]) == (3, 5)


def test_what_was_withheld_is_sent_later_once_and_counted(unsure: World) -> None:
    unsure.set_variable("Review-Budget-Per-Day", "3")
    upload(unsure, 8)
    unsure.detect()
    before = unsure.human_loops()
    assert len(before) == 3
    workflow = WithheldReviewsWorkflow(unsure.context())
    day = unsure.rows()[0]["DetectLabelDate"][:10]
    tomorrow = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    assert workflow.send(tomorrow, 100) == 0
    assert workflow.send(day, 2) == 2
    assert len(unsure.human_loops()) == 5
    # A run that ended after it had started the reviews: they exist by now.
    waiting = list(unsure.context().clients.log.withheld_since(day))
    assert len(waiting) == 3
    unsure.context().clients.review.start(waiting[0].review_task("A2I Workflow"))
    assert workflow.send(day, 100) == 3
    assert workflow.send(day, 100) == 0
    assert unsure.context().clients.log.send_withheld(waiting, {row.detection_id: _ANY for row in waiting}) == []
    assert len(unsure.human_loops()) == 8
    assert not any(row.get("ReviewWithheld") for row in unsure.rows())
    counts = assert_counts_are_the_rows(unsure)
    assert (counts["sent_to_review"], counts["withheld"]) == (8, 0)

    unsure.answer("7", str(unsure.rows()[-1]["HumanLoopName"]))
    assert unsure.review().answered == 1
    assert_counts_are_the_rows(unsure)


def test_a_withheld_detection_that_is_sampled_stays_counted_as_withheld(unsure: World) -> None:
    unsure.set_variable("Review-Budget-Per-Day", "1")
    unsure.set_variable("Human-Sampling-Interval", "1")
    upload(unsure, 3)
    unsure.detect()
    assert unsure.sample() == 3
    counts = assert_counts_are_the_rows(unsure)
    assert (counts["sent_to_review"], counts["withheld"]) == (1, 2)


def test_a_loop_without_a_budget_makes_no_call_for_it(unsure: World) -> None:
    _ = unsure.context().store.sampling_secret  # made once
    upload(unsure, 2)
    without = unsure.calls(unsure.detect)
    unsure.set_variable("Review-Budget-Per-Day", "10")
    upload(unsure, 2, first=2)
    with_budget = unsure.calls(unsure.detect)
    more = Counter(with_budget) - Counter(without)
    # The counts of the last days, which span one or two months, and what the day has had.
    assert {name.rpartition(".")[2] for name in more} == {"Query", "UpdateItem"}
    assert sum(more.values()) <= 3
    assert not any("UpdateItem" in name for name in without)


def test_processes_that_share_a_budget_never_exceed_it(unsure: World) -> None:
    table = str(unsure.context().store.record.statistics_table)

    def spend(process: int) -> int:
        hook, granted = ReviewBudgetHook(table, aws_conn_id=None), 0
        for n in range(10):
            task = ReviewTask(f"{process}-{n}", "A2I Workflow", "s3://b/k", "cat", 40.0, is_drawn=n % 3 == 0)

            def choose(spent: Spent, task: ReviewTask = task) -> list[ReviewTask]:
                return asked([task], spent, 20, None)

            chosen = hook.spend(DAY, [task], choose)
            # As after a crash before the detection was logged.
            assert ReviewBudgetHook(table, aws_conn_id=None).spend(DAY, [task], choose) == chosen
            granted += len(chosen)
        return granted

    with ThreadPoolExecutor(4) as pool:
        granted = sum(pool.map(spend, range(4)))
    assert 14 <= granted <= 20
