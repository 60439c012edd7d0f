"""Selects the detections of a human sample."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Position:
    """The position of a detection in the log: by time, then by id."""

    detected_at: str
    detection_id: str


def every_nth(positions: Iterable[Position], *, after: Position, interval: int) -> Iterator[Position]:
    """Yield every ``interval``-th detection after a position, in the order of the log.

    Positions must be sorted by time. Within one timestamp they may come in any order, as from the index: they are
    sorted here, one timestamp at a time, which bounds the memory.
    """
    count = 0
    for position in _in_order(positions):
        if position <= after:
            continue
        count += 1
        if count % interval == 0:
            yield position


def _in_order(positions: Iterable[Position]) -> Iterator[Position]:
    tied: list[Position] = []
    for position in positions:
        if tied and position.detected_at != tied[0].detected_at:
            yield from sorted(tied)
            tied = []
        tied.append(position)
    yield from sorted(tied)
