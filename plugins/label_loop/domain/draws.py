"""Counts of the drawn detections, from which the live accuracy is estimated without reading the log.

A detection may be drawn twice: as the sample of its block, and because it needs review. Each draw is counted with its
weight, the number of detections that one drawn detection stands for.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

from label_loop.domain.log_row import LogRow

_REVIEW_WEIGHT_UNITS = 1000  # in one detection, since counters are whole numbers


class Stratum(StrEnum):
    """A part of the detections of which people are asked in the same way."""

    ACCEPTED = "accepted"
    UNSURE = "unsure"  # not accepted, and sent to review
    UNASKED = "unasked"  # not accepted, while the review workflow was switched off


class Draw(StrEnum):
    """Why a detection was drawn."""

    SAMPLE = "sample"  # of its block; the weight is the block's length
    REVIEW = "review"  # of those that need review; the weight is in thousandths


class Figure(StrEnum):
    """What is counted of a draw in a stratum; all but the numbers of rows and answers are sums of weights."""

    ROWS = "rows"
    WEIGHT = "weight"
    SQUARED_WEIGHT = "squared weight"
    ANSWERS = "answers"
    ANSWERED = "answered weight"
    RIGHT = "right weight"


UNASKED_ROWS = "unasked"
TWICE_WEIGHT = "drawn twice weight"  # the sum of the products of both weights
TWICE_ANSWERS = "drawn twice answers"


def stratum_of(row: LogRow) -> Stratum:
    """Return the stratum of a detection that did not fail."""
    if row.accepted:
        return Stratum.ACCEPTED
    return Stratum.UNSURE if row.needs_review else Stratum.UNASKED


def draw_counter(stratum: Stratum, draw: Draw, figure: Figure) -> str:
    """Return the counter of a figure."""
    return f"drawn {stratum} {draw} {figure}"


DRAW_COUNTERS = (
    UNASKED_ROWS,
    *(
        draw_counter(stratum, draw, figure)
        for stratum, draw in (
            (Stratum.ACCEPTED, Draw.SAMPLE),
            (Stratum.UNSURE, Draw.SAMPLE),
            (Stratum.UNSURE, Draw.REVIEW),
            (Stratum.UNASKED, Draw.SAMPLE),
        )
        for figure in Figure
    ),
    TWICE_WEIGHT,
    TWICE_ANSWERS,
)
"""All counters that there are."""


def when_detected(row: LogRow) -> Counter[str]:
    """Return the counts that a row adds when it is written."""
    counted = _of_draw(row, Draw.REVIEW)
    counted[UNASKED_ROWS] += stratum_of(row) is Stratum.UNASKED
    return +counted


def when_sampled(row: LogRow) -> Counter[str]:
    """Return the counts that a row adds when it is marked as the sample of its block, without those of an answer."""
    counted = _of_draw(row, Draw.SAMPLE)
    counted[TWICE_WEIGHT] += _weight(row, Draw.SAMPLE) * _weight(row, Draw.REVIEW)
    return +counted


def when_answered(row: LogRow, human_label: str, draws: Iterable[Draw]) -> Counter[str]:
    """Return the counts that an answer adds to those of the given draws."""
    counted: Counter[str] = Counter()
    for draw in draws:
        weight = _weight(row, draw)
        right = weight * row.agrees_with(human_label)
        counted += _of(row, draw, {Figure.ANSWERS: weight > 0, Figure.ANSWERED: weight, Figure.RIGHT: right})
        # The sample mark may come before or after the answer; either way it is counted once.
        counted[TWICE_ANSWERS] += draw is Draw.SAMPLE and weight > 0 and _weight(row, Draw.REVIEW) > 0
    return +counted


def _of_draw(row: LogRow, draw: Draw) -> Counter[str]:
    weight = _weight(row, draw)
    return _of(row, draw, {Figure.ROWS: weight > 0, Figure.WEIGHT: weight, Figure.SQUARED_WEIGHT: weight**2})


def _of(row: LogRow, draw: Draw, figures: Mapping[Figure, int]) -> Counter[str]:
    return Counter({draw_counter(stratum_of(row), draw, figure): int(number) for figure, number in figures.items()})


def _weight(row: LogRow, draw: Draw) -> int:
    """Return the weight of a draw, 0 if the row was not drawn."""
    if draw is Draw.SAMPLE:
        return row.sample_weight or 0
    return round(_REVIEW_WEIGHT_UNITS / row.drawn_chance) if row.drawn_chance else 0
