"""Unwraps the event in a queue message."""

from typing import Any

from label_loop.domain.json_text import read_json
from label_loop.exceptions import MalformedEventError, shown

_WRAPPINGS = 2  # an EventBridge event may be wrapped by SNS; nothing wraps deeper


def unwrapped(body: str) -> dict[str, Any]:
    """Return the JSON object in a message's body, without the envelope of SNS.

    Raises MalformedEventError if there is none.
    """
    event = _object(body)
    for _ in range(_WRAPPINGS):
        if not (isinstance(event.get("Message"), str) and "Records" not in event):
            break
        event = _object(event["Message"])
    return event


def _object(text: str) -> dict[str, Any]:
    try:
        event = read_json(text)
    except ValueError as error:
        raise MalformedEventError(f"The queue message is not a JSON object ({error}): {shown(text)}.") from error
    if not isinstance(event, dict):
        raise MalformedEventError(f"The queue message is not a JSON object: {shown(text)}.")
    return event
