import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.label_audit import (
    MOST_SUSPECTS,
    LabelAudit,
    PredictedImage,
    SuspectLabel,
    merged,
    still_suspect,
    suspect_labels,
)
from label_loop.payloads import LabelledImage


def image(key: str, label: str, content: str = "") -> LabelledImage:
    return LabelledImage(key, label, "2026-11-30T09:00:00.000000", content=content or f"content of {key}")


def said(key: str, label: str, guess: str, percent: float) -> PredictedImage:
    return PredictedImage(image(key, label), guess, percent, f"detection of {key}")


CATS = [said(f"cat-{n}", "cat", "cat", 80 + n) for n in range(5)]
DOGS = [said(f"dog-{n}", "dog", "dog", 60 + n) for n in range(5)]


def keys(found: list[SuspectLabel]) -> list[str]:
    return [one.key for one in found]


def test_what_contradicts_the_label_as_confidently_as_is_usual_is_suspect() -> None:
    wrong = said("wrong", "dog", "cat", 90)
    unsure = said("unsure", "dog", "cat", 75)
    (found,) = suspect_labels([*CATS, *DOGS, wrong, unsure])
    assert (found.key, found.label, found.likely_label, found.confidence_percent) == ("wrong", "dog", "cat", 90)
    assert (found.threshold_percent, found.score) == (82.0, round(8 / 18, 4))
    assert (found.content, found.detection_id) == ("content of wrong", "detection of wrong")


def test_a_label_of_which_versions_are_never_sure_is_suspected_at_its_own_confidence() -> None:
    assert keys(suspect_labels([*CATS, *DOGS, said("wrong", "cat", "dog", 63)])) == ["wrong"]


def test_who_is_less_than_half_sure_contradicts_nobody() -> None:
    unsure = [said(f"{n}", "cow", "cow", 20) for n in range(5)]
    assert suspect_labels([*CATS, *unsure, said("x", "cat", "cow", 49)]) == []
    assert keys(suspect_labels([*CATS, *unsure, said("x", "cat", "cow", 50)])) == ["x"]


def test_the_likeliest_come_first() -> None:
    wrong = [said("a", "dog", "cat", 84), said("b", "dog", "cat", 99), said("c", "dog", "cat", 91)]
    assert keys(suspect_labels([*CATS, *DOGS, *wrong])) == ["b", "c", "a"]


@pytest.mark.parametrize("guess", ["", "cow", "None of the Above"])
def test_what_no_image_is_labelled_says_nothing(guess: str) -> None:
    assert suspect_labels([*CATS, *DOGS, said("x", "dog", guess, 100)]) == []


def test_a_label_with_a_few_images_has_no_threshold() -> None:
    assert suspect_labels([*CATS, said("only dog", "dog", "dog", 1), said("x", "cat", "dog", 99)]) == []


def test_a_label_is_the_same_however_it_is_written() -> None:
    assert suspect_labels([*CATS, said("x", "Cat", "CAT", 100)]) == []


def test_a_perfect_threshold_leaves_the_surest_score() -> None:
    sure = [said(f"{n}", "cat", "cat", 100) for n in range(1000)]
    found = suspect_labels([*sure, *DOGS, said("x", "dog", "cat", 100)])
    assert [one.score for one in found] == [1.0]


_GUESSES = st.sampled_from(["a", "b", "c", ""])
_PREDICTED = st.lists(st.builds(said, st.uuids().map(str), st.sampled_from("abc"), _GUESSES, st.floats(0, 100)))


@given(_PREDICTED, st.randoms())
def test_only_contradicted_labels_are_suspect_and_the_order_of_the_images_does_not_matter(
    predicted: list[PredictedImage], chance: random.Random
) -> None:
    found = suspect_labels(predicted)
    assert all(one.label != one.likely_label and 0 <= one.score <= 1 for one in found)
    shuffled = list(predicted)
    chance.shuffle(shuffled)
    assert keys(suspect_labels(shuffled)) == keys(found)


def test_an_earlier_suspect_stays_until_its_image_changes_or_is_predicted_again() -> None:
    suspects = [said(key, "dog", "cat", 90) for key in ("kept", "moved", "again", "gone")]
    before = suspect_labels([*CATS, *DOGS, *suspects])
    now = [image("kept", "dog"), image("moved", "cat"), image("again", "dog"), image("new", "dog")]
    assert keys(still_suspect(before, now, ["again"])) == ["kept"]
    changed = [image("kept", "dog", "another content")]
    assert still_suspect(before, changed, []) == []


def test_suspects_are_merged_by_score_and_bounded() -> None:
    many = [SuspectLabel(f"{n}", "a", "", "b", 90, 80, n / 2000) for n in range(MOST_SUSPECTS + 5)]
    found = merged(many, [SuspectLabel("top", "a", "", "b", 90, 80, 1.0)])
    assert len(found) == MOST_SUSPECTS
    assert keys(list(found))[:2] == ["top", f"{MOST_SUSPECTS + 4}"]


def test_an_audit_is_read_as_it_was_written() -> None:
    suspect = SuspectLabel("k/ü\n.png", "4", "c", "9", 98.7, 80.1, 0.93, "d")
    audit = LabelAudit("v3", "2026-11-30T09:00:00+00:00", 50, 30, (suspect,))
    assert LabelAudit.from_json(audit.to_json()) == audit
    assert "1 of 50 audited labels of v3 are likely wrong" in str(audit)
    assert "30 are unaudited" in str(audit)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', b"\xff"])
def test_what_is_no_audit_is_none(text: str | bytes) -> None:
    assert LabelAudit.from_json(text) is None
