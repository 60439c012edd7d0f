"""Reads the messages of a loop's queues: S3 notifications, however wrapped, and A2I status changes."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from label_loop.domain.reviews import detection_id_of
from label_loop.exceptions import MalformedEventError, shown
from label_loop.payloads import ReviewEnded, S3Upload

type QueueEvent = S3Upload | ReviewEnded

_ENDED_WITHOUT_ANSWER = frozenset({"Failed", "Stopped"})
_WRAPPINGS = 2  # an EventBridge event may be wrapped by SNS; nothing wraps deeper


def parse_message(body: str) -> list[QueueEvent]:
    """Return what a message's body tells: objects created and reviews that ended without an answer.

    Takes S3's own JSON, the same wrapped by SNS, and EventBridge's forms. S3's test event and events of no
    interest (a deletion, a completed review, whose answer arrives as an object) give an empty list.

    Raises MalformedEventError for everything else.
    """
    event = _object(body)
    for _ in range(_WRAPPINGS):
        if not (isinstance(event.get("Message"), str) and "Records" not in event):
            break
        event = _object(event["Message"])
    try:
        return _parse_event(event)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise MalformedEventError(f"An event is not as S3 and A2I send them: {shown(str(error))}.") from error


def _object(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise MalformedEventError(f"A queue message is not a JSON object: {shown(text)}.")
    return event


def _parse_event(event: Mapping[str, Any]) -> list[QueueEvent]:
    if event.get("Event") == "s3:TestEvent":
        return []
    if "Records" in event:
        created = (r for r in event["Records"] if str(r["eventName"]).startswith("ObjectCreated:"))
        return [_from_notification(record["s3"]) for record in created]
    kind = event.get("detail-type")
    if kind == "Object Created":
        return [_from_event_bridge(event["detail"])]
    if kind == "SageMaker A2I HumanLoop Status Change":
        return _from_status_change(event["detail"])
    raise MalformedEventError("A queue message is neither an S3 notification nor an A2I status change.")


def _from_notification(s3: Mapping[str, Any]) -> S3Upload:
    described = s3["object"]
    return _upload(
        bucket=s3["bucket"]["name"],
        # Notifications, unlike EventBridge, carry keys as a form would: `+` is a space.
        key=unquote_plus(described["key"], errors="strict"),
        described=described,
        version_id=described.get("versionId"),
        etag=described.get("eTag"),
    )


def _from_event_bridge(detail: Mapping[str, Any]) -> S3Upload:
    described = detail["object"]
    return _upload(
        bucket=detail["bucket"]["name"],
        key=described["key"],
        described=described,
        version_id=described.get("version-id"),
        etag=described.get("etag"),
    )


def _upload(bucket: object, key: object, described: Mapping[str, Any], version_id: object, etag: object) -> S3Upload:
    if not (isinstance(bucket, str) and bucket and isinstance(key, str) and key):
        raise MalformedEventError("An S3 event names no bucket or no key.")
    size = described.get("size")
    sequencer = described.get("sequencer")
    upload = S3Upload(
        bucket=bucket,
        key=key,
        etag=str(etag or "").strip('"'),
        # S3 calls the one version of an unversioned object "null" in some answers.
        version_id=str(version_id) if version_id not in (None, "", "null") else None,
        sequencer=str(sequencer) if sequencer else None,
        size_bytes=size if isinstance(size, int) else None,
    )
    # JSON can hold half a character, which S3 never sends and nothing can write: a ValueError here, not later.
    f"{upload.uri}{upload.etag}{upload.version_id}{upload.sequencer}".encode()
    return upload


def _from_status_change(detail: Mapping[str, Any]) -> list[QueueEvent]:
    status = str(detail["humanLoopStatus"])
    if status not in _ENDED_WITHOUT_ANSWER:
        return []
    name = str(detail["humanLoopName"])
    detection_id = detection_id_of(name)
    if detection_id is None:
        return []  # another application's human loop: the status event goes to every subscriber
    reason = str(detail.get("failureReason") or detail.get("failureCode") or "no answer came in time")
    return [ReviewEnded(name, detection_id, status, reason)]
