"""What the rows of the inference log add up to, by day and project version.

Every change of the log is counted with it, so that nobody has to read the log to know how many there are. What a
row has added to the counts by all its changes is what ``of_row`` says of it at the end, in whatever order they came.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from label_loop.domain.log_row import LogRow

BUCKETS = 20  # of confidence, 5 % each; 100 % is in the last
DETECTIONS = "detections"
FAILED = "failed"
ACCEPTED = "accepted"
SENT_TO_REVIEW = "sent_to_review"
SAMPLED = "sampled"
REVIEWS = "review"  # of what the workflow sent to people: the model was unsure
SAMPLES = "sample"  # of what human sampling chose, whatever the model said

_LONGEST_LABEL_BYTES = 120
_KEPT_LABEL_BYTES = 108  # with what stands for the rest, longer than any label that is kept whole
_LONGEST_VERSION = 255


class Item(NamedTuple):
    """The key of an item in the table of statistics: its counters are of one day and project version.

    The pairs of labels have an item of their own. The other counters are bounded: a version has at most 250 labels,
    and a counter's name at most some 130 bytes. Pairs are not, and must never keep a detection from being counted.
    """

    month: str
    day_and_version: str

    @classmethod
    def of(cls, row: LogRow) -> "Item | None":
        """Return the item that counts a row, or None for a row without a day."""
        day = row.detected_at[:10]
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
            return None
        return cls(day[:7], f"{day}#{version_name(row.project_version_arn)}")

    @property
    def pairs(self) -> "Item":
        """The item beside this one that has its pairs of labels."""
        return Item(self.month, f"{self.day_and_version}#pairs")

    @property
    def is_of_pairs(self) -> bool:
        """Whether this is such an item."""
        return self.day_and_version.count("#") > 1

    @property
    def day_and_version_name(self) -> tuple[str, str]:
        """The day, as 2026-11-25, and the version's name."""
        day, version = self.day_and_version.split("#")[:2]
        return day, version


type Counts = dict[Item, Counter[str]]


def version_name(arn: str) -> str:
    """Return the name in a project version's ARN, or what there is of it: text without number signs."""
    name = arn.partition("/version/")[2].partition("/")[0] or arn or "unknown"
    return name.replace("#", "-")[:_LONGEST_VERSION]


def of_detection(row: LogRow) -> Counts:
    """Return what a row adds when it is written."""
    item = Item.of(row)
    if item is None:
        return {}
    if row.failure is not None:
        return {item: Counter([FAILED])}
    counters = [DETECTIONS, bucket_counter(_bucket(row)), label_counter(row.detected_label)]
    if row.accepted:
        counters.append(ACCEPTED)
    elif row.needs_review and row.has_review and row.review_failure is None:
        counters.append(SENT_TO_REVIEW)
    return {item: Counter(counters)}


def of_answer(row: LogRow, human_label: str) -> Counts:
    """Return what a row adds when a person's label is set on it."""
    sources = [REVIEWS] * row.needs_review + [SAMPLES] * row.is_sampled
    return summed(_of_pair(row, human_label, source) for source in sources)


def of_sample(row: LogRow) -> Counts:
    """Return what a row adds when it is marked as sampled; its answer may have come before."""
    item = Item.of(row)
    if item is None:
        return {}
    marked = {item: Counter([SAMPLED])}
    return marked if row.human_label is None else summed([marked, _of_pair(row, row.human_label, SAMPLES)])


def of_row(row: LogRow) -> Counts:
    """Return all that a row has added to the counts so far."""
    parts = [of_detection(row)]
    if row.human_label is not None and row.needs_review:
        parts.append(_of_pair(row, row.human_label, REVIEWS))
    if row.is_sampled:
        parts.append(of_sample(row))
    return summed(parts)


def summed(parts: Iterable[Counts]) -> Counts:
    """Return the sum of counts."""
    total: Counts = {}
    for part in parts:
        for item, counters in part.items():
            total.setdefault(item, Counter()).update(counters)
    return total


def without_pairs(counts: Counts) -> Counts:
    """Return the counts without the pairs of labels, for where their item has no room left."""
    return {item: counters for item, counters in counts.items() if not item.is_of_pairs}


def answered_counter(source: str) -> str:
    """Return the counter of a source's answers."""
    return f"{source}_answered"


def agreed_counter(source: str) -> str:
    """Return the counter of a source's answers that agree with the model."""
    return f"{source}_agreed"


def bucket_counter(bucket: int) -> str:
    """Return the counter of a bucket of confidence, 0 to 19."""
    return f"confidence {bucket}"


def label_counter(label: str) -> str:
    """Return the counter of a detected label; the empty one is no label."""
    return f"label {_as_text([_short(label)])}"


def pair_counter(source: str, detected: str, human: str) -> str:
    """Return the counter of a detected label and what a person said instead, or too."""
    return f"pair {_as_text([source, _short(detected), _short(human)])}"


def labels_in(counter: str) -> list[str]:
    """Return what ``label_counter`` or ``pair_counter`` was given, or nothing for other counters."""
    kind, _, text = counter.partition(" ")
    return [str(part) for part in json.loads(text)] if kind in {"label", "pair"} else []


def _of_pair(row: LogRow, human_label: str, source: str) -> Counts:
    item = Item.of(row)
    if item is None:
        return {}
    counters = Counter([answered_counter(source)])
    if row.agrees_with(human_label):
        counters.update([agreed_counter(source)])
    return {item: counters, item.pairs: Counter([pair_counter(source, row.detected_label, human_label)])}


def _bucket(row: LogRow) -> int:
    return min(max(int(row.confidence_percent * BUCKETS // 100), 0), BUCKETS - 1)


def _as_text(parts: list[str]) -> str:
    # JSON keeps the parts apart whatever is in them.
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def _short(label: str) -> str:
    """Return a label as it is, or the start of a long one with a digest: the name of a counter has to be bounded."""
    text = label.encode()
    if len(text) <= _LONGEST_LABEL_BYTES:
        return label
    start = text[:_KEPT_LABEL_BYTES].decode(errors="ignore")
    return f"{start}…{hashlib.sha256(text).hexdigest()[:16]}"
