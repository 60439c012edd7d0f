"""Which detections a human sample takes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Position:
    """Where a detection stands in the log: by time, and by id among those of one time."""

    detected_at: str
    detection_id: str


def every_nth(positions: Iterable[Position], *, after: Position, interval: int) -> Iterator[Position]:
    """Yield each ``interval``-th detection after a position, in the log's order.

    The positions may come in any order within one timestamp, as the index gives them; they are put in order
    here, one timestamp at a time, so that any number of detections fits.
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
