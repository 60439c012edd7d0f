"""A process that works on a burst of uploads as detection's task does, and tells how many seconds that took.

It has a process of its own, since the endpoint would take half of it otherwise, which no worker has to share with AWS.
"""

import sys
import time
from collections.abc import Sequence
from unittest.mock import patch

from airflow.sdk import Variable

from label_loop.context import LoopContext
from label_loop.inbox.base import Delivery
from label_loop.inbox.queue import QueueInbox
from label_loop.loop import Loop
from label_loop.payloads import UPLOADS_FOLDER
from label_loop.system_record import RecordKey
from label_loop.workflows import detection


class _TimedInbox(QueueInbox):
    """Keeps when the latest uploads were done: detected, logged, told of and deleted."""

    done_at = 0.0

    def done(self, deliveries: Sequence[Delivery]) -> None:
        super().done(deliveries)
        self.done_at = time.monotonic()


def main(path: str) -> float:
    """Work on all uploads, by what Parameter Store says, since there are no Variables."""
    with (
        patch.object(Variable, "get", lambda _, default=None, **__: default),
        patch.object(detection, "LINGER_SECONDS", 0),
    ):
        context = LoopContext.of(Loop(path), aws_conn_id=None)
        inbox = _TimedInbox(context, context.store.record.require(RecordKey.UPLOADS_QUEUE_URL), UPLOADS_FOLDER)
        began = time.monotonic()
        detection.DetectionWorkflow(context, inbox).drain()
        return inbox.done_at - began


if __name__ == "__main__":
    print(f"{main(sys.argv[1]):.3f}")
