"""What runs costs."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from label_loop.domain.costs import cost, detections_in_last_day
from label_loop.payloads import ProjectVersion


def version(status, units=None):
    return ProjectVersion("arn", "v", status, inference_units=units)


@pytest.mark.parametrize(
    ("versions", "usd"),
    [
        ([], 0),
        ([version("RUNNING", 2)], 8),
        ([version("STARTING", 1), version("RUNNING", 2)], 12),
        ([version("RUNNING")], 4),  # a unit at least, whatever AWS tells
        ([version("STOPPED", 5), version("STOPPING", 5), version("TRAINING_COMPLETED")], 0),
    ],
)
def test_what_runs_costs_its_units_whether_it_is_used_or_not(versions, usd):
    found = cost(versions, 4.0)
    assert (found.usd_per_hour, found.usd_per_day, found.scales) == (usd, 24 * usd, False)


def test_what_may_scale_costs_its_least_now_and_up_to_its_most():
    scaling = ProjectVersion("arn", "v", "RUNNING", inference_units=2, maximum_inference_units=5)
    found = cost([scaling, version("RUNNING", 1), version("STOPPED", 5)], 4.0)
    assert (found.usd_per_hour, found.most_usd_per_hour, found.scales) == (12, 24, True)


def test_an_image_costs_its_share_of_the_day():
    running, stopped = cost([version("RUNNING", 1)], 4.0), cost([], 4.0)
    assert running.usd_per_image(9600) == pytest.approx(0.01)
    assert running.usd_per_image(0) is None
    assert running.usd_per_image(None) is None
    assert stopped.usd_per_image(9600) is None


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 11, 25, 0, 0, tzinfo=UTC), 10 + 240),
        (datetime(2026, 11, 25, 6, 0, tzinfo=UTC), 10 + 180),
        (datetime(2026, 11, 25, 8, 0, tzinfo=timezone(timedelta(hours=2))), 10 + 180),
        (datetime(2026, 11, 25, 23, 59, 59, tzinfo=UTC), pytest.approx(10, abs=0.01)),
    ],
)
def test_of_yesterday_counts_what_lies_within_a_day(now, expected):
    assert detections_in_last_day(10, 240, now) == expected
