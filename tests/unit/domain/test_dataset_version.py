"""A dataset's digest, and how it differs from the one before: shown against a plain comparison of the two."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.dataset_version import (
    Change,
    DatasetImage,
    DatasetRole,
    dataset,
    dataset_key,
    dataset_number,
    digest,
    role_of_test,
)
from label_loop.payloads import LABELLED_FOLDER, SAMPLE_MARK, TEST_FOLDER, LabelledImage


def image(content, label="cat", role=DatasetRole.TRAINING, tests=None, key=None):
    tests = int(role.tests) if tests is None else tests
    return DatasetImage(
        key or f"{LABELLED_FOLDER}{label}/{content}.png", label, role, content * 64, "2026-11-01", tests=tests
    )


def made(images, parent=None, number=2):
    return dataset(
        number,
        "version",
        created_at="2026-11-30",
        images=images,
        left_out={"a": "archived"},
        parent=(parent.header, iter(parent.images)) if parent else None,
    )


IMAGES = st.lists(
    st.builds(image, st.sampled_from("0123456789"), st.sampled_from(["cat", "dog", "c"]), st.sampled_from(DatasetRole)),
    unique_by=lambda one: one.sha256,
)


@given(IMAGES, IMAGES)
def test_a_dataset_knows_how_it_differs_from_the_one_before(before, after):
    parent = made(before, number=1)
    found = made(after, parent)
    old = {one.sha256: one for one in before}
    expected = {one.sha256: _expected(one, old.get(one.sha256)) for one in after}
    assert {one.sha256: one.change for one in found.images} == expected
    assert {one.sha256 for one in found.removed} == old.keys() - expected.keys()
    assert sum(found.header.changes.values()) == sum(map(bool, expected.values())) + len(found.removed)
    assert (found.header.parent_number, found.header.parent_digest) == (1, digest(before))
    assert (digest(before) == digest(after)) == (not sum(found.header.changes.values()))


def _expected(image, before):
    if before is None:
        return Change.ADDED
    if before.label != image.label:
        return Change.RELABELLED
    return Change.MOVED if before.role != image.role else None


@given(IMAGES, st.randoms())
def test_the_digest_is_of_labels_contents_and_roles_whatever_the_order_keys_and_versions(images, random):
    mixed = [replace(one, key=f"x{one.key}", version_id="v", tests=5) for one in images]
    random.shuffle(mixed)
    assert digest(mixed) == digest(images)
    assert digest([*images, image("f")]) != digest(images)


def test_the_digest_keeps_its_parts_apart():
    role = DatasetRole.TRAINING
    assert (
        len({digest([image("a", "b")]), digest([image("a", "ba")]), digest([image("a", "b", DatasetRole.CORE)])}) == 3
    )
    assert digest([replace(image("a"), label="x1"), image("b")]) != digest(
        [image("a"), replace(image("b"), label="x1")]
    )
    assert role == "training"


def test_the_first_dataset_differs_from_nothing():
    header = made([image("a"), image("b", role=DatasetRole.CORE)], number=1).header
    assert (header.parent_number, header.changes) == (None, None)
    assert header.images == {"training": 1, "test/core": 1}
    assert (header.left_out, header.tests) == (1, 1)


def test_test_images_are_counted_by_how_often_they_tested():
    core = DatasetRole.CORE
    current = made([image(one, role=core) for one in "abc"], number=1)
    for number in range(2, 21):
        new = [image("d", role=core), image("e", role=core)] if number > 10 else []
        current = made([*(image(one, role=core) for one in "abc"), *new], current, number)
    assert {one.sha256[0]: one.tests for one in current.images} == {"a": 20, "b": 20, "c": 20, "d": 10, "e": 10}
    assert current.header.tests == 20
    replaced = made([image(one, role=core) for one in "abxyz"], current, 21)  # more than half are new
    assert replaced.header.tests == 1
    trains = made([image("a")], current, 21)
    assert trains.header.tests == trains.images[0].tests == 0


def test_a_change_is_not_handed_on():
    first = made([image("a"), image("b")], number=1)
    second = made([image("a", "dog")], first)
    assert (second.images[0].change, second.images[0].label_before) == (Change.RELABELLED, "cat")
    third = made([image("a", "dog")], second, 3)
    assert (third.images[0].change, third.images[0].label_before) == (None, None)
    assert made([], second, 3).removed[0].change is None


@pytest.mark.parametrize(
    ("key", "role"),
    [
        (f"{TEST_FOLDER}cat/a.png", DatasetRole.CORE),
        (f"{TEST_FOLDER}cat/{SAMPLE_MARK}a.png", DatasetRole.HUMAN_SAMPLE),
        (f"{LABELLED_FOLDER}cat/{SAMPLE_MARK}a.png", DatasetRole.HELD_OUT),
    ],
)
def test_a_test_image_belongs_to_a_part_of_the_test_set(key, role):
    assert role_of_test(LabelledImage(key, "cat", "")) is role


@pytest.mark.parametrize(
    "key", ["datasets/v0.jsonl.gz", "datasets/v1.json", "datasets/v1.jsonl.gz/x", "x/datasets/v1.jsonl.gz", "datasets/"]
)
def test_a_dataset_is_found_by_its_key(key):
    assert dataset_number(dataset_key(12)) == 12
    assert dataset_number(key) is None
