"""Reviews in the Airflow UI: whoever does what in whatever order, each is answered as often as asked, and once."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.labels import leading_label
from label_loop.domain.review_queue import (
    LEASE_SECONDS,
    UNDO_SECONDS,
    Review,
    Stage,
    answered,
    is_due,
    leased,
    may_take,
    output,
    output_key,
    released,
    skipped,
    undone,
)
from label_loop.domain.reviews import parse_answer
from label_loop.exceptions import ReviewTakenError
from label_loop.payloads import NONE_OF_THE_ABOVE, ReviewTask

TASK = ReviewTask(
    "5f0c6b1e-0000-4000-8000-000000000000", "A2I Workflow", "s3://b/images_for_detection/a.png", "cat", 41.5
)
NOW = 1_795_000_000.0  # 2026-11-18 11:06:40 UTC
_LABELS = st.sampled_from(["cat", "dog", "ü & co", "<b>", NONE_OF_THE_ABOVE])


def review(**how) -> Review:
    return Review("label-loop-x", TASK, NOW, **how)


def test_a_lease_keeps_a_review_from_others_until_it_ends():
    mine = leased(review(), "ann", NOW)
    assert may_take(mine, "ann", NOW)
    assert not may_take(mine, "bob", NOW + LEASE_SECONDS - 1)
    assert may_take(mine, "bob", NOW + LEASE_SECONDS)


def test_a_review_that_was_given_back_is_anybodys():
    assert may_take(released(leased(review(), "ann", NOW), "ann"), "bob", NOW)


def test_nobody_gives_back_what_is_another_reviewers():
    mine = leased(review(), "ann", NOW)
    assert released(mine, "bob") is mine


def test_a_skipped_review_is_for_others_only():
    left = skipped(leased(review(), "ann", NOW), "ann")
    assert not may_take(left, "ann", NOW)
    assert may_take(left, "bob", NOW)


def test_one_answer_is_held_for_a_while_and_then_due():
    one = answered(review(), "ann", "dog", NOW, 1)
    assert one.stage is Stage.HELD
    assert not is_due(one, NOW + UNDO_SECONDS - 0.1)
    assert is_due(one, NOW + UNDO_SECONDS)


def test_an_answer_taken_back_leaves_the_review_open_and_mine():
    back = undone(answered(review(), "ann", "dog", NOW, 1), "ann", NOW + 1)
    assert (back.stage, back.answers, back.leased_by) == (Stage.OPEN, (), "ann")
    assert not is_due(back, NOW + 1000)


@pytest.mark.parametrize("stage", [Stage.SETTLING, Stage.DONE])
def test_an_answer_that_counts_cannot_be_taken_back(stage):
    counted = answered(review(), "ann", "dog", NOW, 1).changed(stage=stage)
    with pytest.raises(ReviewTakenError, match="10 seconds"):
        undone(counted, "ann", NOW)


def test_only_ones_own_answer_is_taken_back():
    with pytest.raises(ReviewTakenError):
        undone(answered(review(), "ann", "dog", NOW, 1), "bob", NOW)


def test_an_answer_to_what_another_has_now_is_refused():
    theirs = leased(review(), "bob", NOW)
    with pytest.raises(ReviewTakenError, match="Somebody else is reviewing this image now"):
        answered(theirs, "ann", "dog", NOW, 1)


def test_an_answer_after_ones_lease_ended_counts_where_nobody_took_it():
    late = leased(review(), "ann", NOW)
    assert answered(late, "ann", "dog", NOW + 10 * LEASE_SECONDS, 1).stage is Stage.HELD


def test_what_is_sent_twice_is_done_once():
    once = answered(review(), "ann", "dog", NOW, 1)
    assert answered(once, "ann", "dog", NOW + 1, 1) is once
    back = undone(once, "ann", NOW + 1)
    again = undone(back, "ann", NOW + 2)
    assert (again.stage, again.answers, again.leased_by) == (Stage.OPEN, (), "ann")
    with pytest.raises(ReviewTakenError):
        undone(back, "bob", NOW + 2)


def test_nobody_answers_twice():
    once = answered(review(), "ann", "dog", NOW, 2)
    assert once.stage is Stage.OPEN
    with pytest.raises(ReviewTakenError, match="already"):
        answered(once, "ann", "cat", NOW, 2)


@pytest.mark.parametrize(
    ("labels", "wanted", "leads"),
    [
        (["a"], 1, "a"),
        (["a"], 2, None),
        (["a", "b"], 2, None),
        (["a", "b", "a"], 2, "a"),
        (["a", "b", "c"], 3, None),
        (["a", "b", "c", "b"], 3, "b"),
        (["a", "a", "b", "b"], 3, None),
        (["a", "a", "b"], 3, "a"),
    ],
)
def test_the_majority_of_enough_answers_leads_and_a_tie_asks_one_more(labels, wanted, leads):
    assert leading_label(labels, wanted) == leads


@given(st.lists(_LABELS, min_size=1, max_size=12), st.integers(1, 9))
def test_what_is_held_has_one_leader_which_the_written_answer_tells(labels, wanted):
    now_at = review()
    for number, label in enumerate(labels):
        if now_at.stage is not Stage.OPEN:
            break
        now_at = answered(now_at, f"r{number}", label, NOW + number, wanted)
    given_labels = Counter(answer.label for answer in now_at.answers)
    if now_at.stage is Stage.HELD:
        (first, times), *others = given_labels.most_common()
        assert all(times > other for _, other in others)
        assert sum(given_labels.values()) >= wanted
        told = parse_answer(_json(output(now_at)))
        assert told.label == (None if first == NONE_OF_THE_ABOVE else first)
        assert told.detection_id == TASK.detection_id
        assert told.answered_at.endswith("Z")
    else:
        assert leading_label([answer.label for answer in now_at.answers], wanted) is None


_ACTIONS = st.tuples(
    st.sampled_from(["take", "answer", "undo", "skip", "release", "wait"]),
    st.sampled_from("abc"),
    st.sampled_from("xy"),
)


@given(st.lists(_ACTIONS, max_size=40), st.integers(1, 3))
def test_in_any_order_of_things_answers_are_each_reviewers_own_and_revisions_grow(actions, wanted):
    now, state = NOW, review()
    for action, who, label in actions:
        before = state
        try:
            if action == "take" and may_take(state, who, now):
                state = leased(state, who, now)
            elif action == "answer":
                state = answered(state, who, label, now, wanted)
            elif action == "undo":
                state = undone(state, who, now)
            elif action == "skip":
                state = skipped(state, who)
            elif action == "release":
                state = released(state, who)
            else:
                now += LEASE_SECONDS / 3
        except ReviewTakenError:
            assert state == before
        assert state is before or state.revision == before.revision + 1
        reviewers = [answer.reviewer for answer in state.answers]
        assert len(set(reviewers)) == len(reviewers)
        assert (state.stage is Stage.HELD) == (leading_label([a.label for a in state.answers], wanted) is not None)


def test_the_answers_file_is_where_a2i_puts_it_and_always_the_same():
    assert output_key(review()) == "a2i-human-loop-data/airflow/2026/11/18/11/06/40/label-loop-x/output.json"
    assert output_key(review()) == output_key(answered(review(), "ann", "dog", NOW + 500, 1))


def _json(value) -> bytes:
    return json.dumps(value).encode()
