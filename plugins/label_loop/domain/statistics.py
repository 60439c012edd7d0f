"""Counts of the rows of the inference log, by day and project version.

Every change of the log updates the counts in the same transaction, so that no report has to read the log. The sum of
a row's updates, in any order, equals ``of_row`` of its final form.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from label_loop.domain.draws import Draw, when_answered, when_detected, when_sampled
from label_loop.domain.log_row import LogRow

BUCKETS = 20  # of confidence, 5 % each; the last includes 100 %
DETECTIONS = "detections"
FAILED = "failed"
GIVEN_UP = "given_up"  # uploads that have no row, since Rekognition failed on them five times
ACCEPTED = "accepted"
SENT_TO_REVIEW = "sent_to_review"
WITHHELD = "withheld"  # not sent to review, since the day's budget had no room
SAMPLED = "sampled"
WITHDRAWN = "withdrawn"  # from review, since a newer version is sure
REVIEWS = "review"  # answers to reviews of the workflow, which are about low confidences
SAMPLES = "sample"  # answers to human samples, whatever their confidence

_MAX_LABEL_BYTES = 120
_KEPT_LABEL_BYTES = 108  # plus the digest: longer than any label that is kept whole
_MAX_VERSION_CHARACTERS = 255


class StatisticsKey(NamedTuple):
    """The key of an item in the table of statistics, which has the counters of one day and project version.

    Pairs of labels are kept in a separate item. The other counters fit into an item: at most 250 labels per version,
    with names of some 130 bytes. Pairs are unbounded, and must never keep a detection from being counted.
    """

    month: str
    day_and_version: str

    @classmethod
    def of(cls, row: LogRow) -> "StatisticsKey | None":
        """Return the key of the item that counts a row, or None for a row without a valid date."""
        day = row.detected_at[:10]
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
            return None
        return cls._on(day, row.project_version_arn)

    @classmethod
    def of_given_up(cls, day: str, arn: str) -> "StatisticsKey":
        """Return the key of the item that counts the uploads of a day that a version gave no result for.

        It is an item of its own, since these counts cannot be made again from the log.
        """
        key = cls._on(day, arn)
        return cls(key.month, f"{key.day_and_version}#given-up")

    @classmethod
    def _on(cls, day: str, arn: str) -> "StatisticsKey":
        return cls(day[:7], f"{day}#{version_name(arn)}")

    @property
    def pairs(self) -> "StatisticsKey":
        """The key of the item with the pairs of labels of the same day and version."""
        return StatisticsKey(self.month, f"{self.day_and_version}#pairs")

    @property
    def is_of_pairs(self) -> bool:
        """Whether the item has pairs of labels."""
        return self.day_and_version.count("#") > 1

    @property
    def day_and_version_name(self) -> tuple[str, str]:
        """The day, such as 2026-11-25, and the name of the version."""
        day, version = self.day_and_version.split("#")[:2]
        return day, version


type Counts = dict[StatisticsKey, Counter[str]]


def version_name(arn: str) -> str:
    """Return the version name in a project version's ARN, else the ARN or "unknown"; # is replaced by -."""
    name = arn.partition("/version/")[2].partition("/")[0] or arn or "unknown"
    return name.replace("#", "-")[:_MAX_VERSION_CHARACTERS]


def of_detection(row: LogRow) -> Counts:
    """Return the counts that a row adds when it is written."""
    item = StatisticsKey.of(row)
    if item is None:
        return {}
    if row.failure is not None:
        return {item: Counter([FAILED])}
    counters = [DETECTIONS, bucket_counter(_bucket(row)), label_counter(row.detected_label)]
    if row.accepted:
        counters.append(ACCEPTED)
    elif row.withheld:  # also if it has a review by now, as a human sample
        counters.append(WITHHELD)
    elif row.needs_review and row.has_review and row.review_failure is None:
        counters.append(SENT_TO_REVIEW)
    return {item: Counter(counters) + when_detected(row)}


def of_answer(row: LogRow, human_label: str) -> Counts:
    """Return the counts that a row adds when its human label is set."""
    sources = [REVIEWS] * row.needs_review + [SAMPLES] * row.is_sampled
    return summed([*(_of_pair(row, human_label, source) for source in sources), _of_draws(row, human_label, *Draw)])


def of_sample(row: LogRow) -> Counts:
    """Return the counts that a sampled row has added when it was marked, including those of an earlier answer."""
    item = StatisticsKey.of(row)
    if item is None:
        return {}
    marked = {item: Counter([SAMPLED]) + when_sampled(row)}
    if row.human_label is None:
        return marked
    answered = _of_pair(row, row.human_label, SAMPLES)
    return summed([marked, answered, _of_draws(row, row.human_label, Draw.SAMPLE)])


def of_withdrawal(row: LogRow) -> Counts:
    """Return the counts that a row adds when its review is withdrawn."""
    item = StatisticsKey.of(row)
    return {item: Counter([WITHDRAWN])} if item else {}


def of_late_review(row: LogRow) -> Counts:
    """Return the counts that a withheld row adds when it is sent to review after all."""
    item = StatisticsKey.of(row)
    return {item: Counter({SENT_TO_REVIEW: 1, WITHHELD: -1})} if item else {}


def of_row(row: LogRow) -> Counts:
    """Return all counts that a row has added so far."""
    parts = [of_detection(row)]
    if row.human_label is not None:
        parts += [_of_pair(row, row.human_label, REVIEWS)] if row.needs_review else []
        parts.append(_of_draws(row, row.human_label, Draw.REVIEW))
    if row.is_sampled:
        parts.append(of_sample(row))
    if row.is_withdrawn:
        parts.append(of_withdrawal(row))
    return summed(parts)


def summed(parts: Iterable[Counts]) -> Counts:
    """Return the sum of counts."""
    total: Counts = {}
    for part in parts:
        for item, counters in part.items():
            total.setdefault(item, Counter()).update(counters)
    return total


def without_pairs(counts: Counts) -> Counts:
    """Return the counts without the pairs of labels, for when their item is full."""
    return {item: counters for item, counters in counts.items() if not item.is_of_pairs}


def answered_counter(source: str) -> str:
    """Return the counter of a source's answers."""
    return f"{source}_answered"


def agreed_counter(source: str) -> str:
    """Return the counter of a source's answers that agree with the model."""
    return f"{source}_agreed"


def bucket_counter(bucket: int) -> str:
    """Return the counter of a confidence bucket, 0 to 19."""
    return f"confidence {bucket}"


def label_counter(label: str) -> str:
    """Return the counter of a detected label; "" is no label."""
    return f"label {_as_text([_short(label)])}"


def pair_counter(source: str, detected: str, human: str) -> str:
    """Return the counter of a pair of detected and human label."""
    return f"pair {_as_text([source, _short(detected), _short(human)])}"


def labels_in(counter: str) -> list[str]:
    """Return the arguments of ``label_counter`` or ``pair_counter``; [] for other counters."""
    kind, _, text = counter.partition(" ")
    return [str(part) for part in json.loads(text)] if kind in {"label", "pair"} else []


def _of_pair(row: LogRow, human_label: str, source: str) -> Counts:
    item = StatisticsKey.of(row)
    if item is None:
        return {}
    counters = Counter([answered_counter(source)])
    if row.agrees_with(human_label):
        counters.update([agreed_counter(source)])
    return {item: counters, item.pairs: Counter([pair_counter(source, row.detected_label, human_label)])}


def _of_draws(row: LogRow, human_label: str, *draws: Draw) -> Counts:
    item, counters = StatisticsKey.of(row), when_answered(row, human_label, draws)
    return {item: counters} if item and counters else {}


def _bucket(row: LogRow) -> int:
    return min(max(int(row.confidence_percent * BUCKETS // 100), 0), BUCKETS - 1)


def _as_text(parts: list[str]) -> str:
    # JSON separates the parts unambiguously.
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def _short(label: str) -> str:
    """Return a label, or the start of a long one with a digest, to bound the name of the counter."""
    text = label.encode()
    if len(text) <= _MAX_LABEL_BYTES:
        return label
    start = text[:_KEPT_LABEL_BYTES].decode(errors="ignore")
    return f"{start}…{hashlib.sha256(text).hexdigest()[:16]}"
