"""What a bake leads to: the exact test, what is counted, when it ends, and what a return leaves behind."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from label_loop.domain.bake import Share, after_return, bake_of, days_to_read, excess_p_value, is_higher, look
from label_loop.domain.insight import DailyCounts
from label_loop.domain.moments import timestamp
from label_loop.domain.training import ACCEPTED, APPROVED, ASKED, DEPLOYED, HELD, RETURNED, decide_training
from label_loop.loop_state import LoopState
from label_loop.payloads import Bake, ProjectVersion, TrainingAttempt

DEPLOYED_AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
PROJECT = "arn:aws:rekognition:eu-west-1:1:project/p"
V1, V2 = f"{PROJECT}/version/v1/1", f"{PROJECT}/version/v2/2"
BAKE = Bake("v2", V2, "v1", V1, timestamp(DEPLOYED_AT))
ATTEMPT = TrainingAttempt("v2", "m", 20, "f", BAKE.since, outcome=DEPLOYED)
NEW = ProjectVersion(V2, "v2", "RUNNING")


def shares() -> st.SearchStrategy[Share]:
    return st.integers(0, 400).flatmap(lambda whole: st.builds(Share, st.integers(0, whole), st.just(whole)))


@given(new=shares(), former=shares())
@example(Share(20, 20), Share(0, 400))
@example(Share(1, 1), Share(0, 1))
def test_the_chance_is_that_of_fishers_exact_test(new: Share, former: Share) -> None:
    found = excess_p_value(new, former)
    is_more = former.whole and new.whole and new.part / new.whole > former.part / former.whole
    if not is_more:
        assert found == 1
        return
    table = [[new.part, new.whole - new.part], [former.part, former.whole - former.part]]
    assert found == pytest.approx(fisher_exact(table, alternative="greater").pvalue, rel=1e-7)


def test_large_counts_are_no_problem() -> None:
    assert excess_p_value(Share(1, 100_000), Share(150_000, 300_000)) == 1
    assert excess_p_value(Share(50_000, 100_000), Share(0, 300_000)) < 1e-300
    table = [[1100, 98_900], [3000, 297_000]]
    expected = fisher_exact(table, alternative="greater").pvalue
    assert excess_p_value(Share(1100, 100_000), Share(3000, 300_000)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("new", "former", "higher"),
    [
        ((30, 100), (2, 700), True),
        ((6, 20), (0, 700), True),
        ((19, 19), (0, 700), False),  # too few to say
        ((20, 20), (0, 0), False),  # nothing to compare with
        ((5, 100), (35, 700), False),
        ((4, 100), (0, 700), False),  # p is 0.0002: enough for one look, but not for the eighth
        ((0, 1000), (700, 700), False),
    ],
)
def test_a_share_is_higher_only_for_sure(new: tuple[int, int], former: tuple[int, int], higher: bool) -> None:
    assert is_higher(Share(*new), Share(*former)) == higher


def day(version: str, offset: int = 0, **counts: int) -> DailyCounts:
    on = (DEPLOYED_AT + timedelta(days=offset)).date().isoformat()
    return DailyCounts(on, version, Counter({"detections": 0, **counts}))


def judged(*days: DailyCounts, hours: float = 1, lasts: int = 24, at_failures: bool = True) -> Any:
    return look(BAKE, days, lasts, DEPLOYED_AT + timedelta(hours=hours), at_failures=at_failures)


def test_uploads_that_fail_more_often_have_the_former_version_return() -> None:
    verdict = judged(
        day("v1", -3, detections=400, given_up=2), day("v1", detections=298), day("v2", detections=70, given_up=30)
    )
    assert verdict == ("return", "30 of 100 uploads failed since it serves, and 2 of 700 of v1 before")


def test_unreadable_images_say_nothing_about_a_version() -> None:
    assert judged(day("v1", -1, detections=700), day("v2", detections=70, failed=300)).action == "wait"


def test_what_the_version_did_when_it_served_before_does_not_count() -> None:
    assert judged(day("v1", -1, detections=700), day("v2", -2, detections=70, given_up=30)).action == "wait"


@pytest.mark.parametrize(
    ("former", "new", "reason"),
    [
        (
            {'label [""]': 7},
            {'label [""]': 20},
            "20 of 100 detections had no label since it serves, and 7 of 700 of v1",
        ),
        ({"accepted": 690}, {"accepted": 60}, "40 of 100 detections were not accepted since it serves, and 10 of 700 "),
        (
            {"accepted": 700, "sample_answered": 100, "sample_agreed": 95},
            {"accepted": 100, "sample_answered": 30, "sample_agreed": 15},
            "15 of 30 human samples were wrong since it serves, and 5 of 100 of v1 before",
        ),
    ],
)
def test_a_share_that_jumps_is_a_persons_to_judge(former: Any, new: Any, reason: str) -> None:
    days = (
        day("v1", -1, **{"detections": 700, "accepted": 700, **former}),
        day("v2", **{"detections": 100, "accepted": 100, **new}),
    )
    verdict = judged(*days, at_failures=False)
    assert verdict.action == "ask"
    assert verdict.reason.startswith(reason)
    assert judged(*days).action == "wait"  # by itself, it never returns for that


def test_a_rise_that_is_sure_and_small_asks_nobody() -> None:
    days = (day("v1", -1, detections=100_000, accepted=99_000), day("v2", detections=100_000, accepted=95_000))
    assert judged(*days, at_failures=False).action == "wait"


@pytest.mark.parametrize(
    ("uploads", "hours", "lasts", "action"),
    [
        (100, 23.9, 24, "wait"),
        (20, 24, 24, "end"),
        (19, 24, 24, "wait"),  # prolonged until there are enough
        (19, 167.9, 24, "wait"),
        (19, 168, 24, "end"),  # and not for ever
        (100, 1, 0, "end"),  # switched off
        (0, 1, 0, "end"),
        (100, 100, 168, "wait"),
    ],
)
def test_it_ends_in_time_and_with_enough_uploads(uploads: int, hours: float, lasts: int, action: str) -> None:
    for at_failures in (True, False):
        verdict = judged(
            day("v2", detections=uploads, accepted=uploads), hours=hours, lasts=lasts, at_failures=at_failures
        )
        assert verdict == (action, f"{uploads} uploads")


def test_seven_days_before_are_read() -> None:
    assert days_to_read(BAKE, date(2026, 11, 24)) == (date(2026, 11, 16), date(2026, 11, 24))


@pytest.mark.parametrize(
    ("outcome", "bakes"), [(ACCEPTED, 1), (APPROVED, 1), (HELD, 0), (ASKED, 0), (DEPLOYED, 0), (None, 0)]
)
def test_what_the_loop_deploys_bakes_and_what_a_person_chose_does_not(outcome: str | None, bakes: int) -> None:
    attempt = TrainingAttempt("v2", "m", 20, "f", BAKE.since, outcome=outcome)
    assert bake_of(attempt, NEW, V1, BAKE.since) == (BAKE if bakes else None)


def test_the_first_version_an_earlier_one_and_a_restart_do_not_bake() -> None:
    attempt = TrainingAttempt("v2", "m", 20, "f", BAKE.since, outcome=ACCEPTED)
    assert bake_of(attempt, NEW, None, BAKE.since) is None
    assert bake_of(attempt, NEW, V2, BAKE.since) is None
    assert bake_of(attempt, ProjectVersion(V1, "v1", "RUNNING"), V2, BAKE.since) is None
    assert bake_of(None, NEW, V1, BAKE.since) is None


def state(**changes: Any) -> LoopState:
    bake = Bake(**{**BAKE.__dict__, "returning": "it failed"})
    return LoopState(
        **{
            "endpoint_arn": V2,
            "current_bake": bake,
            "best_version_arn": V2,
            "last_training_attempt": ATTEMPT,
            **changes,
        }
    )


def test_a_return_is_the_attempts_outcome_and_it_is_not_deployed_again() -> None:
    returned = after_return(state(), "v1")
    attempt = returned.last_training_attempt
    assert attempt
    assert (attempt.outcome, attempt.verdict) == (RETURNED, "returned to v1: it failed")
    assert returned.best_version_arn == V1
    stopped = [ProjectVersion(V2, "v2", "STOPPED")]
    decision = decide_training(
        new_images=0, minimum_untrained_images=10, forced=False, attempt=attempt, versions=stopped, endpoint_arn=V1
    )
    assert decision.action == "none"


@pytest.mark.parametrize(
    ("before", "deployed"),
    [
        (state(), "v3"),
        (state(current_bake=BAKE), "v1"),  # by hand, and for reasons of a person's own
        (state(current_bake=None), "v1"),
        (state(endpoint_arn=V1), "v1"),
    ],
)
def test_no_other_deployment_is_a_return(before: LoopState, deployed: str) -> None:
    assert after_return(before, deployed) == before


def test_a_newer_attempt_keeps_its_outcome() -> None:
    newer = TrainingAttempt("v3", "m", 20, "f", BAKE.since)
    assert after_return(state(last_training_attempt=newer), "v1").last_training_attempt == newer


@given(st.dictionaries(st.sampled_from([*BAKE.__dict__]), st.none() | st.integers() | st.text()))
def test_a_stored_bake_is_read_or_refused(changes: dict[str, Any]) -> None:
    found = Bake.from_json(json.loads(json.dumps({**BAKE.__dict__, **changes})))
    assert found is None or datetime.fromisoformat(found.since).tzinfo
