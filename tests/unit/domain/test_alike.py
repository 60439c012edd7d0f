"""Which images look alike, and when that says nothing."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.testing.looks import look, varied

from label_loop.domain.alike import Groups, alike_to, are_of_one_scene, count_groups
from label_loop.payloads import LabelledImage

A, B, C = look(1), look(2), look(3)
NEAR_A = varied(A, 8)
BLACK, WHITE = "0" * 64, "f" * 64


def image(content, looks="", label="cat"):
    return LabelledImage(f"k{content}", label, "", "", str(content), looks)


def group_of(*images):
    groups = Groups(by_look=True)
    for one in images:
        groups.start(one, one.content)
    return groups


def test_pictures_are_alike_if_their_areas_hardly_differ():
    groups = group_of(image(1, A))
    assert [group.role for group in groups.of(image(2, NEAR_A))] == ["1"]
    assert groups.of(image(3, varied(A, 16, 4))) == []
    assert groups.of(image(4, B)) == []


def test_pictures_of_one_colour_are_alike_and_like_no_other():
    groups = group_of(image(1, BLACK), image(2, A))
    assert [group.role for group in groups.of(image(3, WHITE))] == ["1"]
    assert [group.role for group in groups.of(image(4, A))] == ["2"]


def test_only_the_first_image_of_a_group_is_compared_so_that_groups_do_not_creep():
    groups = group_of(image(1, A))
    near = varied(A, 16, 2)
    (group,) = groups.of(image(2, near))
    groups.join(group, image(2, near))
    assert groups.of(image(3, varied(A, 16, 4))) == []
    assert [one.content for one in group.images] == ["1", "2"]


def test_an_equal_content_belongs_to_its_group_alone():
    groups = group_of(image(1, A), image(2, NEAR_A))
    assert [group.role for group in groups.of(image(3, varied(A, 4)))] == ["1", "2"]
    assert [group.role for group in groups.of(image(2, NEAR_A))] == ["2"]


def test_without_looks_only_equal_contents_are_alike():
    for groups, looks in ((Groups(by_look=False), A), (Groups(by_look=True), "")):
        groups.start(image(1, looks), None)
        assert groups.of(image(2, looks)) == []
        assert groups.of(image(1, looks)) != []


@given(st.integers(0, 2**32), st.integers(0, 64), st.integers(1, 3))
def test_what_steps_find_is_alike_in_either_direction(seed, areas, levels):
    one, other = image(1, look(seed)), image(2, varied(look(seed), areas, levels))
    assert bool(group_of(one).of(other)) == bool(group_of(other).of(one))
    assert group_of(one).of(replace(one, content="new")) != []


def test_a_fixed_camera_is_recognized_by_alike_images_of_different_labels():
    chance = random.Random(3)
    fixed = [image(look(1_000 + n), varied(A, chance.randrange(8)), ("ok", "defect")[n % 2]) for n in range(300)]
    free = [image(f"{look(n)}", look(10 + n), ("ok", "defect")[n % 2]) for n in range(300)]
    assert are_of_one_scene(fixed)
    assert not are_of_one_scene(free)
    assert not are_of_one_scene([*free, *fixed[:30]])
    assert not are_of_one_scene([replace(one, label="ok") for one in fixed])  # a burst, as far as one can tell
    assert not are_of_one_scene([])
    assert not are_of_one_scene([image(1), image(2, label="dog")])


def test_groups_are_counted_label_by_label():
    some = [image(1, A), image(2, NEAR_A), image(3, A, "dog"), image(4, B), image(5, NEAR_A, "dog")]
    assert count_groups(some, by_look=True) == 3
    assert count_groups(some, by_look=False) == 5


def test_images_are_alike_to_others_of_their_label():
    images = [image(1, A), image(2, B), image(3, C), image(4, B, "dog"), image(5)]
    others = [image("a", NEAR_A), image(5), image(2, "", "dog"), image("b", C, "dog"), image("c", A, "owl")]
    assert alike_to(others, images, by_look=True) == {"1", "5"}
    assert alike_to(others, images, by_look=False) == {"5"}
    assert alike_to(others, [], by_look=True) == set()
