"""Gold images tell whose answers cannot be trusted; alpha tells how far people agree."""

import itertools
import math
import uuid

import pytest
from bench.reviewers import measure
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.reviewers import (
    ACCEPTED_ERROR,
    REPORTED_AT,
    GoldAnswer,
    GoldImage,
    Reviewer,
    agreement,
    evidence,
    gold_id,
    gold_review,
    suspected,
)
from label_loop.payloads import NONE_OF_THE_ABOVE

CAT = GoldImage("images_for_gold/cat/a.png", "cat")


def answers(*are_right: bool) -> Reviewer:
    return Reviewer("ann", tuple(GoldAnswer(str(n), right, float(n)) for n, right in enumerate(are_right)))


def test_a_bad_reviewer_is_reported_soon_and_a_good_one_hardly_ever():
    assert [figure for figure in measure(200) if not figure.holds] == []


@given(st.floats(0, ACCEPTED_ERROR), st.integers(1, 8))
def test_who_is_as_good_as_expected_gains_no_evidence_on_average(error, count):
    mean = 0.0
    for outcome in itertools.product((True, False), repeat=count):
        chance = math.prod(1 - error if right else error for right in outcome)
        mean += chance * list(evidence(outcome))[-1]
    assert mean <= 1 + 1e-9


def test_evidence_that_was_reached_once_counts_whatever_comes_later():
    bad_then_good = answers(*[False] * 5, *[True] * 200)
    assert list(evidence(one.is_right for one in bad_then_good.answers))[-1] < REPORTED_AT
    assert bad_then_good.is_suspect
    assert not answers(*[True] * 100, False, False).is_suspect


def test_each_gold_image_counts_once_and_an_undone_answer_not_at_all():
    person = Reviewer("ann").with_answer(GoldAnswer(gold_id(CAT), False, 1.0))
    assert person.with_answer(GoldAnswer(gold_id(CAT), True, 2.0)).wrong == 0
    assert person.without_answer(gold_id(CAT)).answers == ()
    assert person.unseen([CAT]) == []
    relabelled = GoldImage(CAT.key, "dog")
    assert person.unseen([CAT, relabelled]) == [relabelled]


def test_a_gold_image_looks_like_any_other():
    review = gold_review(CAT, "bucket", "ann", 1.0)
    id_ = review.name.removeprefix("label-loop-")
    assert str(uuid.UUID(id_)) == id_
    assert review.task.source == "Human Sampling"
    assert review == gold_review(CAT, "bucket", "ann", 1.0)
    assert review.name != gold_review(CAT, "bucket", "bob", 1.0).name


def test_the_message_says_how_many_are_wrong():
    event = suspected(answers(False, False, True))
    assert event.kind == "quality"
    assert "2 of 3" in event.text


# Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), section C: nominal data, three observers.
PAPER = [
    ["1"], [], ["2", "2"], ["1", "1"], ["3", "3"], ["3", "3", "4"], ["4", "4", "4"], ["1", "3"], ["2", "2"],
    ["1", "1"], ["1", "1"], ["3", "3"], ["3", "3"], [], ["3", "4"],
]  # fmt: skip


@pytest.mark.parametrize(
    ("given_", "alpha"),
    [
        (PAPER, 0.691),
        ([["cat", "Cat"], ["dog", "dog"]], 1.0),
        ([["cat", "dog"], ["dog", "cat"]], -0.5),
        ([["cat", "cat"]], None),
        ([["cat"], []], None),
        ([["cat", NONE_OF_THE_ABOVE], ["cat", "cat"]], 0.0),
    ],
)
def test_alpha_is_what_its_author_computes(given_, alpha):
    assert agreement(given_) == (None if alpha is None else pytest.approx(alpha, abs=0.001))
