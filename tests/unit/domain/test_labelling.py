"""Who labelled an image, as its metadata says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import HOSTILE_TEXT

from label_loop.domain.labelling import from_metadata, is_one, of_answer, people, shown_people, to_metadata
from label_loop.domain.log_row import LogRow
from label_loop.payloads import BY_HAND, Labelling, LabelSource, ReviewAnswer

AT = "2026-11-23T09:00:00.000000+00:00"
LABELLINGS = st.builds(
    Labelling, st.lists(HOSTILE_TEXT, max_size=3).map(people), st.sampled_from(["", AT]), st.sampled_from(LabelSource),
    st.booleans(), st.uuids().map(str),
)  # fmt: skip


@given(labelling=LABELLINGS, label=HOSTILE_TEXT)
def test_what_is_written_comes_back_and_fits_into_the_metadata_of_an_object(labelling, label):
    metadata = to_metadata(labelling, label)
    assert from_metadata(metadata, label) == labelling
    assert sum(len(name) + len(value) for name, value in metadata.items()) <= 1024  # S3 takes 2 KB
    assert all(value.isascii() and (value.isprintable() and value == value.strip()) for value in metadata.values())


def test_a_label_that_differs_only_in_its_spelling_is_the_same():
    labelling = Labelling("ann", AT, LabelSource.REVIEW)
    assert from_metadata(to_metadata(labelling, "Caf\u00e9"), "cafe\u0301") == labelling


def test_an_image_that_was_moved_to_another_label_was_labelled_by_hand():
    assert from_metadata(to_metadata(Labelling("ann", AT, LabelSource.REVIEW), "cat"), "dog") == BY_HAND


METADATA = to_metadata(Labelling("ann", AT, LabelSource.REVIEW), "cat")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, Labelling("ann", AT, LabelSource.REVIEW)),
        ({"labelled-by": "Ann Smith"}, Labelling("", AT, LabelSource.REVIEW)),
        ({"labelled-by": "a/b"}, Labelling("", AT, LabelSource.REVIEW)),
        ({"labelled-by": "x" * 402}, Labelling("", AT, LabelSource.REVIEW)),
        ({"labelled-at": "yesterday"}, Labelling("ann", "", LabelSource.REVIEW)),
        ({"labelled-at": "9999-12-31T23:59:59-23:00"}, Labelling("ann", "", LabelSource.REVIEW)),
        ({"labelled-at": "2026-11-23T10:00:00+01:00"}, Labelling("ann", AT, LabelSource.REVIEW)),
        ({"labelled-in": "dream"}, BY_HAND),
    ],
)
def test_metadata_of_somebody_else_never_harms(changes, found):
    assert from_metadata(METADATA | changes, "cat") == found


@given(metadata=st.dictionaries(st.sampled_from(sorted(METADATA)) | HOSTILE_TEXT, HOSTILE_TEXT))
def test_any_metadata_can_be_read(metadata):
    assert from_metadata(metadata, "cat") == BY_HAND


@given(one=HOSTILE_TEXT.filter(bool), other=HOSTILE_TEXT.filter(bool))
def test_different_people_stay_different(one, other):
    assert (people([one]) == people([other])) == (one == other)
    assert is_one(people([one]))
    assert is_one(people([one, other])) == (one == other)
    assert people([one, other]) == people([other, "", one])


def test_several_people_are_named_by_the_first_two():
    assert people(["zoe", "ann@b.c", "M\u00fcller + S\u00f6hne"]) == "M%C3%BCller%20%2B%20S%C3%B6hne+ann@b.c"
    assert shown_people(people(["zoe", "M\u00fcller"])) == "M\u00fcller and zoe"
    assert people(["", ""]) == ""


@pytest.mark.parametrize(
    ("sampled", "label", "logged", "who", "source"),
    [
        (False, "cat", "Cat", "ann", LabelSource.REVIEW),
        (True, "cat", "cat", "ann", LabelSource.SAMPLE),
        (False, None, "None of the Above", "ann", LabelSource.REVIEW),
        (False, "dog", "cat", "", LabelSource.REVIEW),  # another answer was first
        (False, None, "cat", "", LabelSource.REVIEW),
    ],
)
def test_an_answer_tells_who_labelled(sampled, label, logged, who, source):
    row = LogRow(
        "id", AT, "b", "k", "e", detected_label="cat", confidence_percent=99 if sampled else 1, is_sampled=sampled,
        minimum_confidence_percent=50, human_loop_name="n", human_label=logged, answered_at="2026-11-23T09:00:00.000Z",
    )  # fmt: skip
    answer = ReviewAnswer("n", "id", label, None, "ann", guess_shown=True)
    assert of_answer(answer, row) == Labelling(who, AT, source, True, "id")
