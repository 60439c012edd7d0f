"""Which objects are training images, and which of them are new: an image is its content under its label."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import HOSTILE_TEXT

from label_loop.domain.manifest import line, parse
from label_loop.domain.training_images import (
    TIERED,
    TrainedImages,
    Verdict,
    by_label,
    dated_fingerprint,
    fingerprint,
    folder_label,
    listing_problem,
    new_images,
    notes,
    storage_problem,
)
from label_loop.payloads import LABELLED_FOLDER, LabelledImage, Labelling

MODIFIED = "2026-11-23T09:00:00+00:00"
LATER = "2026-11-24T09:00:00+00:00"


def images(**counts):
    """Return listed images, each with a content of its own that is its ETag."""
    return [
        LabelledImage(f"{LABELLED_FOLDER}{label}/{n}.png", label, MODIFIED, f"{label}-{n}", f"{label}-{n}")
        for label, count in counts.items()
        for n in range(count)
    ]


# --- which keys are labelled


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("cat/1.png", "cat"),
        ("cat/1.JPG", "cat"),
        ("cat/1.jfif", "cat"),
        ("cat/1.JPE", "cat"),
        ("cat/1", "cat"),
        ("cat/readme.txt", "cat"),  # its content tells that it is none
        ("Cat/1.png", "Cat"),
        (" cat/1.png", " cat"),
        ("a b+ü%&/x y+%20.png", "a b+ü%&"),
        ("cat.png/1.png", "cat.png"),
        ("..a/1.png", "..a"),
        ("/1.png", ""),
        (" /1.png", " "),
    ],
)
def test_an_object_in_a_labels_folder(key, label):
    assert folder_label(LABELLED_FOLDER, f"{LABELLED_FOLDER}{key}") == label


@pytest.mark.parametrize(
    "key",
    [
        "images_labeled_by_folder/",
        "images_labeled_by_folder/cat/",
        "images_labeled_by_folder/1.png",
        "images_labeled_by_folder/cat/more/1.png",
        "images_labeled_by_folder/cat//1.png",
        "images_labeled_by_folder/cat/1.png/",
        "images_labeled_by_folder/cat_$folder$",
        "images_labeled_by_folder/cat/more_$folder$",
        "images_labeled_by_folder",
        "",
        # Not under the folder at all.
        "images_for_detection/1.png",
        "cat/1.png",
        "x/images_labeled_by_folder/cat/1.png",
    ],
)
def test_markers_nested_and_stray_keys_have_no_label(key):
    assert folder_label(LABELLED_FOLDER, key) is None


@given(key=HOSTILE_TEXT)
def test_any_key_is_exactly_in_a_labels_folder_or_not(key):
    parts = key.split("/")
    is_one = len(parts) == 2 and parts[1] != "" and not key.endswith("_$folder$")
    assert folder_label(LABELLED_FOLDER, LABELLED_FOLDER + key) == (parts[0] if is_one else None)


# --- what a listing tells


def listed(key="cat/1.png", size=1000, storage_class="STANDARD"):
    return LabelledImage(LABELLED_FOLDER + key, "cat", MODIFIED, "e", size_bytes=size, storage_class=storage_class)


def test_a_listing_tells_what_lies_in_no_labels_folder_or_has_no_size_of_an_image():
    assert listing_problem(LABELLED_FOLDER, listed()) is None
    assert "not directly in the folder of a label" in listing_problem(LABELLED_FOLDER, listed("1.png"))
    assert "not directly in the folder of a label" in listing_problem(LABELLED_FOLDER, listed("cat/more/1.png"))
    assert listing_problem(LABELLED_FOLDER, listed(size=0)) == "an empty file"
    assert "more than 15 MB" in listing_problem(LABELLED_FOLDER, listed(size=15 * 1024 * 1024 + 1))


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_cannot_be_read(storage_class):
    problem = storage_problem(listed(storage_class=storage_class))
    assert storage_class in problem
    assert "restore it" in problem


@pytest.mark.parametrize(
    "storage_class",
    ["", "STANDARD", "STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "REDUCED_REDUNDANCY", "EXPRESS_ONEZONE", TIERED],
)
def test_objects_of_other_storage_classes_are_read(storage_class):
    assert storage_problem(listed(storage_class=storage_class)) is None


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


def changed(image, **how):
    return replace(image, **how)


def test_new_are_other_contents_under_the_label():
    trained = images(cat=3)
    known = TrainedImages(trained)
    overwritten = changed(trained[0], modified=LATER, etag="other", content="other")
    moved = changed(trained[1], label="dog", key=f"{LABELLED_FOLDER}dog/1.png")
    added = images(dog=1)
    assert new_images([overwritten, moved, *trained, *added], known) == [overwritten, moved, *added]
    assert new_images(trained, TrainedImages([])) == trained


@pytest.mark.parametrize(
    "how",
    [
        {"modified": LATER},
        {"storage_class": "GLACIER_IR"},
        {"key": f"{LABELLED_FOLDER}cat/renamed.png"},
        {"label": "CAT"},  # the folder of the other spelling has more images by now
        {"etag": "0f-2"},  # uploaded again, in two parts
    ],
)
def test_an_image_with_the_same_content_is_not_new(how):
    trained = images(cat=3)
    assert new_images([changed(trained[0], **how), *trained[1:]], TrainedImages(trained)) == []


def test_removed_images_are_not_new():
    assert new_images(images(cat=1), TrainedImages(images(cat=5))) == []


def test_equal_images_are_new_once():
    (image,) = images(cat=1)
    again = changed(image, key=f"{LABELLED_FOLDER}cat/copy.png")
    elsewhere = changed(image, label="dog", key=f"{LABELLED_FOLDER}dog/copy.png")
    assert new_images([image, again, elsewhere], TrainedImages([])) == [image, elsewhere]


def unread(image, **how):
    return replace(image, content="", perceptual_hash="", **how)


def test_what_a_listed_image_is_is_known_by_its_etag():
    plain, parted = images(cat=2)
    plain = changed(plain, perceptual_hash="0f" * 32)
    parted = changed(parted, etag="5d-2")
    known = TrainedImages([plain, parted])
    assert known.verdict_of(unread(plain, modified=LATER)) == Verdict(plain.content, "", "0f" * 32, key=plain.key)
    assert known.verdict_of(unread(parted)) == Verdict(parted.content, key=parted.key)
    assert known.verdict_of(unread(plain, etag="other")) is None


def test_who_labelled_an_image_is_known_of_its_object_and_not_of_another_with_equal_content():
    (image,) = images(cat=1)
    anns = replace(image, labelling=Labelling("ann"))
    bobs = replace(image, key=f"{LABELLED_FOLDER}cat/again.png", labelling=Labelling("bob"))
    known = TrainedImages([anns, bobs])
    for one in (anns, bobs):
        verdict = known.verdict_of(one)
        assert verdict is not None
        assert (verdict.is_of(one), verdict.labelling) == (True, one.labelling)
    moved = replace(image, key=f"{LABELLED_FOLDER}dog/1.png")
    verdict = known.verdict_of(moved)
    assert verdict is not None
    assert not verdict.is_of(moved)


def test_an_older_manifest_knows_its_images_by_key_and_date():
    trained = images(cat=2)
    trained = [replace(image, etag=f"e{n}", content=f"e{n}") for n, image in enumerate(trained)]
    known = TrainedImages(unread(image, etag="") for image in trained)
    assert known
    assert known.verdict_of(unread(trained[0])) is None  # read once
    assert new_images(trained, known) == []
    assert all(map(known.had, trained))
    overwritten = changed(trained[0], modified=LATER)
    assert new_images([overwritten, trained[1]], known) == [overwritten]
    assert not TrainedImages([])


def test_an_image_is_known_under_another_label_and_missed_when_it_is_gone():
    cat, owl = images(cat=1, owl=1)
    known = TrainedImages([cat, owl])
    moved = changed(cat, label="dog")
    assert known.had(moved)
    assert moved not in known
    assert not known.had(images(dog=1)[0])
    assert known.missing_in([moved]) == 1
    assert known.missing_in([owl, moved]) == 0


def test_an_image_in_parts_of_an_older_manifest_is_read_once_and_is_not_new():
    image = LabelledImage(f"{LABELLED_FOLDER}cat/1.png", "cat", MODIFIED, "5d-2")
    known = TrainedImages([unread(image, etag="")])
    assert known.verdict_of(image) is None
    assert new_images([replace(image, content="its digest")], known) == []


def test_labels_that_are_trained_no_more():
    known = TrainedImages(images(cat=1, dog=1, owl=1))
    assert known.labels_missing_in(images(CAT=1, lynx=2)) == ["dog", "owl"]
    assert TrainedImages([]).labels_missing_in([]) == []


# --- fingerprints


def test_a_fingerprint_is_the_sets_whatever_its_order():
    one = images(cat=20, dog=20)
    shuffled = random.Random(7).sample(one, len(one))
    assert fingerprint(iter(shuffled)) == fingerprint(one)


@pytest.mark.parametrize(
    "other",
    [
        images(cat=2, dog=1),
        images(cat=2, dog=3),
        [replace(images(cat=2, dog=2)[0], label="dog"), *images(cat=2, dog=2)[1:]],
        [replace(images(cat=2, dog=2)[0], content="other"), *images(cat=2, dog=2)[1:]],
        [],
    ],
)
def test_another_set_has_another_fingerprint(other):
    assert fingerprint(other) != fingerprint(images(cat=2, dog=2))


@pytest.mark.parametrize("how", [{"modified": LATER}, {"etag": "5d-2"}, {"key": "x"}, {"label": "CAT"}])
def test_a_fingerprint_is_of_contents_and_labels_alone(how):
    one = images(cat=2, dog=2)
    assert fingerprint([replace(one[0], **how), *one[1:]]) == fingerprint(one)


IMAGES = st.builds(
    lambda label, content: LabelledImage("k", label, MODIFIED, "e", content),
    st.sampled_from(["a", "b", "ab", ""]),
    st.text("ab1:", max_size=3),
)
SETS = st.lists(IMAGES, max_size=4)


@given(one=SETS, two=SETS, data=st.data())
def test_fingerprints_are_equal_exactly_for_equal_contents_under_equal_labels(one, two, data):
    def contents(some):
        return {(image.label, image.content) for image in some}

    assert fingerprint(data.draw(st.permutations(one))) == fingerprint(one)
    assert (fingerprint(one) == fingerprint(two)) == (contents(one) == contents(two))


def test_a_fingerprint_of_a_version_before_is_found_again():
    # As version 0.2 wrote it for these two images: the lines of its manifest, by keys and dates.
    two = [
        LabelledImage("images_labeled_by_folder/cat/1.png", "cat", "2026-11-23T09:00:00.000000", "e1", "c1" * 32),
        LabelledImage("images_labeled_by_folder/dog/ü.png", "dog", "2026-11-23T09:00:01.000000", "e2", "c2" * 32),
    ]
    assert dated_fingerprint("b", reversed(two)) == "5a93a79be5dfae9e9d7b5b762e3aef498455b827ed939e02d8584ed430399f18"
    assert dated_fingerprint("b2", two) != dated_fingerprint("b", two)
    assert fingerprint(parse((line("b", image) for image in two), "b")) == fingerprint(two)
