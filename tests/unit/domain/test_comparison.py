"""Whether a challenger is deployed, by the images on which it and the champion differ."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.testing.settings import DEFAULTS

from label_loop.domain.comparison import Comparison, LabelComparison, compare, judge, without_a_person
from label_loop.domain.evaluated_images import EvaluatedImage
from label_loop.payloads import LabelledImage, Labelling


def image(content, label, guess, key="k", who=""):
    return EvaluatedImage(LabelledImage(key, label, "", "", content, labelling=Labelling(who)), guess, 50.0)


def comparison(**labels):
    """Make a comparison of labels: (gained, lost, pairs), the champion was right on all but what was gained."""
    return Comparison(
        {name: LabelComparison(gained, lost, pairs, pairs - gained) for name, (gained, lost, pairs) in labels.items()}
    )


def test_images_are_paired_by_content_and_counted_under_the_label_they_have_now():
    champion = [image("1", "cat", "cat"), image("2", "cat", "dog"), image("3", "dog", "dog"), image("4", "dog", "dog")]
    challenger = [
        image("1", "cat", "dog", key="moved"),
        image("2", "cat", "cat"),
        image("3", "cat", "cat"),  # a corrected label: the champion was wrong
        image("5", "dog", "dog"),  # the champion was not tested with it
    ]
    found = compare(challenger, champion, set())
    assert found.by_label == {"cat": LabelComparison(gained=2, lost=1, pairs=3, champion_right=1)}
    assert (found.gained, found.lost, found.pairs) == (2, 1, 3)


def test_what_either_was_trained_with_says_nothing():
    both = [image(str(number), "cat", "cat") for number in range(5)]
    assert compare(both, both, {"1", "2"}).pairs == 3


def test_a_label_that_the_champion_never_saw_is_left_out():
    champion = [image("1", "cat", "cat"), image("2", "cat", "cat")]
    challenger = [image("1", "cat", "cat"), image("2", "owl", "owl")]
    assert compare(challenger, champion, set()).pairs == 1


def test_equal_content_counts_once_and_unknown_content_not_at_all():
    champion = [image("1", "cat", "cat"), image("1", "cat", "cat"), image("", "cat", "cat")]
    assert compare([*champion, *champion], champion, set()).pairs == 1


@pytest.mark.parametrize(
    ("labels", "action", "words"),
    [
        ({"a": (14, 3, 100), "b": (0, 0, 100)}, "deploy", "better on 14 of 200 test images, worse on 3"),
        ({"a": (0, 0, 200)}, "deploy", "better on 0 of 200"),
        ({"a": (0, 8, 20), "b": (9, 0, 180)}, "hold", "it has lost a: better on 9 of 200"),
        ({f"l{n}": (1, 3, 40) for n in range(10)}, "hold", "worse by more than 2 points"),
        ({"a": (1, 3, 100), "b": (3, 3, 100)}, "ask", "it may be worse by more than 2 points"),
        ({"a": (0, 3, 9), "b": (6, 0, 191)}, "ask", "it may have lost a: better on 6 of 200"),
        ({"a": (1, 1, 60)}, "ask", "only 60 test images compare the two"),
        ({"a": (6, 0, 60)}, "deploy", "better on 6 of 60"),
        ({}, "ask", "only 0 test images compare the two"),
    ],
)
def test_a_challenger_is_deployed_held_or_asked_about(labels, action, words):
    verdict = judge(comparison(**labels), None, DEFAULTS)
    assert verdict.action == action
    assert words in verdict.reason


def test_the_sentence_names_labels_that_were_lost_with_how_many():
    text = str(comparison(cat=(1, 8, 20), dog=(5, 0, 80), owl=(0, 5, 5)))
    assert text == "better on 6 of 105 test images, worse on 13; cat lost 8 of 19 and gained 1; owl lost 5 of 5"


def test_a_wider_margin_accepts_more():
    slightly_worse = comparison(a=(2, 5, 200))
    assert judge(slightly_worse, None, DEFAULTS).action == "ask"
    assert judge(slightly_worse, None, replace(DEFAULTS, challenger_margin=0.1)).action == "deploy"


@pytest.mark.parametrize(
    ("labels", "action"),
    [
        ({}, "deploy"),  # nothing speaks against it
        ({"a": (1, 1, 60)}, "deploy"),
        ({"a": (1, 2, 60)}, "hold"),
        ({"a": (0, 3, 9), "b": (6, 0, 191)}, "hold"),
    ],
)
def test_without_a_person_what_is_no_worse_is_deployed(labels, action):
    found = comparison(**labels)
    verdict = judge(found, None, DEFAULTS)
    assert verdict.action == "ask"
    assert without_a_person(verdict, found, None) == replace(verdict, action=action)


def test_a_sure_verdict_needs_no_person():
    sure = comparison(a=(14, 3, 200))
    assert without_a_person(judge(sure, None, DEFAULTS), sure, None) == judge(sure, None, DEFAULTS)


def test_small_losses_do_not_add_up():
    than_champion, than_best = comparison(a=(3, 3, 200)), comparison(a=(2, 8, 200))
    verdict = judge(than_champion, than_best, DEFAULTS)
    assert verdict.action == "ask"
    assert "worse than the best version by more than 2 points: better on 2 of 200" in verdict.reason
    assert without_a_person(verdict, than_champion, than_best).action == "hold"
    assert judge(than_champion, comparison(a=(8, 2, 200)), DEFAULTS).action == "deploy"


def test_enough_human_samples_decide_how_good_a_version_is_as_a_whole():
    even = comparison(cat=(10, 10, 150))
    better, worse = comparison(cat=(10, 0, 100)), comparison(cat=(0, 10, 100))
    assert judge(even, None, DEFAULTS).action == "ask"
    assert judge(even, None, DEFAULTS, better).action == "deploy"
    held = judge(even, None, DEFAULTS, worse)
    assert held.action == "hold"
    assert held.reason.endswith("worse on 10; better on 0 of 100 human samples, worse on 10")
    few = comparison(cat=(0, 10, 99))
    assert judge(even, None, DEFAULTS, few) == judge(even, None, DEFAULTS)


# --- one person


def of_people(*parts):
    """Compare versions on images: (who, label, how many, is the challenger right, is the champion right)."""
    challenger, champion = [], []
    for number, (who, label, count, *right) in enumerate(parts):
        for guesses, is_right in zip((challenger, champion), right, strict=True):
            guess = label if is_right else "?"
            guesses += [image(f"{number}-{n}", label, guess, who=who) for n in range(count)]
    return compare(challenger, champion, set())


HONEST = (("ann", "cat", 40, True, True), ("bob", "dog", 40, True, True))
MALLORYS = ("mallory", "cat", 30, True, False)


def test_what_rests_on_the_labels_of_one_person_is_asked_and_names_nobody():
    found = of_people(*HONEST, ("ann", "cat", 10, False, True), MALLORYS, ("mallory", "dog", 20, True, False))
    assert judge(replace(found, by_person={}), None, DEFAULTS).action == "deploy"
    verdict = judge(found, None, DEFAULTS)
    assert verdict.action == "ask"
    assert verdict.reason.startswith("without the test labels of one reviewer it would be held, since it has lost cat")
    assert "mallory" not in verdict.reason
    assert without_a_person(verdict, found, None).action == "hold"


def test_images_labelled_by_hand_are_of_one_more_person():
    by_hand = [(who if who != "mallory" else "", *rest) for who, *rest in (*HONEST, MALLORYS)]
    verdict = judge(of_people(*by_hand, ("ann", "cat", 10, False, True)), None, DEFAULTS)
    assert verdict.action == "ask"
    assert "without the test labels that were given by hand it would be held" in verdict.reason


@pytest.mark.parametrize("who", ["", "ann", "ann+bob"])
def test_a_loop_in_which_one_person_or_all_together_label_is_not_asked_for_that(who):
    found = of_people((who, "cat", 40, True, True), (who, "cat", 10, False, True), (who, "cat", 30, True, False))
    assert judge(replace(found, by_person={}), None, DEFAULTS).action == "deploy"
    assert judge(found, None, DEFAULTS).action == "deploy"


def test_the_rule_holds_for_the_best_version_and_the_human_samples_too():
    even = of_people(*HONEST, ("mallory", "cat", 30, True, True))
    worse = of_people(*HONEST, ("ann", "cat", 10, False, True), MALLORYS)
    better = of_people(*HONEST, ("ann", "dog", 30, True, False), MALLORYS)
    assert judge(better, None, DEFAULTS, None).action == "deploy"
    samples = of_people(
        ("ann", "cat", 80, True, True), ("ann", "cat", 6, False, True), ("mallory", "cat", 30, True, False)
    )
    assert judge(better, None, DEFAULTS, samples).rests_on_one
    assert judge(even, None, DEFAULTS) == judge(even, even, DEFAULTS)
    assert judge(worse, None, DEFAULTS).rests_on_one


PARTS = st.lists(
    st.tuples(
        st.sampled_from(["", "ann", "bob", "ann+bob"]), st.sampled_from(["cat", "dog"]), st.integers(1, 60),
        st.booleans(), st.booleans(),
    ),
    max_size=8,
)  # fmt: skip


@given(parts=PARTS)
def test_to_drop_a_person_is_to_compare_without_their_images(parts):
    found = of_people(*parts)
    assert found.by_person.keys() == {who for who, *_ in parts if "+" not in who}
    for who in found.by_person:
        assert found.without(who).by_label == of_people(*(part for part in parts if part[0] != who)).by_label
    assert found.without("nobody").by_label == found.by_label


@given(parts=PARTS)
def test_nothing_is_deployed_that_any_one_person_could_have_covered_up(parts):
    found = of_people(*parts)
    verdict = judge(found, None, DEFAULTS)
    on_all = judge(replace(found, by_person={}), None, DEFAULTS)
    held = [judge(found.without(who), None, DEFAULTS).action == "hold" for who in found.by_person]
    if on_all.action == "hold":
        assert verdict == on_all
    elif any(held):
        assert (verdict.action, verdict.rests_on_one) == ("ask", True)
        assert without_a_person(verdict, found, None).action == "hold"
    else:
        assert verdict == on_all
