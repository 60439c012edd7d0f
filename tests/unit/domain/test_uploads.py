"""Keys of uploads: readable, bounded, and the same for the same file."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.testing.settings import DEFAULTS

from label_loop.domain.detections import failed, to_log_row
from label_loop.domain.training_images import folder_label
from label_loop.domain.uploads import detection_id, upload_key, upload_outcome
from label_loop.payloads import LABELLED_FOLDER, UPLOADS_FOLDER, S3Upload

PNG = b"\x89PNG\r\n\x1a\n and the rest"
JPEG = b"\xff\xd8\xff\xe0 and the rest"


def stem(name: str) -> str:
    return upload_key(name, PNG).removeprefix(UPLOADS_FOLDER).rpartition("-")[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cat.png", "cat"),
        ("My cat, 2026 (1).PNG", "My cat, 2026 (1)"),
        ("Müller+Söhne 100%.jpeg", "Müller+Söhne 100%"),
        ("a.b.c.jpg", "a.b.c"),
        ("no suffix", "no suffix"),
        ("v1.2 of our logo", "v1.2 of our logo"),
        ("../../images_labeled_by_folder/cat/x.png", "x"),
        ("C:\\Users\\me\\cat.png", "cat"),
        ("/etc/passwd", "passwd"),
        ("line\nbreak\x00\x1b[31m.png", "linebreak[31m"),
        ("\u202egnp.exe", "gnp"),
        ("half \ud83e.png", "half"),
        ("", "image"), (".", "image"), ("..", "image"), (".png", "image"), ("x/", "image"), ("\x00", "image"),
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>"),
        ("x" * 500 + ".png", "x" * 80),
        ("🦊" * 80, "🦊" * 50),
    ],
)  # fmt: skip
def test_what_is_readable_of_a_name_is_kept(name, expected):
    assert stem(name) == expected


def test_the_content_tells_the_suffix_whatever_the_name_says():
    assert upload_key("a.jpg", PNG).endswith(".png")
    assert upload_key("a.png", JPEG).endswith(".jpg")
    assert upload_key("a.gif.exe", PNG).endswith(".png")


def test_the_same_file_is_the_same_key_and_another_is_not():
    assert upload_key("a.png", PNG, "cat") == upload_key("a.png", PNG, "cat")
    assert upload_key("a.png", PNG, "cat") != upload_key("a.png", PNG + b"!", "cat")
    assert upload_key("a.png", PNG, "cat") != upload_key("a.png", PNG, "dog")


@given(name=st.text() | st.text(alphabet=st.characters(codec=None)))
def test_any_name_makes_a_key_that_s3_takes_and_training_reads(name):
    label = "語" * 255
    key = upload_key(name, PNG, label)
    assert len(key.encode()) <= 1024
    assert key.isprintable()
    assert folder_label(LABELLED_FOLDER, key) == label
    assert upload_key(name, PNG).count("/") == 1


# --- what became of it


def test_the_id_is_the_one_that_the_event_will_have():
    with_version = S3Upload("bucket", "key", "etag", "v1").detection_id
    assert detection_id("bucket", "key", '"etag"', "v1", has_queue=True) == with_version
    listed = S3Upload("bucket", "key", "etag").detection_id
    assert detection_id("bucket", "key", '"etag"', "v1", has_queue=False) == listed
    assert detection_id("bucket", "key", '"etag"', None, has_queue=False) == listed
    # an unversioned bucket's event has a sequencer, which nobody knows before
    assert detection_id("bucket", "key", '"etag"', None, has_queue=True) is None
    assert detection_id("bucket", "key", '"etag"', "null", has_queue=True) is None


def detected(*labels):
    return to_log_row(
        S3Upload("bucket", "key", "etag", "v1"),
        [{"Name": name, "Confidence": confidence} for name, confidence in labels],
        settings=DEFAULTS,
        project_version_arn="arn",
        detected_at=datetime(2026, 11, 25, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("detection", "more", "expected"),
    [
        (detected(("cat", 70.0)), {}, ("accepted", "cat", 70.0, "")),
        (detected(("cat", 69.9)), {}, ("not accepted", "cat", 69.9, "")),
        (detected(), {}, ("not accepted", "", 0.0, "")),
        (replace(detected(("cat", 5.0)), human_loop_name="h"), {}, ("in review", "cat", 5.0, "")),
        (
            replace(detected(("cat", 5.0)), review_failure="ReviewRefusedError"),
            {},
            ("not accepted", "cat", 5.0, "its review could not be created"),
        ),
        (replace(detected(("cat", 5.0)), human_loop_name="h"), {"human_label": "dog"}, ("reviewed", "cat", 5.0, "dog")),
        (
            failed(detected(), "ImageTooLargeException", "larger than the limits"),
            {},
            ("failed", "", 0.0, "ImageTooLargeException: larger than the limits"),
        ),
    ],
)
def test_a_row_tells_what_became_of_an_upload(detection, more, expected):
    found = upload_outcome(replace(detection, **more))
    assert (found.state, found.label, found.confidence_percent, found.detail) == expected
