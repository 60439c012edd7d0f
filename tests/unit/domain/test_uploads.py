"""Keys of uploads: readable, bounded, and the same for the same file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.training import labelled_image
from label_loop.domain.uploads import training_label, upload_key
from label_loop.exceptions import MalformedAnswerError
from label_loop.payloads import LABELLED_FOLDER, UPLOADS_FOLDER

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
    image = labelled_image(LABELLED_FOLDER, key, "")
    assert image is not None
    assert image.label == label
    assert upload_key(name, PNG).count("/") == 1


@pytest.mark.parametrize(("text", "label"), [("cat", "cat"), (" big cat\n", "big cat"), ("Größe 5 €", "Größe 5 €")])
def test_a_label_is_read_as_people_write_it(text, label):
    assert training_label(text) == label


@pytest.mark.parametrize(
    "text",
    ["", "  ", ".", "..", "a/b", "a\\b", "a\x00b", "\u202ecat", "half \ud83e", "x" * 256, "🦊" * 200,
     "None of the Above", " none of THE above "],
)  # fmt: skip
def test_what_cannot_be_a_label_is_refused(text):
    with pytest.raises(MalformedAnswerError):
        training_label(text)
