"""Draws the detections whose answers estimate how good the model is, each with a known chance.

Two draws are independent of each other and of what is in an image: of each block of consecutive detections one is
sampled, and of those that need review some are drawn. Which ones depends on a secret of the loop, so that nobody who
uploads images can tell, and is the same however often it is asked.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

UNBUDGETED_CHANCE = 0.3
_BUDGET_SHARE = 0.3  # of a day's reviews, for those that are drawn
_LEAST_CHANCE = 0.0001  # as precise as it is stored
_HASHES = 2**64


@dataclass(frozen=True, order=True)
class Position:
    """The position of a detection in the log: by time, then by id."""

    detected_at: str
    detection_id: str


@dataclass(frozen=True)
class Block:
    """Consecutive detections: how many, the last one's position, and the one drawn, None if one was drawn before."""

    length: int
    end: Position
    drawn_id: str | None


def closed_blocks(
    positions: Iterable[Position],
    *,
    after: Position,
    length: int,
    until: str,
    taken: Mapping[Position, int],
    secret: str,
) -> Iterator[Block]:
    """Yield the blocks of ``length`` detections after a position that are full and end at the latest ``until``.

    Positions must be sorted by time. Within one timestamp they may come in any order, as from the index: they are
    sorted here, one timestamp at a time. Memory does not depend on the length of a block.

    ``taken`` are the detections after the position that an interrupted run has sampled, with the length of their
    blocks. Up to the last of them blocks have that length, whatever ``length`` is by now, so that the run is continued
    as it began.
    """
    lengths = sorted(taken.items(), reverse=True)
    own, count, has_taken = length, 0, False
    least: tuple[bytes, str] | None = None
    for position in _in_order(positions):
        if position <= after:
            continue
        if not count:
            while lengths and lengths[-1][0] < position:
                lengths.pop()
            own, has_taken, least = (lengths[-1][1] if lengths else length), False, None
        count += 1
        has_taken |= position in taken
        hashed = (_hashed(secret, position.detection_id), position.detection_id)
        least = min(least, hashed) if least else hashed
        if count == own:
            if position.detected_at > until:
                return
            yield Block(count, position, None if has_taken else least[1])
            count = 0


def _in_order(positions: Iterable[Position]) -> Iterator[Position]:
    tied: list[Position] = []
    for position in positions:
        if tied and position.detected_at != tied[0].detected_at:
            yield from sorted(tied)
            tied = []
        tied.append(position)
    yield from sorted(tied)


def drawn_chance(budget_per_day: int = 0, unsure_per_day: float = 0.0) -> float:
    """Return the chance with which a detection that needs review is drawn, at least 0.0001.

    Drawn ones take up 30 % of a day's reviews. ``unsure_per_day`` is how many detections need review in a day; 0 is an
    unknown number. Without a budget (0) the chance is 30 %.
    """
    if not (budget_per_day and unsure_per_day):
        return UNBUDGETED_CHANCE
    return min(1.0, max(_LEAST_CHANCE, round(_BUDGET_SHARE * budget_per_day / unsure_per_day, 4)))


def is_drawn(detection_id: str, chance: float, secret: str) -> bool:
    """Return whether a detection that needs review is drawn."""
    # The prefix makes this draw independent of that within blocks.
    hashed = int.from_bytes(_hashed(secret, f"review {detection_id}")[:8])
    return hashed < chance * _HASHES


def _hashed(secret: str, text: str) -> bytes:
    return hmac.digest(secret.encode(), text.encode(), "sha256")
