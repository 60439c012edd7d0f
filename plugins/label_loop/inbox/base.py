"""The contract of an inbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from label_loop.domain.events import QueueEvent

BATCH_SIZE = 50


@dataclass(frozen=True)
class Delivery:
    """Events that are completed together, and the receipt to acknowledge them.

    ``body`` and ``receives`` (how often it was received) are those of an SQS message; ``refusal`` is why a part of it
    is refused, or "".
    """

    events: tuple[QueueEvent, ...]
    receipt: str
    body: str = ""
    receives: int = 0
    refusal: str = ""


class Inbox(Protocol):
    """Delivers work at least once: a delivery that is not marked as done is redelivered."""

    def receive(self, wait_seconds: int) -> list[Delivery]:
        """Return a batch of deliveries, waiting up to ``wait_seconds`` for the first; [] if there are none."""
        ...

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Mark deliveries as done, so that they are not redelivered."""
        ...

    def failed(self, reasons: Mapping[Delivery, str]) -> list[Delivery]:
        """Mark deliveries as failed, with the reasons; return those that have failed for good.

        These were moved to the dead-letter queue or put aside. The others are redelivered.
        """
        ...

    def has_unfinished(self) -> bool:
        """Return whether anything is not done yet, in flight or not, without receiving it."""
        ...

    def has_work(self) -> bool:
        """Return whether anything can be received now, without receiving it."""
        ...
