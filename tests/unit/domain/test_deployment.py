"""Which version may serve, and which only costs."""

import pytest

from label_loop.domain.deployment import passes_gate, versions_to_stop
from label_loop.payloads import ProjectVersion

STATES = (
    "TRAINING_IN_PROGRESS", "TRAINING_COMPLETED", "TRAINING_FAILED", "STARTING", "RUNNING", "FAILED", "STOPPING",
    "STOPPED", "DELETING", "COPYING_IN_PROGRESS", "COPYING_COMPLETED", "COPYING_FAILED", "DEPRECATED", "EXPIRED",
)  # fmt: skip


@pytest.mark.parametrize(
    ("f1_score", "minimum", "passes"),
    [
        (0.8, 0.8, True),
        (0.81, 0.8, True),
        (0.7999, 0.8, False),
        (1.0, 1.0, True),
        (0.0, 0.0, True),
        (None, 0.0, False),
        (None, 0.8, False),
        (float("nan"), 0.0, False),
    ],
)
def test_the_gate_is_at_or_above_the_minimum(f1_score, minimum, passes):
    assert passes_gate(f1_score, minimum) is passes


@pytest.mark.parametrize("status", STATES)
def test_only_what_costs_and_does_not_serve_is_stopped(status):
    version = ProjectVersion("arn:1", "1", status)
    costs = status in ("STARTING", "RUNNING")
    assert versions_to_stop([version], "arn:2") == ([version] if costs else [])
    assert versions_to_stop([version], None) == ([version] if costs else [])
    assert versions_to_stop([version], "arn:1") == []


def test_all_that_only_cost_are_stopped_whoever_started_them():
    versions = [ProjectVersion(f"arn:{n}", str(n), "RUNNING") for n in range(4)]
    assert versions_to_stop(iter(versions), "arn:2") == [versions[0], versions[1], versions[3]]
