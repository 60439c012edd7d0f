"""The training manifest: AWS's line, read back whatever the key or label holds."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON, HOSTILE_TEXT, anything_like

from label_loop.domain.labelling import people
from label_loop.domain.manifest import line, parse
from label_loop.payloads import LabelledImage, Labelling

MODIFIED = "2026-11-23T09:00:00.000000"
IMAGE = LabelledImage("images_labeled_by_folder/cat/1.png", "cat", MODIFIED)


def test_a_line_is_as_rekognition_reads_it():
    assert json.loads(line("b", IMAGE)) == {
        "source-ref": "s3://b/images_labeled_by_folder/cat/1.png",
        "label": 1,
        "label-metadata": {
            "confidence": 1,
            "class-name": "cat",
            "human-annotated": "yes",
            "creation-date": MODIFIED,
            "type": "groundtruth/image-classification",
        },
    }


CONTENT = "c0ffee" * 10 + "c0de"
BROKEN = [f"label-loop/{CONTENT[1:]}//e", f"label-loop/{CONTENT}/0f/e", f"label-loop/{CONTENT}/{'zz' * 32}/e"]


@pytest.mark.parametrize(
    ("look", "job"),
    [("0f" * 32, f"label-loop/{CONTENT}/{'0f' * 32}/5d-2"), ("", f"label-loop/{CONTENT}//5d-2")],
    ids=["with a look", "without"],
)
def test_the_job_of_a_line_is_the_content(look, job):
    image = replace(IMAGE, etag="5d-2", content=CONTENT, perceptual_hash=look)
    text = line("b", image)
    assert json.loads(text)["label-metadata"]["job-name"] == job
    assert list(parse([text], "b")) == [image]


@given(ids=st.lists(HOSTILE_TEXT, max_size=3), etag=st.sampled_from(["5d-2", "a/b", ""]))
def test_who_labelled_an_image_comes_back_whatever_they_are_called(ids, etag):
    who = people(ids)
    image = replace(IMAGE, etag=etag, content=CONTENT, labelling=Labelling(who))
    (found,) = parse([line("b", image)], "b")
    assert found == image
    assert found.labelled_by == who


@pytest.mark.parametrize(
    "job", ["labeling-job/cats", "label-loop", "label-loop/", "label-loop/c0ffee/e", *BROKEN, "", 7, None, ["x"]]
)
def test_the_job_of_somebody_else_is_no_content(job):
    metadata = json.loads(line("b", IMAGE))["label-metadata"] | {"job-name": job}
    assert list(parse([entry(**{"label-metadata": metadata})], "b")) == [IMAGE]


IDENTITIES = st.sampled_from([("", ""), ("e", CONTENT), ("5d-2", CONTENT, "0f" * 32), ("a/b\n", CONTENT)])
IMAGES = st.builds(
    lambda key, label, identity: LabelledImage(key, label, MODIFIED, *identity), HOSTILE_TEXT, HOSTILE_TEXT, IDENTITIES
)


@given(images=st.lists(IMAGES, max_size=4))
def test_any_key_and_label_come_back_from_a_file(images):
    text = "".join(f"{line('b', image)}\n" for image in images)
    assert list(parse(text.split("\n"), "b")) == images
    # As S3's body is read: bytes, split at line ends.
    assert list(parse(text.encode().splitlines(), "b")) == images
    assert text.count("\n") == len(images)


def test_images_of_another_bucket_are_passed_over():
    assert list(parse([line("b2", IMAGE), line("b", IMAGE)], "b")) == [IMAGE]


def entry(**changes):
    return json.dumps(json.loads(line("b", IMAGE)) | changes)


@pytest.mark.parametrize(
    "other",
    [
        "", " ", "{", "null", "[]", "1", '"text"', "{}", b"\xff", "[" * 200_000,
        entry(**{"source-ref": None}), entry(**{"source-ref": 7}), entry(**{"source-ref": ["s3://b/k"]}),
        entry(**{"source-ref": "http://b/k"}), entry(**{"label-metadata": None}), entry(**{"label-metadata": []}),
        entry(**{"label-metadata": {}}), entry(**{"label-metadata": {"class-name": "cat"}}),
        entry(**{"label-metadata": {"class-name": 7, "creation-date": MODIFIED}}),
        entry(**{"label-metadata": {"class-name": None, "creation-date": MODIFIED}}),
        entry(**{"label-metadata": {"class-name": "cat", "creation-date": 2026}}),
    ],
    ids=lambda text: repr(text)[:60],
)  # fmt: skip
def test_other_lines_are_passed_over(other):
    assert list(parse([other, line("b", IMAGE)], "b")) == [IMAGE]


@given(value=ARBITRARY_JSON | anything_like(json.loads(line("b", IMAGE))))
def test_no_json_stops_the_reading(value):
    for image in parse([json.dumps(value)], "b"):
        assert all(isinstance(part, str) for part in (image.key, image.label, image.modified))
