"""Withheld reviews: detections that a day's budget had no room for are sent to review later, if a person wants that."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched, islice

from label_loop.context import LoopContext
from label_loop.domain.log_row import LogRow
from label_loop.domain.reviews import review_created
from label_loop.payloads import WORKFLOW_SOURCE, ReviewTask

log = logging.getLogger(__name__)

_BATCH = 100
_THREADS = 8


class WithheldReviewsWorkflow:
    """Sends withheld detections to review, oldest first. What was sent is not withheld any more, so it is sent once."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context

    def send(self, since: str, most: int) -> int:
        """Send up to ``most`` of the detections from a day such as 2026-11-29, in UTC; return how many.

        The budget does not count them: the person who asks for them has decided to spend more.
        """
        found = list(islice(self.context.clients.log.withheld_since(since), most))
        if found:
            _ = self.context.clients.review  # created once, before several threads use it
        sent = 0
        for some in batched(found, _BATCH):
            sent += self._send(some)
            log.info("Sent %d of %d withheld detections to review", sent, len(found))
        return sent

    def _send(self, rows: Sequence[LogRow]) -> int:
        with ThreadPoolExecutor(_THREADS) as pool:
            started = list(pool.map(self.context.clients.review.start, map(_task, rows)))
        reviews = {row.detection_id: one for row, one in zip(rows, started, strict=True)}
        new = set(self.context.clients.log.send_withheld(rows, reviews))
        events = [review_created(_task(row), reviews[row.detection_id].name) for row in rows if row.detection_id in new]
        self.context.clients.announcer.publish(events)
        return len(new)


def _task(row: LogRow) -> ReviewTask:
    return row.review_task(WORKFLOW_SOURCE)
