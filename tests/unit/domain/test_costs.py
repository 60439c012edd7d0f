"""What runs costs."""

import pytest

from label_loop.domain.costs import usd_per_hour
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
    assert usd_per_hour(versions, 4.0) == usd
