"""What a listing found and could not process: it is tried five times, and then put aside.

A listing has no dead-letter queue. How often an object failed is kept in the loop's state instead, so that it survives
restarts. An object that was put aside no longer holds up the listing; it is tried again once it is written again.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from label_loop.domain.failures import failed_object_id, failure_text, put_aside_ids, with_failures
from label_loop.inbox.base import Delivery
from label_loop.payloads import MAX_RECEIVES, Event, S3Upload

if TYPE_CHECKING:
    from label_loop.context import LoopContext

log = logging.getLogger(__name__)


class PutAside:
    """The failed objects of one loop."""

    def __init__(self, context: "LoopContext") -> None:
        self.context = context

    def has(self, item: S3Upload, modified: str) -> bool:
        """Return whether an object was put aside; ``modified`` is when it was last written, in ISO 8601."""
        return failed_object_id(item, modified) in put_aside_ids(self.context.store.state.failed_objects)

    def count(self, reasons: Mapping[Delivery, str]) -> list[Delivery]:
        """Count a failure of each object; return and report those that are put aside by it.

        Each delivery has one object, and the receipt is when it was last written.
        """
        failed = {_id(delivery): (delivery, reason) for delivery, reason in reasons.items()}
        texts = {id_: failure_text(_item(delivery).key, reason) for id_, (delivery, reason) in failed.items()}
        before = put_aside_ids(self.context.store.state.failed_objects)
        state = self.context.store.change_state(
            lambda state: replace(state, failed_objects=with_failures(state.failed_objects, texts))
        )
        new = [failed[id_] for id_ in put_aside_ids(state.failed_objects) - before if id_ in failed]
        self.context.clients.announcer.publish([_event(_item(delivery), reason) for delivery, reason in new])
        return [delivery for delivery, _ in new]


def _item(delivery: Delivery) -> S3Upload:
    (item,) = delivery.events
    if not isinstance(item, S3Upload):
        raise TypeError(f"A listing delivers objects, not {item!r}")
    return item


def _id(delivery: Delivery) -> str:
    return failed_object_id(_item(delivery), delivery.receipt)


def _event(item: S3Upload, reason: str) -> Event:
    text = (
        f"{item.key} failed {MAX_RECEIVES} times and was put aside: {reason.rstrip('.')}. "
        "To try it again, remove the cause and copy the object onto itself"
    )
    log.warning("%s", text)
    return Event("failure", text, facts={"object": item.uri})
