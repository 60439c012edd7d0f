"""What people said of an image is kept in order, and never twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import HOSTILE_TEXT

from label_loop.domain.label_history import LabelEntry
from label_loop.payloads import LabelledImage, Labelling, LabelSource

NOW = datetime(2026, 11, 30, tzinfo=UTC)
MODIFIED = "2026-11-23T09:00:00.000000"
IMAGE = LabelledImage("images_labeled_by_folder/cat/1.png", "cat", MODIFIED, content="c0ffee")
HAND = LabelEntry.of(IMAGE)


def at(days: int) -> str:
    return (NOW + timedelta(days=days)).isoformat(timespec="microseconds")


def test_what_was_put_into_a_folder_was_said_when_it_was_put_there():
    assert HAND.labelling == Labelling("", "2026-11-23T09:00:00.000000+00:00", LabelSource.FOLDER)
    assert HAND.id.startswith("2026-11-23T09:00:00.000000+00:00#")
    said = Labelling("ann", at(0), LabelSource.REVIEW, True, "id")
    assert LabelEntry.of(replace(IMAGE, labelling=said)).labelling == said


def test_the_same_is_not_said_twice_and_another_label_supersedes_the_one_before():
    assert HAND.after(None) == HAND
    assert HAND.after(HAND) is None
    assert replace(HAND, label="CAT").after(HAND) is None
    dog = LabelEntry.of(replace(IMAGE, label="dog", labelling=Labelling("ann", at(0), LabelSource.CORRECTION)))
    assert dog.after(HAND) == replace(dog, supersedes=HAND.id)
    gone = LabelEntry.removed(IMAGE, NOW + timedelta(days=1), "ann")
    assert gone.after(dog) == replace(gone, supersedes=dog.id)
    assert gone.after(gone) is None


LABELS = st.sampled_from(["cat", "dog", ""])
SAID = st.builds(
    lambda label, who, days: LabelEntry("c0ffee", label, Labelling(who, at(days), LabelSource.REVIEW), "k"),
    LABELS, st.sampled_from(["", "ann", "bob"]), st.integers(-3, 3),
)  # fmt: skip


@given(said=st.lists(SAID, max_size=8))
def test_the_last_that_was_added_is_the_last_in_order_whatever_its_date(said):
    table: dict[str, LabelEntry] = {}
    for entry in said:
        latest = table[max(table)] if table else None
        added = entry.after(latest)
        if added:
            assert added.id not in table
            table[added.id] = added
            assert table[max(table)] == added
            assert added.supersedes == (latest.id if latest else "")
        assert table[max(table)].label == entry.label
        assert entry.after(table[max(table)]) is None


@given(label=HOSTILE_TEXT, key=HOSTILE_TEXT, shown=st.booleans())
def test_an_item_is_read_as_it_was_written(label, key, shown):
    entry = LabelEntry("c0ffee", label, Labelling("ann", at(0), LabelSource.SAMPLE, shown, "id"), key, "before")
    stored = TypeSerializer().serialize(entry.to_item())
    assert LabelEntry.from_item(TypeDeserializer().deserialize(stored)) == entry
