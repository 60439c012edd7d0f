"""A dataset's entries: a JSON line for each image, by the image's address."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_aws.rekognition.dataset import (
    MAX_INVALID_SHARE,
    MAX_LABELS,
    MAX_LINES,
    MAX_MANIFEST_BYTES,
    can_be_split,
    json_line,
    split_by_label,
)
from local_aws.rekognition.manifest import read_lines

MAX_LINE_CHARACTERS = 100_000
# What AWS takes out of a dataset, while all other errors stay in it and are listed with their line.
LEFT_OUT = frozenset({"ERROR_INVALID_JSON_LINE", "ERROR_MISSING_SOURCE_REF", "ERROR_INVALID_SOURCE_REF_FORMAT"})
NO_LABELS = ("ERROR_NO_LABEL_ATTRIBUTES",)
# The service's own additions, which may come back in a line that was listed before.
ADDED_KEYS = frozenset({"cl-metadata", "errors", "warnings"})

MESSAGES = {
    "ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT": "No line of the manifest is JSON.",
    "ERROR_MANIFEST_SIZE_TOO_LARGE": f"The manifest is larger than {MAX_MANIFEST_BYTES} bytes.",
    "ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM": f"The dataset would have more than {MAX_LINES} images.",
    "ERROR_TOO_MANY_RECORDS_IN_ERROR": "Too many lines name no image, or one that another line names.",
    "ERROR_MANIFEST_TOO_MANY_LABELS": f"The dataset would have more than {MAX_LABELS} labels.",
    "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_DISTRIBUTE": "A label has too few images to be in both datasets.",
}


@dataclass(frozen=True)
class DatasetEntry:
    """One image: its line as a training reads it, its labels, and the codes of what is wrong with it."""

    source_ref: str
    line: str
    labels: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    @property
    def is_used(self) -> bool:
        """Whether a training looks at it: an image that nobody has labelled yet is passed over, without an error."""
        return bool(self.labels or self.codes)

    def listed(self) -> str:
        """Return the line with what is wrong in it."""
        if not self.codes:
            return self.line
        return json_line(json.loads(self.line), is_labeled=bool(self.labels), codes=self.codes)


type Entries = dict[str, DatasetEntry]  # by source-ref, in the order in which they were added


@dataclass(frozen=True)
class DatasetChange:
    """What an operation makes of a dataset: its entries, or the code of what keeps it from succeeding."""

    entries: Entries = field(default_factory=dict)
    code: str | None = None

    def applied_to(self, entries: Entries) -> "DatasetChange":
        """Add the entries to others; one whose image is among them takes its place."""
        if self.code:
            return self
        together = entries | self.entries
        if len(together) > MAX_LINES:
            return DatasetChange(code="ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM")
        if len(count_labels(together.values())) > MAX_LABELS:
            return DatasetChange(code="ERROR_MANIFEST_TOO_MANY_LABELS")
        return DatasetChange(together)


def read_change(body: bytes) -> DatasetChange:
    """Read JSON lines, in UTF-8, of a manifest or an update."""
    if len(body) > MAX_MANIFEST_BYTES:
        return DatasetChange(code="ERROR_MANIFEST_SIZE_TOO_LARGE")
    lines = read_lines(body.decode("utf-8", "replace"))
    if all("ERROR_INVALID_JSON_LINE" in line.codes for line in lines):
        return DatasetChange(code="ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT")
    entries: Entries = {}
    for line in lines:
        is_kept = len(line.text) <= MAX_LINE_CHARACTERS and LEFT_OUT.isdisjoint(line.codes)
        if is_kept and line.source_ref not in entries:
            entries[line.source_ref] = _entry(line.source_ref, line.content, line.labels, tuple(line.codes))
    if len(lines) - len(entries) > MAX_INVALID_SHARE * len(lines):
        return DatasetChange(code="ERROR_TOO_MANY_RECORDS_IN_ERROR")
    return DatasetChange(entries)


def _entry(
    source_ref: str, content: Mapping[str, Any], labels: tuple[str, ...], codes: tuple[str, ...]
) -> DatasetEntry:
    """Make an entry; no labels are no error in a line that says so, as those of images added in the console do."""
    said = content.get("cl-metadata")
    says_unlabeled = isinstance(said, Mapping) and said.get("is_labeled") is False
    kept = {key: value for key, value in content.items() if key not in ADDED_KEYS}
    line = json_line(kept, is_labeled=bool(labels))
    return DatasetEntry(source_ref, line, labels, () if says_unlabeled and codes == NO_LABELS else codes)


def distribute(entries: Entries) -> tuple[DatasetChange, DatasetChange]:
    """Return what stays in the training dataset, and what moves to the test dataset: a fifth of each label."""
    usable = [entry for entry in entries.values() if entry.labels and not entry.codes]
    if not usable or not can_be_split(entry.labels for entry in usable):
        failed = DatasetChange(code="ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_DISTRIBUTE")
        return failed, failed
    _, moving = split_by_label(usable, lambda entry: (entry.labels[0], entry.source_ref))
    moved = {entry.source_ref: entry for entry in moving}
    return DatasetChange({ref: entry for ref, entry in entries.items() if ref not in moved}), DatasetChange(moved)


def count_labels(entries: Iterable[DatasetEntry]) -> Counter[str]:
    """Count the images of each label."""
    return Counter(label for entry in entries for label in entry.labels)


def statistics(entries: Entries) -> dict[str, int]:
    """Sum a dataset up as DatasetStats does."""
    return {
        "TotalEntries": len(entries),
        "LabeledEntries": sum(bool(entry.labels) for entry in entries.values()),
        "TotalLabels": len(count_labels(entries.values())),
        "ErrorEntries": sum(bool(entry.codes) for entry in entries.values()),
    }


def is_asked_for(entry: DatasetEntry, request: Mapping[str, Any]) -> bool:
    """Apply the filters of ListDatasetEntries; HasErrors filters only if it is true, as AWS documents it."""
    labels = request.get("ContainsLabels")
    return (
        (labels is None or not set(labels).isdisjoint(entry.labels))
        and request.get("Labeled") in (None, bool(entry.labels))
        and request.get("SourceRefContains", "") in entry.source_ref
        and bool(entry.codes or not request.get("HasErrors"))
    )
