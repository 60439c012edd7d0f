"""Which sets can be trained: what is left out of one, and the limits of a region."""

import pytest

from label_loop.domain.training_set import (
    MAX_MANIFEST_BYTES,
    ImageLimits,
    check_manifest,
    check_readable,
    check_set,
    check_test_set,
    trainable,
)
from label_loop.exceptions import UnusableTrainingSetError
from label_loop.payloads import LABELLED_FOLDER, LabelledImage

IRELAND = ImageLimits("eu-west-1")
LONDON = ImageLimits.of("arn:aws:rekognition:eu-west-2:123456789012:project/logos/1")


def images(**counts):
    return [
        LabelledImage(f"{LABELLED_FOLDER}{label}/{n}.png", label, "2026-11-23T09:00:00")
        for label, count in counts.items()
        for n in range(count)
    ]


def asked():
    raise AssertionError("The test set makes no difference.")


# --- what is left out


def test_a_label_with_a_single_image_is_left_out_and_told():
    kept, told = trainable(images(cat=2, owl=1, dog=3), lambda: False)
    assert kept == images(cat=2, dog=3)
    assert told.keys() == {"owl"}
    assert "only one usable image" in told["owl"]
    assert "images_for_testing/" in told["owl"]


def test_with_a_test_set_a_single_image_trains():
    assert trainable(images(cat=2, owl=1, dog=3), lambda: True) == (images(cat=2, owl=1, dog=3), {})


@pytest.mark.parametrize("counts", [{"cat": 2, "dog": 5}, {}, {"cat": 1}, {"cat": 5}, {"cat": 1, "dog": 5}])
def test_nothing_is_left_out_where_it_makes_no_difference(counts):
    assert trainable(images(**counts), asked) == (images(**counts), {})


# --- sets that cannot train


def test_a_good_set_is_counted():
    assert check_set(iter(images(cat=2, dog=3)), IRELAND, has_test_set=False) == {"cat": 2, "dog": 3}
    assert check_set(images(cat=1, dog=1), IRELAND, has_test_set=True) == {"cat": 1, "dog": 1}
    assert len(check_set(images(**{f"l{n}": 2 for n in range(250)}), IRELAND, has_test_set=False)) == 250


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
        check_set(some, IRELAND, has_test_set=has_test_set)
    assert len(str(caught.value)) < 400


# --- limits


@pytest.mark.parametrize(
    ("region", "most", "most_tested"),
    [
        ("us-east-1", 250_000, 250_000),
        ("eu-west-1", 250_000, 250_000),
        ("ap-south-1", 28_000, 7_000),
        ("eu-west-2", 28_000, 7_000),
    ],
)
def test_limits_are_those_of_the_projects_region(region, most, most_tested):
    limits = ImageLimits.of(f"arn:aws:rekognition:{region}:123456789012:project/logos/1")
    assert (limits.region, limits.training_images, limits.test_images) == (region, most, most_tested)


@pytest.mark.parametrize("limits", [IRELAND, LONDON], ids=lambda limits: limits.region)
def test_too_many_training_images_are_refused(limits):
    half = limits.training_images // 2
    some = images(cat=half, dog=half + 1)
    words = f"training set has {limits.training_images + 1} images.*at most {limits.training_images} in {limits.region}"
    with pytest.raises(UnusableTrainingSetError, match=words) as caught:
        check_set(some, limits, has_test_set=False)
    assert "Remove images from images_labeled_by_folder/" in str(caught.value)
    assert check_set(some[:-1], limits, has_test_set=False)["dog"] == half


def test_too_many_test_images_are_refused():
    labels = [f"l{n}" for n in range(8)]
    some = images(**dict.fromkeys(labels, 875))
    check_test_set(labels, some, LONDON)
    with pytest.raises(UnusableTrainingSetError, match=r"test set has 7001 images.*at most 7000 in eu-west-2"):
        check_test_set(labels, [*some, some[0]], LONDON)
    check_test_set(labels, [*some, some[0]], IRELAND)


def test_too_many_test_images_of_a_label_are_refused():
    check_test_set(["cat", "dog"], images(cat=1000, dog=1), IRELAND)
    with pytest.raises(UnusableTrainingSetError, match=r"too many images of 1 label\(s\) \(cat: 1001\)") as caught:
        check_test_set(["cat", "dog"], images(cat=1001, dog=1), IRELAND)
    assert "at most 1000 per label" in str(caught.value)
    # Those of labels that are not trained are not tested with.
    check_test_set(["cat", "dog"], images(cat=1, dog=1, owl=1001), IRELAND)


def test_a_manifest_has_a_size_that_rekognition_reads():
    check_manifest("m", MAX_MANIFEST_BYTES)
    with pytest.raises(UnusableTrainingSetError, match="m would have 1000000001 bytes"):
        check_manifest("m", MAX_MANIFEST_BYTES + 1)


# --- causes that all images share


def test_images_that_cannot_be_read_are_left_out_beside_those_that_can():
    check_readable(images(cat=1), {"k": "archived"})
    check_readable([], {})


def test_a_cause_that_all_images_share_is_an_error_that_names_it():
    with pytest.raises(
        UnusableTrainingSetError, match=r"None of 3 image\(s\).* 2 of them, such as a: denied"
    ) as caught:
        check_readable([], {"c": "archived", "a": "denied", "b": "denied"})
    assert "readable for the loop's role" in str(caught.value)
