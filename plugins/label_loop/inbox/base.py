"""What every inbox gives and takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from label_loop.domain.events import QueueEvent

BATCH_SIZE = 50


@dataclass(frozen=True)
class Delivery:
    """Events that are done together, and what to give back when they are; ``body`` and ``receives`` are a message's."""

    events: tuple[QueueEvent, ...]
    receipt: str
    body: str = ""
    receives: int = 0


class Inbox(Protocol):
    """Gives work at least once: what is not told to be done comes again."""

    def receive(self, wait_seconds: int) -> list[Delivery]:
        """Return some deliveries, waiting a while for the first; an empty list where there are none."""
        ...

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Tell that the work of these deliveries is finished and must not come again."""
        ...

    def failed(self, reasons: Mapping[Delivery, str]) -> None:
        """Tell why the work of some deliveries failed. They come again, or are given up for good."""
        ...

    def has_news(self) -> bool:
        """Return whether something is not done yet, be it that it is worked on; nothing is received."""
        ...

    def has_work(self) -> bool:
        """Return whether there is something to receive now, without receiving it."""
        ...
