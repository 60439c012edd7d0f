"""Which images train and which test."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.testing.looks import look, varied

from label_loop.domain.roles import EarlierRoles, count_new, covers, divide, follows_production
from label_loop.domain.training_images import TrainedImages
from label_loop.payloads import LABELLED_FOLDER, SAMPLE_MARK, TEST_FOLDER, LabelledImage

NOBODY = EarlierRoles.of((), ())
NOTHING = TrainedImages(())


def image(number, label="cat", *, folder=LABELLED_FOLDER, looks=None, content=None):
    """Return an image that arrived as number n, and looks like no other unless told."""
    return LabelledImage(
        f"{folder}{label}/{number:04}.png",
        label,
        f"2026-11-23T09:00:00.{number:06}",
        f"e{number}",
        content or f"{label}{number:x}",
        looks or look(1000 * sum(label.encode()) + number),
    )


def labelled(count, label="cat", start=0):
    return [image(number, label) for number in range(start, start + count)]


def first(labelled_images, core=()):
    return divide(labelled_images, core, NOBODY, NOTHING)


def next_of(division, labelled_images, core=()):
    """Divide again, after a training with what was divided before."""
    roles = EarlierRoles.of(division.training, division.test)
    return divide(labelled_images, core, roles, TrainedImages([*division.training, *division.test]))


def numbers(images):
    return [int(one.key[-8:-4]) for one in images]


def test_every_fifth_group_of_a_label_is_held_out_in_order_of_arrival():
    division = first([*reversed(labelled(12)), *labelled(4, "dog")])
    assert numbers(one for one in division.test) == [4, 9]
    assert len(division.training) == 10 + 4
    assert division.new == 16
    assert division.left_out == {}


def test_nothing_is_held_out_until_half_of_the_labels_would_have_a_test_image():
    division = first([*labelled(12), *labelled(4, "dog"), *labelled(4, "owl")])
    assert (division.test, len(division.training), division.new) == ([], 20, 20)
    enough = next_of(division, [*labelled(15), *labelled(10, "dog"), *labelled(4, "owl")])
    assert numbers(enough.test) == [14, 4, 9]
    others = [image(1, label) for label in ("owl", "fox", "eel")]
    more_labels = next_of(enough, [*labelled(20), *labelled(10, "dog"), *others])
    assert set(enough.test) == set(more_labels.test)


def test_a_role_is_kept_whatever_arrives_or_goes():
    before = first(labelled(12))
    later = labelled(30)[3:]  # three are gone, more have arrived
    after = next_of(before, later)
    assert set(before.test) <= set(after.test)
    assert {one.content for one in before.training} & {one.content for one in after.test} == set()
    assert after.new == 18


def test_a_renamed_or_corrected_image_keeps_its_role():
    before = first([*labelled(5), *labelled(5, "dog")])
    held_out = image(4)
    corrected = replace(held_out, key=f"{LABELLED_FOLDER}dog/x.png", label="dog")
    renamed = replace(image(0), key=f"{LABELLED_FOLDER}cat/renamed.png")
    after = next_of(before, [renamed, *labelled(3, start=1), corrected, *labelled(5, "dog")])
    assert corrected in after.test
    assert renamed in after.training
    assert after.new == 1  # the corrected one


def test_what_people_chose_for_the_test_never_trains():
    core = [image(n, folder=TEST_FOLDER) for n in range(3)]
    copies = [image(100 + n, content=one.content, looks=one.perceptual_hash) for n, one in enumerate(core)]
    division = first([*copies, *labelled(3, start=10)], core)
    assert division.test == core
    assert numbers(division.training) == [10, 11, 12]
    assert division.left_out.keys() == {one.key for one in copies}
    assert division.new == 3


def test_a_test_image_that_trains_already_does_not_test():
    before = first(labelled(3))
    core = replace(image(0), key=f"{TEST_FOLDER}cat/copy.png")
    after = next_of(before, labelled(3), [core])
    assert after.test == []
    assert "with which the model is trained" in after.left_out[core.key]
    moved = next_of(before, labelled(2, start=1), [core])  # a person moved it from one folder to the other
    assert moved.test == [core]


def test_of_alike_images_three_train_and_one_tests():
    scenes = [[image(10 * scene + n, looks=varied(look(scene), n)) for n in range(10)] for scene in range(5)]
    division = first([one for frames in scenes for one in frames])
    assert [len(set(frames) & set(division.training)) for frames in scenes] == [3, 3, 3, 3, 0]
    assert division.test == scenes[4][:1]
    assert len(division.left_out) == 4 * 7 + 9
    assert "at most 3 are trained" in division.left_out[scenes[0][3].key]
    assert division.new == 5


def test_what_looks_like_images_of_both_roles_has_none():
    dark = "02468" * 13  # of which no area is too light to become lighter
    before = first([image(0, looks=dark[:64]), *labelled(4, start=1)])
    (tested,) = before.test
    near = replace(tested, perceptual_hash=varied(dark[:64], 16, 2))
    between = image(50, looks=varied(dark[:64], 16, 1))
    after = next_of(before, [*before.training, near, between])
    assert near in after.test
    assert between.key in after.left_out
    assert between not in after.training


def test_a_content_under_two_labels_is_left_out_under_both():
    twice = [image(1, content="c"), image(1, "dog", content="c")]
    division = first([*twice, *labelled(2, "owl")])
    assert {one.label for one in division.training} == {"owl"}
    assert division.left_out.keys() == {one.key for one in twice}
    assert all("labelled cat and dog" in why for why in division.left_out.values())


def test_images_of_a_fixed_camera_are_alike_only_if_they_are_equal():
    images = [image(n, ("ok", "defect")[n % 2], looks=varied(look(1), n % 8)) for n in range(300)]
    copy = image(300, "ok", looks=look(1), content=images[0].content)
    division = first([*images, copy])
    assert len(division.training) + len(division.test) == 300 + 1
    assert division.left_out == {}


def test_two_hundred_human_samples_test_and_half_of_the_others_train():
    samples = [
        replace(one, key=f"{TEST_FOLDER}cat/{SAMPLE_MARK}{one.key[-8:]}")
        for one in (image(n, folder=TEST_FOLDER) for n in range(600))
    ]
    division = first(labelled(5, "dog"), samples)
    tested = [one for one in division.test if one.label == "cat"]
    trained = [one for one in division.training if one.label == "cat"]
    assert tested[:200] == samples[:200]
    assert len(tested) + len(trained) == 600
    assert 150 < len(trained) < 250
    assert all(map(follows_production, tested))
    assert not any(map(follows_production, [*labelled(3), image(1, folder=TEST_FOLDER)]))
    later = next_of(division, labelled(5, "dog"), samples)
    assert (set(later.test), set(later.training)) == (set(division.test), set(division.training))


def test_no_more_images_of_a_label_are_held_out_than_rekognition_tests():
    division = first(labelled(6_000))
    assert len(division.test) == 1_000
    assert len(division.training) == 5_000


@pytest.mark.parametrize(
    ("tested", "enough"), [((), False), (("a",), False), (("a", "b"), True), (("a", "b", "x"), True)]
)
def test_a_test_set_needs_half_of_the_labels(tested, enough):
    assert covers([image(1, label) for label in tested], [image(2, label) for label in "abcd"]) is enough
    assert not covers([], [])


IMAGES = st.lists(
    st.builds(
        lambda number, label, looks, is_copy: image(number, label, looks=looks, content=looks if is_copy else None),
        st.integers(0, 50),
        st.sampled_from(["cat", "dog"]),
        st.sampled_from([look(1), varied(look(1), 16, 2), varied(look(1), 16, 4), look(2), "0" * 64]),
        st.booleans(),
    ),
    max_size=20,
    unique_by=lambda one: one.key,
)


@given(IMAGES, IMAGES, st.lists(st.integers(0, 50), max_size=3))
def test_no_image_has_two_roles_and_none_is_lost(some, more, chosen):
    core = [image(number, folder=TEST_FOLDER, looks=look(1)) for number in set(chosen)]
    before = first(some, core)
    known = {one.key for one in some}
    everything = [*some, *(one for one in more if one.key not in known)]
    for division, given_images in ((before, some), (next_of(before, everything, core), everything)):
        keys = [one.key for one in (*division.training, *division.test)]
        assert len(keys) == len(set(keys))
        assert {*keys, *division.left_out} == {one.key for one in (*given_images, *core)}
        assert not set(keys) & division.left_out.keys()
        contents = {one.content for one in division.training}
        assert not contents & {one.content for one in division.test}


@given(IMAGES, IMAGES)
def test_a_check_counts_what_a_division_finds_new(some, more):
    before = first(some)
    known = {one.key for one in some}
    everything = [*some, *(one for one in more if one.key not in known)]
    assert count_new(everything, []) == first(everything).new
    assert count_new(some, [*before.training, *before.test]) == next_of(before, some).new == 0
