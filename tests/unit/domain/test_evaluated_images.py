"""What a version said of its test images, read from Rekognition's snapshot."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from tests.testing.looks import look, varied

from label_loop.domain import manifest
from label_loop.domain.evaluated_images import EvaluatedImage, keys, macro_f1, parse, seen
from label_loop.payloads import LabelledImage

IMAGE = LabelledImage("images_for_testing/cat/a b.png", "cat", "2026-11-23T09:00:00.000000", "e1", "c1" * 32, "0f" * 32)


def entry(number, label, confidence, **more):
    name = f"rekognition-custom-labels-evaluation-{number}"
    return {name: 1, f"{name}-metadata": {"class-name": label, "confidence": confidence, **more}}


def snapshot_line(*entries, image=IMAGE):
    content = json.loads(manifest.line("bucket", image))
    for one in entries:
        content |= one
    return json.dumps(content)


def test_the_guess_is_the_label_of_highest_confidence_whatever_the_flags_say():
    flags = {"rekognition-custom-labels-evaluation-details": {"is-true-positive": True}}
    line = snapshot_line(entry(0, "cat", 0.41, **flags), entry(1, "dog", 0.4321), entry(12, "owl", 0.1))
    (image,) = parse([line], "bucket")
    assert image.image == IMAGE
    assert (image.guess, image.confidence_percent, image.is_right) == ("dog", 43.21, False)


LABELS = ("cat", "dog", "owl")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(LABELS), st.sampled_from([*LABELS, "fox", ""]), st.sampled_from([0.0, 69.9, 70.0, 99.0])
        ),
        min_size=1,
        max_size=60,
    )
)
def test_the_score_is_the_mean_of_the_labels_f1(judged):
    images = [EvaluatedImage(replace(IMAGE, label=label), guess, percent) for label, guess, percent in judged]
    truth = [label for label, _, _ in judged]
    said = [guess for _, guess, _ in judged]
    expected = f1_score(truth, said, labels=sorted(set(truth)), average="macro", zero_division=0)
    assert macro_f1(images) == pytest.approx(expected)


def test_the_score_leaves_out_what_no_label_fits():
    none = EvaluatedImage(replace(IMAGE, label="None of the Above"), "cat", 99.0)
    right = EvaluatedImage(IMAGE, "cat", 99.0)
    assert macro_f1([right, none]) == 1
    assert macro_f1([none]) is macro_f1([]) is None


def test_of_equal_confidences_it_is_always_the_same():
    both = [entry(0, "owl", 0.5), entry(1, "cat", 0.5)]
    for entries in (both, both[::-1]):
        (image,) = parse([snapshot_line(*entries)], "bucket")
        assert image.guess == "cat"


@pytest.mark.parametrize("confidence", [None, "0.9", 7, -0.1, [], {}])
def test_what_is_no_confidence_is_no_guess(confidence):
    (image,) = parse([snapshot_line(entry(0, "cat", confidence))], "bucket")
    assert (image.guess, image.is_right) == ("", False)


def test_lines_of_others_and_broken_ones_are_passed_over():
    lines = ["", "{", "[]", '{"source-ref": 1}', snapshot_line(entry(0, "cat", 1.0)), b"\xff", "[" * 5000]
    assert [image.guess for image in parse(lines, "bucket")] == ["cat"]
    assert list(parse(lines, "another-bucket")) == []


def test_metadata_that_is_none_is_passed_over():
    odd = {"rekognition-custom-labels-evaluation-0-metadata": "text"}
    (image,) = parse([snapshot_line(odd, entry(1, "cat", 0.2), entry(2, 7, 0.9))], "bucket")
    assert image.guess == "cat"


def test_a_test_image_was_seen_if_a_training_image_is_equal_or_alike():
    def image(content, label, looks):
        return LabelledImage(f"k{content}", label, "", "", content, looks)

    tested = [image("1", "cat", look(1)), image("2", "cat", look(2)), image("3", "dog", look(3))]
    trained = [image("a", "cat", varied(look(1), 8)), image("3", "cat", look(3)), image("b", "dog", look(2))]
    assert seen([EvaluatedImage(one, "", 0) for one in tested], iter(trained)) == {"1", "3"}


def test_the_keys_of_a_snapshot_are_read_whoever_wrote_its_manifest():
    theirs = json.dumps({"source-ref": "s3://bucket/images_labeled_by_folder/dog/1 ü.png", "theirs": 1})
    lines = ["", "{", "[]", '{"source-ref": 1}', theirs, snapshot_line(), b"\xff", "[" * 5000]
    assert list(keys(lines, "bucket")) == ["images_labeled_by_folder/dog/1 ü.png", IMAGE.key]
    assert list(keys(lines, "another-bucket")) == []
