"""When a model is idle, and what detection does about it."""

from datetime import UTC, datetime, timedelta

import pytest

from label_loop.domain.idleness import (
    BY_HAND,
    IDLE,
    idle_since,
    is_asleep,
    is_check_due,
    is_deploying,
    is_idle,
    may_be_stopped,
    next_action,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def ago(**how: float) -> str:
    return (NOW - timedelta(**how)).isoformat()


@pytest.mark.parametrize("because", [None, IDLE, BY_HAND, "something else"])
@pytest.mark.parametrize("uploads_wait", [True, False])
def test_what_runs_detects_whatever_the_record_says(because, uploads_wait):
    assert next_action("RUNNING", because, uploads_wait=uploads_wait, is_outage_reported=False) == "detect"


@pytest.mark.parametrize(
    ("status", "because", "uploads_wait", "expected"),
    [
        ("STOPPED", IDLE, True, "start"),
        ("STOPPED", IDLE, False, "wait"),
        ("STOPPED", BY_HAND, True, "wait"),
        ("STOPPED", None, True, "report"),
        ("TRAINING_COMPLETED", None, False, "report"),
        ("STOPPING", IDLE, True, "wait"),
        ("STARTING", IDLE, True, "wait"),
        ("FAILED", IDLE, True, "report"),
        ("FAILED", BY_HAND, True, "wait"),
        ("FAILED", None, True, "report"),
        ("STARTING", None, True, "wait"),
        ("DELETING", None, True, "report"),
        (None, None, False, "report"),
        (None, IDLE, True, "report"),
    ],
)
def test_only_what_was_stopped_as_idle_is_started_for_uploads(status, because, uploads_wait, expected):
    assert next_action(status, because, uploads_wait=uploads_wait, is_outage_reported=False) == expected
    again = next_action(status, because, uploads_wait=uploads_wait, is_outage_reported=True)
    assert again == ("wait" if expected == "report" else expected)


def test_the_latest_moment_counts_and_what_cannot_be_read_does_not():
    assert idle_since(ago(hours=3), None, "", "yesterday", ago(hours=2), NOW - timedelta(hours=5)) == NOW - timedelta(
        hours=2
    )
    assert idle_since("2026-11-25T11:00:00") == NOW - timedelta(hours=1)  # without an offset, as a log of others has it
    assert idle_since(None, "") is None


@pytest.mark.parametrize(
    ("since", "minutes", "idle"),
    [(60, 60, True), (59, 60, False), (600, 0, False), (525_601, 525_600, True), (None, 60, False)],
)
def test_a_model_is_idle_after_the_minutes_that_a_parameter_gives(since, minutes, idle):
    assert is_idle(None if since is None else NOW - timedelta(minutes=since), minutes, NOW) is idle


@pytest.mark.parametrize(
    ("since", "deploying"), [(ago(minutes=1), True), (ago(hours=3), False), (None, False), ("soon", False)]
)
def test_a_deployment_that_a_crash_left_behind_holds_nothing_back_for_ever(since, deploying):
    assert is_deploying(since, NOW) is deploying


@pytest.mark.parametrize(
    ("automatic", "began", "due"), [(False, 720, True), (False, 719, False), (True, 99_999, False)]
)
def test_a_look_is_due_only_where_no_training_check_does_it(automatic, began, due):
    assert is_check_due(ago(minutes=began), automatic_training=automatic, frequency_minutes=720, now=NOW) is due


@pytest.mark.parametrize(
    ("status", "because", "asleep"),
    [
        ("STOPPED", IDLE, True),
        ("STOPPING", IDLE, True),
        ("STARTING", IDLE, True),
        ("FAILED", IDLE, False),
        ("STOPPED", BY_HAND, False),
        ("STOPPED", None, False),
    ],
)
def test_a_model_sleeps_where_the_next_upload_starts_it(status, because, asleep):
    assert is_asleep(status, because) is asleep


@pytest.mark.parametrize(
    ("status", "stopped_because", "may"),
    [
        ("RUNNING", None, True),
        ("STOPPING", "idle", True),
        ("STOPPED", "idle", True),
        ("STOPPED", "by hand", False),
        ("STOPPED", None, False),
        ("STARTING", "idle", False),
        ("FAILED", None, False),
    ],
)
def test_a_person_can_stop_what_runs_or_would_start_with_the_next_upload(status, stopped_because, may):
    assert may_be_stopped(status, stopped_because) is may
