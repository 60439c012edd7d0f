"""Which images look alike, and when that says nothing."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.alike import Groups, alike_to, are_of_one_scene, count_groups
from label_loop.payloads import LabelledImage


def image(content, bits=None, label="cat"):
    """Return an image; ``bits`` are those of its difference hash, None if it has none."""
    return LabelledImage(f"k{content}", label, "", "", str(content), "" if bits is None else f"{bits:016x}")


def test_images_within_four_bits_are_alike_and_others_are_not():
    groups = Groups(by_look=True)
    first = image(1, 0)
    groups.start(first, None)
    assert [group.first for group in groups.of(image(2, 0b1111))] == [first]
    assert groups.of(image(3, 0b11111)) == []
    assert groups.of(image(4, 0b1111 << 60)) != []


def test_only_the_first_image_of_a_group_is_compared_so_that_groups_do_not_creep():
    groups = Groups(by_look=True)
    groups.start(image(1, 0), None)
    (group,) = groups.of(image(2, 0b1111))
    groups.join(group, image(2, 0b1111))
    assert groups.of(image(3, 0b1111_1111)) == []
    assert [one.content for one in group.images] == ["1", "2"]


def test_an_equal_content_belongs_to_its_group_alone():
    groups = Groups(by_look=True)
    groups.start(image(1, 0), "a")
    groups.start(image(2, 0b11), "b")
    assert [group.role for group in groups.of(image(3, 0b1))] == ["a", "b"]
    assert [group.role for group in groups.of(image(2, 0b11))] == ["b"]


def test_without_looks_only_equal_contents_are_alike():
    for groups, look in ((Groups(by_look=False), 0), (Groups(by_look=True), None)):
        groups.start(image(1, look), None)
        assert groups.of(image(2, look)) == []
        assert groups.of(image(1, look)) != []


@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=20), st.integers(0, 2**64 - 1), st.sets(st.integers(0, 63), max_size=6)
)
def test_what_is_found_by_bands_is_what_comparing_all_finds(hashes, look, flipped):
    close = look
    for bit in flipped:
        close ^= 1 << bit
    groups = Groups(by_look=True)
    for number, bits in enumerate([*hashes, close]):
        groups.start(image(number, bits), bits)
    expected = [bits for bits in [*hashes, close] if (bits ^ look).bit_count() <= 4]
    assert [group.role for group in groups.of(image("new", look))] == expected


def test_a_fixed_camera_is_recognized_by_alike_images_of_different_labels():
    chance = random.Random(3)
    scene = chance.getrandbits(64)
    fixed = [image(n, scene ^ 1 << chance.randrange(64), ("ok", "defect")[n % 2]) for n in range(300)]
    free = [image(n, chance.getrandbits(64), ("ok", "defect")[n % 2]) for n in range(300)]
    assert are_of_one_scene(fixed)
    assert not are_of_one_scene(free)
    assert not are_of_one_scene([*free, *fixed[:30]])
    assert not are_of_one_scene([replace(one, label="ok") for one in fixed])  # a burst, as far as one can tell
    assert not are_of_one_scene([])
    assert not are_of_one_scene([image(1), image(2, label="dog")])


def test_groups_are_counted_label_by_label():
    some = [image(1, 0), image(2, 1), image(3, 0, "dog"), image(4, 2**64 - 1), image(5, 2, "dog")]
    assert count_groups(some, by_look=True) == 3
    assert count_groups(some, by_look=False) == 5


def test_images_are_alike_to_others_of_their_label():
    images = [image(1, 0), image(2, 2**32 - 1), image(3, 2**64 - 1), image(4, 2**16 - 1, "dog"), image(5)]
    others = [image("a", 1), image(5), image(2, None, "dog"), image("b", 2**16 - 1), image("c", 0, "owl")]
    assert alike_to(others, images, by_look=True) == {"1", "5"}
    assert alike_to(others, images, by_look=False) == {"5"}
    assert alike_to(others, [], by_look=True) == set()
