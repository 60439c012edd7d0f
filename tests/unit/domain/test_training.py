"""When a training starts, with which images, and which set cannot train."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import HOSTILE_TEXT

from label_loop.domain.training import (
    by_label,
    check_set,
    check_test_set,
    decide_training,
    fingerprint,
    labelled_image,
    new_images,
    notes,
    outcome_after_deployment,
    version_name,
)
from label_loop.exceptions import UnusableTrainingSetError
from label_loop.payloads import LABELLED_FOLDER, LabelledImage, ProjectVersion, TrainingAttempt

MODIFIED = "2026-11-23T09:00:00+00:00"


def images(**counts):
    return [
        LabelledImage(f"{LABELLED_FOLDER}{label}/{n}.png", label, MODIFIED)
        for label, count in counts.items()
        for n in range(count)
    ]


# --- which keys are images


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("cat/1.png", "cat"),
        ("cat/1.JPG", "cat"),
        ("cat/1.jpeg", "cat"),
        ("Cat/1.png", "Cat"),
        (" cat/1.png", " cat"),
        ("a b+ü%&/x y+%20.png", "a b+ü%&"),
        ("cat.png/1.png", "cat.png"),
        ("..a/1.png", "..a"),
        ("/1.png", ""),
        (" /1.png", " "),
    ],
)
def test_an_image_in_a_labels_folder(key, label):
    expected = LabelledImage(f"{LABELLED_FOLDER}{key}", label, MODIFIED)
    assert labelled_image(LABELLED_FOLDER, f"{LABELLED_FOLDER}{key}", MODIFIED) == expected


@pytest.mark.parametrize(
    "key",
    [
        "images_labeled_by_folder/",
        "images_labeled_by_folder/cat/",
        "images_labeled_by_folder/1.png",
        "images_labeled_by_folder/cat/more/1.png",
        "images_labeled_by_folder/cat//1.png",
        "images_labeled_by_folder/cat/1.png/",
        "images_labeled_by_folder/cat/readme.txt",
        "images_labeled_by_folder/cat/Thumbs.db",
        "images_labeled_by_folder/cat/1.gif",
        "images_labeled_by_folder/cat/png",
        "images_labeled_by_folder/cat_$folder$",
        "images_labeled_by_folder",
        "",
        # Not under the folder at all.
        "images_for_detection/1.png",
        "cat/1.png",
        "x/images_labeled_by_folder/cat/1.png",
    ],
)
def test_markers_nested_stray_and_other_keys_are_no_images(key):
    assert labelled_image(LABELLED_FOLDER, key, MODIFIED) is None


@given(key=HOSTILE_TEXT)
def test_any_key_is_exactly_an_image_or_none(key):
    image = labelled_image(LABELLED_FOLDER, LABELLED_FOLDER + key, MODIFIED)
    parts = key.split("/")
    is_one = len(parts) == 2 and parts[1].lower().endswith((".png", ".jpg", ".jpeg"))
    assert (image is not None) == is_one
    if image:
        assert (image.key, image.label) == (LABELLED_FOLDER + key, parts[0])


# --- which label they have


def test_images_are_under_the_label_of_their_folder():
    found, labels = by_label([*images(cat=2), *images(**{"cat ": 5})])
    assert found == images(cat=2)
    assert set(labels.refused) == {"cat "}


def test_twins_train_as_one_label_where_they_lie():
    found, labels = by_label([*images(Cat=1), *images(cat=2), *images(dog=1)])
    assert [image.label for image in found] == ["cat", "cat", "cat", "dog"]
    assert [image.key for image in found] == [image.key for image in [*images(Cat=1), *images(cat=2, dog=1)]]
    assert set(labels.twins) == {"Cat"}
    assert notes(LABELLED_FOLDER, labels.twins).keys() == {f"{LABELLED_FOLDER}Cat/"}


def test_test_images_have_the_labels_that_train():
    _, labels = by_label(images(cat=2))
    found, _ = by_label(images(Cat=5), known=labels)
    assert {image.label for image in found} == {"cat"}


# --- which images are new


def test_new_are_other_keys_and_changed_ones():
    trained = images(cat=3)
    changed = replace(trained[0], modified="2026-11-24T09:00:00+00:00")
    added = images(dog=1)
    assert new_images([changed, *trained[1:], *added], trained) == [changed, *added]
    assert new_images(trained, trained) == []
    assert new_images(trained, []) == trained


def test_removed_images_are_not_new():
    assert new_images(images(cat=1), images(cat=5)) == []


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


# --- identities


def test_a_fingerprint_is_the_sets_whatever_its_order():
    one = images(cat=20, dog=20)
    shuffled = random.Random(7).sample(one, len(one))
    assert fingerprint("b", iter(shuffled)) == fingerprint("b", one)


@pytest.mark.parametrize(
    "other",
    [
        images(cat=2, dog=1),
        images(cat=2, dog=3),
        [replace(images(cat=2, dog=2)[0], label="dog"), *images(cat=2, dog=2)[1:]],
        [replace(images(cat=2, dog=2)[0], modified="2027"), *images(cat=2, dog=2)[1:]],
        [],
    ],
)
def test_another_set_has_another_fingerprint(other):
    assert fingerprint("b", other) != fingerprint("b", images(cat=2, dog=2))


def test_the_same_keys_in_another_bucket_are_another_set():
    assert fingerprint("b", images(cat=2)) != fingerprint("b2", images(cat=2))


SETS = st.lists(st.builds(LabelledImage, HOSTILE_TEXT, HOSTILE_TEXT, st.just(MODIFIED)), unique=True, max_size=4)


@given(one=SETS, two=SETS, data=st.data())
def test_fingerprints_are_equal_exactly_for_equal_sets(one, two, data):
    assert fingerprint("b", data.draw(st.permutations(one))) == fingerprint("b", one)
    assert (fingerprint("b", one) == fingerprint("b", two)) == (set(one) == set(two))


def test_a_version_name_is_the_runs_own_and_one_that_rekognition_takes():
    import re

    name = version_name("0123456789abcdef", "scheduled__2026-11-23T09:00:00+00:00")
    assert re.fullmatch(r"[a-zA-Z0-9_.\-]{1,255}", name)
    assert name == version_name("0123456789abcdef", "scheduled__2026-11-23T09:00:00+00:00")
    assert name != version_name("0123456789abcdef", "manual__2026-11-23T09:00:00+00:00")
    assert name != version_name("0123456789ab0000"[::-1], "scheduled__2026-11-23T09:00:00+00:00")


# --- sets that cannot train


def test_a_good_set_is_counted():
    assert check_set(iter(images(cat=2, dog=3)), has_test_set=False) == {"cat": 2, "dog": 3}
    assert check_set(images(cat=1, dog=1), has_test_set=True) == {"cat": 1, "dog": 1}
    assert len(check_set(images(**{f"l{n}": 2 for n in range(250)}), has_test_set=False)) == 250


@pytest.mark.parametrize(
    ("some", "has_test_set", "words"),
    [
        ([], False, "0 label"),
        ([], True, "0 label"),
        (images(cat=10), False, r"1 label\(s\) \(cat\)"),
        (images(cat=10), True, "1 label"),
        (images(**{f"l{n}": 2 for n in range(251)}), False, "251 label"),
        (images(cat=1, dog=5), False, r"only one image \(cat\)"),
        (images(cat=1, dog=1), False, r"only one image \(cat, dog\)"),
    ],
)
def test_a_set_that_cannot_train_says_why(some, has_test_set, words):
    with pytest.raises(UnusableTrainingSetError, match=words) as caught:
        check_set(some, has_test_set=has_test_set)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("labels", "tested"), [("ab", "a"), ("ab", "ab"), ("abc", "ab"), ("abcd", "cd"), ("ab", "axyz")]
)
def test_a_test_set_needs_half_of_the_labels(labels, tested):
    check_test_set(set(labels), images(**dict.fromkeys(tested, 1)))


@pytest.mark.parametrize(("labels", "tested"), [("ab", "xy"), ("abc", "a"), ("abcde", "abxyz")])
def test_a_test_set_with_fewer_labels_says_which_are_missing(labels, tested):
    with pytest.raises(UnusableTrainingSetError, match=f"of the {len(labels)} labels") as caught:
        check_test_set(set(labels), images(**dict.fromkeys(tested, 1)))
    assert "images_for_testing/" in str(caught.value)
    assert sorted(set(labels) - set(tested))[0] in str(caught.value)


def test_too_many_images_are_refused():
    some = images(cat=125_000, dog=125_001)
    with pytest.raises(UnusableTrainingSetError, match="250001 images"):
        check_set(some, has_test_set=False)
    assert check_set(some[:-1], has_test_set=False)["dog"] == 125_000
