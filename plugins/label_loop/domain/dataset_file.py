"""The file of a dataset: compressed JSON lines, first the header, then the images, and what is not among them."""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import IO, Any

from label_loop.domain.dataset_version import Change, Dataset, DatasetHeader, DatasetImage, DatasetRole
from label_loop.domain.json_text import read_json
from label_loop.exceptions import UnreadableDatasetError

_FORMAT = 1
_MOST_LINE_BYTES = 1 << 20
_SHA256 = frozenset("0123456789abcdef")


def write(dataset: Dataset, file: IO[bytes]) -> None:
    """Write a dataset. Equal datasets give equal bytes."""
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as stream:
        for line in _lines(dataset):
            stream.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def _lines(dataset: Dataset) -> Iterator[Mapping[str, Any]]:
    yield {"format": _FORMAT, **asdict(dataset.header)}
    for image in dataset.images:
        yield _line(image)
    for image in dataset.removed:
        yield {"removed": _line(image)}
    for key, reason in dataset.left_out.items():
        yield {"left_out": key, "reason": reason}


def _line(image: DatasetImage) -> dict[str, Any]:
    line: dict[str, Any] = {
        "key": image.key,
        "version_id": image.version_id,
        "sha256": image.sha256,
        "label": image.label,
    }
    line |= {"role": image.role, "modified": image.modified}
    if image.tests:
        line["tests"] = image.tests
    if image.change:
        line["change"] = image.change
    if image.label_before is not None:
        line["label_before"] = image.label_before
    return line


@dataclass(frozen=True)
class Removed:
    """An image of the dataset before whose content is no longer there."""

    image: DatasetImage


@dataclass(frozen=True)
class LeftOut:
    """The key of an object, or the prefix of a folder, that neither trains nor tests, and why."""

    key: str
    reason: str


class DatasetReader:
    """Reads the file of a dataset once, from its beginning, in bounded memory.

    Methods raise UnreadableDatasetError, which names the file and the line, for what ``write`` does not write.
    """

    def __init__(self, name: str, body: IO[bytes]) -> None:
        self.name = name
        self._number = 0
        self._values = self._read(gzip.GzipFile(fileobj=body, mode="rb"))

    def header(self) -> DatasetHeader:
        """Return the header; to be called first, and once."""
        values = next(self._values, {})
        if values.pop("format", None) != _FORMAT:
            raise self._problem(f"not the header of a dataset in the format {_FORMAT}")
        try:
            return _header(values)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise self._problem("a malformed header") from error

    def entries(self) -> Iterator[DatasetImage | Removed | LeftOut]:
        """Yield what comes after the header."""
        for values in self._values:
            try:
                yield _entry(values)
            except (TypeError, ValueError, KeyError) as error:
                raise self._problem("a malformed image") from error

    def images(self) -> Iterator[DatasetImage]:
        """Yield the images only."""
        return (one for one in self.entries() if isinstance(one, DatasetImage))

    def _read(self, stream: gzip.GzipFile) -> Iterator[dict[str, Any]]:
        try:
            for line in iter(lambda: stream.readline(_MOST_LINE_BYTES), b""):
                self._number += 1
                values = read_json(line)
                if not isinstance(values, dict):
                    raise self._problem("not a JSON object")
                yield values
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise self._problem("not a whole gzip file") from error
        except ValueError as error:
            raise self._problem("not JSON") from error

    def _problem(self, problem: str) -> UnreadableDatasetError:
        return UnreadableDatasetError(self.name, self._number, problem)


def _header(values: Mapping[str, Any]) -> DatasetHeader:
    parent, changes = values["parent_number"], values["changes"]
    return DatasetHeader(
        number=int(values["number"]),
        version=_text(values["version"]),
        created_at=_text(values["created_at"]),
        digest=_sha256(values["digest"]),
        images=_counts(values["images"]),
        parent_number=None if parent is None else int(parent),
        parent_digest=None if parent is None else _sha256(values["parent_digest"]),
        changes=None if changes is None else _counts(changes),
        left_out=int(values["left_out"]),
        tests=int(values["tests"]),
    )


def _entry(values: Mapping[str, Any]) -> DatasetImage | Removed | LeftOut:
    if "left_out" in values:
        return LeftOut(_text(values["left_out"]), _text(values["reason"]))
    return Removed(_image(values["removed"])) if "removed" in values else _image(values)


def _image(values: Mapping[str, Any]) -> DatasetImage:
    version_id, change, before = values["version_id"], values.get("change"), values.get("label_before")
    return DatasetImage(
        key=_text(values["key"]),
        label=_text(values["label"]),
        role=DatasetRole(values["role"]),
        sha256=_sha256(values["sha256"]),
        modified=_text(values["modified"]),
        version_id=None if version_id is None else _text(version_id),
        tests=int(values.get("tests", 0)),
        change=None if change is None else Change(change),
        label_before=None if before is None else _text(before),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    value.encode()  # JSON may hold lone surrogates, which neither keys nor files can have
    return value


def _sha256(value: Any) -> str:
    if len(_text(value)) != 64 or not set(value) <= _SHA256:
        raise ValueError
    return _text(value)


def _counts(values: Any) -> dict[str, int]:
    return {_text(name): int(count) for name, count in values.items()}
