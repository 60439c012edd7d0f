"""The retention period of SQS's messages."""

import time
from collections.abc import Callable
from typing import Any

from moto.sqs.models import Message, SQSBackend

from local_aws.moto_patches.patch import patch


@patch((SQSBackend, "is_message_valid_based_on_retention_period"))
def read_the_retention_period_alone(
    _: Callable[..., bool], backend: SQSBackend, queue_name: str, message: Message
) -> bool:
    """Read the one attribute that says how long messages are kept.

    moto 5.2.5 computes all of a queue's attributes for each message that it hands out, for which it counts all
    others: 0.4 seconds a call beside 600 messages. AWS's ReceiveMessage does not slow down with a queue's length.
    """
    # moto sets these by name, so its types do not know them.
    queue: Any = backend.get_queue(queue_name)
    sent_ms: Any = message.sent_timestamp
    return bool(queue.message_retention_period + sent_ms / 1000 > time.time())
