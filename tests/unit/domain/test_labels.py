"""One notion of a label: what it may be called, which names are the same, and what folders stand for."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.strategies import HOSTILE_TEXT

from label_loop.domain.labels import (
    check_label,
    folder_names,
    is_none_of_the_above,
    label_key,
    label_problem,
    labels_of,
    leading_label,
)
from label_loop.exceptions import InvalidLabelError
from label_loop.payloads import LABELLED_FOLDER

NFC, NFD = "caf\u00e9", "cafe\u0301"
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

# --- what a label may be called


@pytest.mark.parametrize(
    "label",
    ["cat", "a b", "ü", "中", "…", "a.b", ".hidden", "...", "a+b&c%20", "Ünï-cödé (2)", "🙂", "x" * 255, '"',
     "中" * 255, NFC, NFD, PERSIAN, FAMILY, "None", "None of the Above.", "none_of_the_above"],
    ids=ascii,
)  # fmt: skip
def test_what_can_be_a_label(label):
    assert check_label(label) == label


@pytest.mark.parametrize(
    "label",
    ["", " ", ".", "..", "a/b", "/", "../x", "a\\b", "a\nb", "a\tb", "\x00", "\x7f", "\u202ecat", "a\u2028b", "\u200b",
     "\ud800", "x" * 256, "x" * 100_000, "🙂" * 255, "cat ", " cat", "cat\u00a0", "\u3000cat", "None of the Above",
     "NONE OF THE ABOVE", "ca\u200ct", "c\u200dat", "\u200c", f"\u200c{PERSIAN}", f"{PERSIAN}\u200d", "ü\u200c\u200cü",
     "a\u200cü"],
    ids=lambda label: ascii(label)[:20],
)  # fmt: skip
def test_what_cannot_is_refused_with_a_readable_message(label):
    with pytest.raises(InvalidLabelError) as caught:
        check_label(label)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("label", "rule"),
    [("", "1 to 255"), ("cat ", "space"), ("a/b", "slash"), ("a\nb", "visible"), ("🙂" * 250, "765 bytes"),
     ("none of the above", "None of the Above")],
)  # fmt: skip
def test_the_rule_is_named(label, rule):
    assert rule in label_problem(label)


# --- which names are the same


@pytest.mark.parametrize(
    ("one", "other"),
    [("cat", "Cat"), ("STRASSE", "straße"), (NFC, NFD), (NFC, NFD.upper()), ("\u212bngstrom", "\u00e5ngstrom"),
     ("ﬁsh", "FISH"), ("ὈΔΥΣΣΕΎΣ", "ὀδυσσεύς")],
)  # fmt: skip
def test_names_of_one_label(one, other):
    assert label_key(one) == label_key(other)


@pytest.mark.parametrize(("one", "other"), [("cat", "cats"), ("cafe", NFC), ("1", "\u00b9"), ("a b", "a  b")])
def test_names_of_two_labels(one, other):
    assert label_key(one) != label_key(other)


@given(name=st.text() | HOSTILE_TEXT)
@example(name="\u0345\u0313")
def test_no_form_of_unicode_makes_another_label(name):
    for form in ("NFC", "NFD"):
        assert label_key(unicodedata.normalize(form, name)) == label_key(name)
    assert label_key(label_key(name)) == label_key(name)


@pytest.mark.parametrize("text", ["None of the Above", "none of the above", " NONE OF THE ABOVE\n"])
def test_none_of_the_above_in_any_case(text):
    assert is_none_of_the_above(text)


# --- of several answers


@pytest.mark.parametrize(
    ("votes", "wanted", "leads"),
    [
        ([], 1, None), ([], 0, None), (["a"], 1, "a"), (["a"], 2, None), (["a", "b"], 1, None),
        (["a", "b", "A"], 2, "a"), (["A", "b", "a"], 2, "A"), ([NFC, "b", NFD, "B"], 3, None),
    ],
)  # fmt: skip
def test_what_leads_is_one_label_in_any_spelling(votes, wanted, leads):
    assert leading_label(votes, wanted) == leads


# --- what folders stand for


def labels(**images):
    return labels_of(images, images.__getitem__)


def test_folders_are_labels_under_their_own_names():
    found = labels(cat=1, dog=2)
    assert (found.names, found.refused, found.twins) == (["cat", "dog"], {}, {})
    assert found.of_folder == {"cat": "cat", "dog": "dog"}


def test_what_can_be_no_label_is_refused_with_what_to_do():
    images = {"cat": 1, "cat ": 9, "None of the Above": 9, "": 9}
    found = labels_of(images, images.__getitem__)
    assert found.names == ["cat"]
    assert set(found.refused) == {"cat ", "None of the Above", ""}
    assert all("rename the folder" in note for note in found.refused.values())


def test_twins_are_one_label_named_as_the_folder_with_the_most_images():
    found = labels(cat=1000, Cat=3, CAT=3, dog=1)
    assert found.names == ["cat", "dog"]
    assert found.of_folder == {"cat": "cat", "Cat": "cat", "CAT": "cat", "dog": "dog"}
    assert set(found.twins) == {"Cat", "CAT"}
    assert "'cat'" in found.twins["Cat"]
    assert "'Cat'" in found.twins["Cat"]
    assert labels(cat=3, Cat=1000).names == ["Cat"]


def test_twins_that_look_the_same_are_told_apart():
    (note,) = labels_of([NFC, NFD], {NFC: 2, NFD: 1}.__getitem__).twins.values()
    assert NFC in note
    assert "e\\u0301" in note


def test_equal_twins_have_the_same_name_each_time():
    assert labels(cat=3, Cat=3).names == labels(Cat=3, cat=3).names == ["Cat"]


def test_images_are_counted_in_twins_only():
    asked = []
    labels_of(["cat", "dog", "Dog"], lambda name: asked.append(name) or 1)
    assert sorted(asked) == ["Dog", "dog"]


def test_a_label_that_is_known_keeps_its_name():
    found = labels_of(["Cat", "CAT", "Owl"], {"Cat": 9, "CAT": 1, "Owl": 1}.__getitem__, known=labels(cat=1))
    assert found.of_folder == {"Cat": "cat", "CAT": "cat", "Owl": "Owl"}
    assert set(found.twins) == {"Cat", "CAT"}


def test_a_name_is_found_in_any_spelling_and_else_new():
    found = labels_of([NFD, "cat"], lambda _: 1)
    assert found.resolve(NFC.upper()) == found.filed_as(f" {NFC} ") == NFD
    assert found.resolve("owl") is None
    assert found.filed_as("owl") == "owl"


@given(st.dictionaries(HOSTILE_TEXT | st.sampled_from(["a", "A", "b", "cat "]), st.integers(1, 9), max_size=8))
def test_each_folder_is_a_label_or_refused_and_its_label_leads_back_to_it(images):
    found = labels_of(images, images.__getitem__)
    assert {*found.of_folder, *found.refused} == set(images)
    assert not found.of_folder.keys() & found.refused.keys()
    for folder, label in found.of_folder.items():
        assert label_key(folder) == label_key(label)
        assert found.resolve(folder) == found.filed_as(label) == label
        assert found.of_folder[label] == label
        assert label_problem(label) is None
    assert len({label_key(name) for name in found.names}) == len(found.names)


def test_names_of_folders_are_taken_as_they_are():
    prefixes = ["images_labeled_by_folder/cat /", "images_labeled_by_folder//", "images_labeled_by_folder/ü/"]
    assert folder_names(LABELLED_FOLDER, prefixes) == ["cat ", "", "ü"]
