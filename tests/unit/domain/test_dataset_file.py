"""The file of a dataset is read as it was written, and anything else is refused with its place."""

import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON

from label_loop.domain.dataset_file import DatasetReader, LeftOut, Removed, write
from label_loop.domain.dataset_version import Change, Dataset, DatasetHeader, DatasetImage, DatasetRole
from label_loop.exceptions import UnreadableDatasetError

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SHA = "ab" * 32
IMAGES = st.builds(
    DatasetImage,
    key=TEXT,
    label=TEXT,
    role=st.sampled_from(DatasetRole),
    sha256=st.just(SHA),
    modified=TEXT,
    version_id=st.none() | TEXT,
    tests=st.integers(0, 100),
    change=st.none() | st.sampled_from(Change),
    label_before=st.none() | TEXT,
)
HEADER = DatasetHeader(7, "version", "2026", SHA, {"training": 2}, 6, SHA, {"added": 1}, 1, 3)
IMAGE = DatasetImage("k", "cat", DatasetRole.CORE, SHA, "2026")


def written(dataset):
    file = io.BytesIO()
    write(dataset, file)
    return file.getvalue()


def reader(body):
    return DatasetReader("datasets/v7.jsonl.gz", io.BytesIO(body))


@given(st.lists(IMAGES), st.lists(IMAGES), st.dictionaries(TEXT, TEXT))
def test_it_is_read_as_it_was_written(images, removed, left_out):
    body = written(Dataset(HEADER, images, removed, left_out))
    found = reader(body)
    assert found.header() == HEADER
    notes = [LeftOut(key, reason) for key, reason in left_out.items()]
    assert list(found.entries()) == [*images, *map(Removed, removed), *notes]
    again = reader(body)
    again.header()
    assert list(again.images()) == images
    assert written(Dataset(HEADER, images, removed, left_out)) == body


def lines(*values):
    return gzip.compress(b"".join(json.dumps(value).encode() + b"\n" for value in values), mtime=0)


def first_line():
    return json.loads(gzip.decompress(written(Dataset(HEADER, []))))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no gzip",
        written(Dataset(HEADER, [IMAGE] * 3))[:-9],
        lines(),
        lines([]),
        lines({}),
        lines({**first_line(), "format": 2}),
        lines({**first_line(), "digest": "short"}),
        lines({**first_line(), "images": 5}),
        gzip.compress(b"{\n", mtime=0),
        gzip.compress(b"[" * 100_000, mtime=0),
        gzip.compress(b" " * (3 << 20)),
    ],
)
def test_what_is_no_dataset_is_refused(body):
    with pytest.raises(UnreadableDatasetError, match=r"datasets/v7.jsonl.gz cannot be read: line \d is"):
        found = reader(body)
        found.header()
        list(found.images())


@given(ARBITRARY_JSON)
def test_a_line_that_is_no_image_is_refused(value):
    found = reader(lines(first_line(), value))
    found.header()
    with pytest.raises(UnreadableDatasetError, match="line 2"):
        list(found.entries())


@pytest.mark.parametrize(
    "change", [{"label": "\ud800"}, {"role": "x"}, {"sha256": "A" * 64}, {"key": 1}, {"version_id": 1}]
)
def test_an_image_with_one_wrong_value_is_refused(change):
    good = json.loads(gzip.decompress(written(Dataset(HEADER, [IMAGE]))).splitlines()[1])
    for values, is_good in ((good, True), ({**good, **change}, False)):
        found = reader(lines(first_line(), values))
        found.header()
        if is_good:
            assert list(found.images()) == [IMAGE]
        else:
            with pytest.raises(UnreadableDatasetError):
                list(found.images())
