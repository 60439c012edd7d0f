"""When a training starts, and what becomes of an attempt."""

import re
from dataclasses import replace

import pytest

from label_loop.domain.training import decide_training, outcome_after_deployment, trained_before, version_name
from label_loop.payloads import ProjectVersion, TrainingAttempt

MODIFIED = "2026-11-23T09:00:00+00:00"

# --- whether to train

ATTEMPT = TrainingAttempt("v2", "manifests/2.manifest", 10, "f", MODIFIED)


def version(status, name="v2"):
    return ProjectVersion(f"arn:{name}", name, status)


def check(*versions, new=0, minimum=10, forced=False, attempt=None, endpoint="arn:v1"):
    return decide_training(
        new_images=new,
        minimum_untrained_images=minimum,
        forced=forced,
        attempt=attempt,
        versions=iter(versions),
        endpoint_arn=endpoint,
    )


SERVING = version("RUNNING", "v1")
ACCEPTED = replace(ATTEMPT, outcome="accepted")
REJECTED = replace(ATTEMPT, outcome="rejected")


@pytest.mark.parametrize(
    ("new", "forced", "action"),
    [
        (0, False, "none"),
        (9, False, "none"),
        (10, False, "train"),
        (11, False, "train"),
        (0, True, "train"),
        (500, True, "train"),
    ],
)
@pytest.mark.parametrize("endpoint", [None, "arn:v1"])
def test_new_images_or_force_start_a_training(new, forced, action, endpoint):
    assert check(SERVING, new=new, forced=forced, endpoint=endpoint).action == action


@pytest.mark.parametrize("minimum", [1, 10, 1000])
def test_the_reason_has_the_numbers(minimum):
    assert check(new=minimum, minimum=minimum).reason == f"{minimum} new labelled images"
    assert check(new=minimum - 1, minimum=minimum).reason == f"{minimum - 1} of {minimum} new labelled images"


@pytest.mark.parametrize(
    ("attempt", "status", "action"),
    [
        # A crash left a training behind: it is gone on with, not paid again.
        (ATTEMPT, "TRAINING_IN_PROGRESS", "resume"),
        (ATTEMPT, "TRAINING_COMPLETED", "resume"),
        # Judged and good, but a crash, a failed start or a failed smoke test came before the endpoint moved.
        (ACCEPTED, "TRAINING_COMPLETED", "resume"),
        (ACCEPTED, "STARTING", "resume"),
        (ACCEPTED, "RUNNING", "resume"),
        (ACCEPTED, "STOPPED", "resume"),
        (ACCEPTED, "FAILED", "none"),
        (ACCEPTED, "DELETING", "none"),
        # Failed or rejected: the same set is never trained twice.
        (ATTEMPT, "TRAINING_FAILED", "none"),
        (REJECTED, "TRAINING_COMPLETED", "none"),
        (REJECTED, "STOPPED", "none"),
    ],
)
def test_an_attempt_is_gone_on_with_or_done(attempt, status, action):
    decision = check(SERVING, version(status), attempt=attempt)
    assert decision.action == action
    if action == "resume":
        assert "v2" in decision.reason
        # Before another is paid: even with new images, even by hand.
        assert check(SERVING, version(status), attempt=attempt, new=99, forced=True).action == "resume"
    else:
        assert check(SERVING, version(status), attempt=attempt, new=99).action == "train"
        assert check(SERVING, version(status), attempt=attempt, forced=True).action == "train"


@pytest.mark.parametrize("attempt", [ATTEMPT, ACCEPTED, REJECTED])
@pytest.mark.parametrize("status", ["RUNNING", "STARTING", "STOPPED"])
def test_a_version_that_is_the_endpoint_is_done(attempt, status):
    assert check(version(status), attempt=attempt, endpoint="arn:v2").action == "none"


@pytest.mark.parametrize("attempt", [ACCEPTED, REJECTED])
def test_a_judged_attempt_whose_version_is_gone_is_done(attempt):
    assert check(SERVING, attempt=attempt).action == "none"
    assert check(SERVING, attempt=attempt, new=10).action == "train"


def test_an_attempt_that_was_recorded_and_not_created_is_gone_on_with():
    decision = check(SERVING, attempt=ATTEMPT)
    assert decision.action == "resume"
    assert "not created yet" in decision.reason


@pytest.mark.parametrize("forced", [True, False])
@pytest.mark.parametrize("attempt", [None, REJECTED])
def test_one_training_at_a_time_whoever_started_it(forced, attempt):
    decision = check(version("TRAINING_IN_PROGRESS", "by-hand"), new=99, forced=forced, attempt=attempt)
    assert decision.action == "none"
    assert "by-hand" in decision.reason


# --- what a deployment means for the last attempt


@pytest.mark.parametrize("attempt", [ATTEMPT, ACCEPTED, REJECTED])
def test_a_deployed_attempt_is_done(attempt):
    assert outcome_after_deployment(attempt, "v2") == "deployed"


@pytest.mark.parametrize("status", ["TRAINING_COMPLETED", "STARTING", "RUNNING", "STOPPED"])
def test_a_rollback_is_not_undone_by_the_next_check(status):
    passed_over = replace(ACCEPTED, outcome=outcome_after_deployment(ACCEPTED, "v0"))
    assert "v0" in passed_over.outcome
    assert check(version("RUNNING", "v0"), version(status), attempt=passed_over, endpoint="arn:v0").action == "none"
    assert check(version(status), attempt=passed_over, endpoint="arn:v0", new=10).action == "train"


@pytest.mark.parametrize("attempt", [ATTEMPT, REJECTED, replace(ATTEMPT, outcome="deployed")])
def test_a_rollback_leaves_any_other_attempt_as_it_is(attempt):
    assert outcome_after_deployment(attempt, "v0") == attempt.outcome


# --- names of versions


def test_a_version_name_is_the_runs_own_and_one_that_rekognition_takes():
    name = version_name("0123456789abcdef", "scheduled__2026-11-23T09:00:00+00:00")
    assert re.fullmatch(r"[a-zA-Z0-9_.\-]{1,255}", name)
    assert name == version_name("0123456789abcdef", "scheduled__2026-11-23T09:00:00+00:00")
    assert name != version_name("0123456789abcdef", "manual__2026-11-23T09:00:00+00:00")
    assert name != version_name("0123456789ab0000"[::-1], "scheduled__2026-11-23T09:00:00+00:00")


def test_a_set_that_was_trained_is_known_by_the_name_of_its_version():
    name = version_name("0123456789abcdef", "scheduled")
    versions = [version("TRAINING_COMPLETED", "by-hand"), version("STOPPED", name)]
    assert trained_before("0123456789abcdef", iter(versions)) == name
    assert trained_before("fedcba9876543210", iter(versions)) is None
    assert trained_before("0123456789abcdef", []) is None
