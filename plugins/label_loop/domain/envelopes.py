"""What wraps an event in the message of a queue."""

import json
from typing import Any

from label_loop.exceptions import MalformedEventError, shown

_WRAPPINGS = 2  # an EventBridge event may be wrapped by SNS; nothing wraps deeper


def unwrapped(body: str) -> dict[str, Any]:
    """Return the JSON object that a message's body is, or that SNS wrapped in it.

    Raises MalformedEventError where there is none.
    """
    event = _object(body)
    for _ in range(_WRAPPINGS):
        if not (isinstance(event.get("Message"), str) and "Records" not in event):
            break
        event = _object(event["Message"])
    return event


def _object(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise MalformedEventError(f"A queue message is not a JSON object: {shown(text)}.")
    return event
