"""A budget of reviews: never exceeded, spread over the day, and spent on what teaches most."""

import statistics
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.insight import DailyCounts
from label_loop.domain.review_budget import ExpectedDay, Spent, asked, chance_to_ask, expected_day, most_undrawn
from label_loop.payloads import ReviewTask


def task(number: int | str, confidence: float = 40.0, is_drawn: bool = False) -> ReviewTask:
    return ReviewTask(f"id-{number}", "A2I Workflow", "s3://b/k", "cat", confidence, is_drawn=is_drawn)


def after(spent: Spent, chosen: list[ReviewTask]) -> Spent:
    new = [one for one in chosen if one.detection_id not in spent.ids]
    ids = spent.ids | {one.detection_id for one in new}
    return Spent(ids, spent.undrawn + sum(not one.is_drawn for one in new))


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 60), st.floats(0, 69), st.booleans()), max_size=12), max_size=12),
    st.integers(1, 30),
)
def test_no_day_has_more_reviews_than_its_budget_and_a_repeated_batch_has_the_same(batches, budget):
    spent = Spent()
    for batch in batches:
        tasks = list({number: task(number, confidence, drawn) for number, confidence, drawn in batch}.values())
        chosen = asked(tasks, spent, budget, None)
        spent = after(spent, chosen)
        assert len(spent.ids) <= budget
        assert spent.undrawn <= most_undrawn(budget)
        again = asked(tasks, spent, budget, None)
        assert {one.detection_id for one in chosen} <= {one.detection_id for one in again}
        spent = after(spent, again)


def test_what_is_drawn_is_asked_about_first():
    tasks = [task(n) for n in range(20)] + [task(f"drawn-{n}", 69.0, is_drawn=True) for n in range(4)]
    chosen = asked(tasks, Spent(), 10, None)
    assert sum(one.is_drawn for one in chosen) == 4
    assert len(chosen) == 10


def counts(day: str, confidences: dict[int, int], accepted: int = 0) -> DailyCounts:
    buckets = {f"confidence {bucket}": count for bucket, count in confidences.items()}
    return DailyCounts(day, "v1", {"detections": sum(confidences.values()), "accepted": accepted, **buckets})


def test_a_day_is_expected_to_be_as_the_days_before():
    days = [counts("2026-11-01", {2: 30, 10: 20, 19: 50}, 50), counts("2026-11-03", {2: 10, 10: 40, 19: 50}, 50)]
    assert expected_day(days, 70.0) == ExpectedDay(50.0, 55.0)
    # A day on which the version changed is one day.
    switched = [counts("2026-11-01", {2: 30}), replace(counts("2026-11-01", {2: 30}), version="v2")]
    assert expected_day(switched, 70.0) == ExpectedDay(60.0, 15.0)


@pytest.mark.parametrize("days", [[], [counts("2026-11-01", {19: 50}, 50)], [counts("2026-11-01", {})]])
def test_without_unsure_detections_before_nothing_is_expected(days):
    assert expected_day(days, 70.0) is None


def test_the_less_sure_half_comes_first_and_the_other_gets_what_is_left():
    expected = ExpectedDay(200, 50.0)
    assert chance_to_ask(task(1, 40.0), 100, expected) == pytest.approx(0.7)
    assert chance_to_ask(task(1, 60.0), 100, expected) == 0
    assert chance_to_ask(task(1, 40.0), 200, expected) == 1
    assert chance_to_ask(task(1, 60.0), 200, expected) == pytest.approx(0.4)
    assert chance_to_ask(task(1, 60.0), 100, None) == 1


def test_a_budget_lasts_all_day_and_is_used():
    """200 days (seed 7) of 300 to 500 unsure detections with a budget of 100, 30 % of it drawn as they come."""
    chance, used, at_night, less_sure = Random(7), [], [], []
    for day in range(200):
        count, spent, hours = chance.randint(300, 500), Spent(), []
        for number in range(count):
            one = task(f"{day}-{number}", chance.uniform(0, 70), is_drawn=chance.random() < 30 / 400)
            for chosen in asked([one], spent, 100, ExpectedDay(400, 35.0)):
                spent = after(spent, [chosen])
                hours.append(24 * number / count)
                less_sure += [chosen.confidence_percent <= 35] * (not chosen.is_drawn)
        assert len(spent.ids) <= 100
        used.append(len(spent.ids))
        at_night.append(sum(hour >= 18 for hour in hours) / len(hours))
    assert statistics.mean(used) > 85
    assert statistics.mean(at_night) > 0.15  # of a quarter of the day
    assert all(less_sure)
