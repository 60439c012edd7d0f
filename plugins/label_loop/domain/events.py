"""Parses the messages of a loop's queues: S3 notifications, however wrapped, and A2I status changes."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import unquote_plus

from pydantic import AfterValidator, AliasChoices, Field, ValidationError

from label_loop.domain.envelopes import unwrapped
from label_loop.domain.external import External, Name, Text, first_problem
from label_loop.domain.reviews import detection_id_of
from label_loop.exceptions import MalformedEventError
from label_loop.payloads import ReviewEnded, S3Upload

type QueueEvent = S3Upload | ReviewEnded

_ENDED_WITHOUT_ANSWER = frozenset({"Failed", "Stopped"})


class _Bucket(External):
    name: Name


class _Object(External):
    """An object as reported by EventBridge; S3 notifications spell two of the names differently."""

    key: Name
    size: int | None = None
    etag: Text | None = Field(None, validation_alias=AliasChoices("etag", "eTag"))
    version_id: Text | None = Field(None, validation_alias=AliasChoices("version-id", "versionId"))
    sequencer: Text | None = None


class _S3Event(External):
    bucket: _Bucket
    object: _Object


def _decoded(key: str) -> str:
    return unquote_plus(key, errors="strict")


class _NotifiedObject(_Object):
    # Unlike EventBridge, S3 notifications form-encode keys: `+` is a space.
    key: Annotated[Name, AfterValidator(_decoded)]


class _NotifiedS3Event(_S3Event):
    object: _NotifiedObject


class _Record(External):
    event_name: Name
    s3: Any = None  # validated only for created objects


class _Notification(External):
    records: list[_Record] = Field(alias="Records")


class _StatusChange(External):
    human_loop_name: Name
    human_loop_status: Name
    failure_reason: Text | None = None
    failure_code: Text | None = None


def parse_message(body: str) -> list[QueueEvent]:
    """Return the events of interest in a message: created objects, and reviews that ended without an answer.

    Accepts S3's own JSON, the same wrapped by SNS, and EventBridge's format. S3's test event and other events (a
    deletion, or a completed review, whose answer arrives as an object) give an empty list.

    Raises MalformedEventError for anything else.
    """
    event = unwrapped(body)
    try:
        return _parse_event(event)
    except ValidationError as error:
        raise MalformedEventError(f"The event is malformed: {first_problem(error)}.") from error


def _parse_event(event: Mapping[str, Any]) -> list[QueueEvent]:
    if event.get("Event") == "s3:TestEvent":
        return []
    if "Records" in event:
        records = _Notification.model_validate(event).records
        created = (record for record in records if record.event_name.startswith("ObjectCreated:"))
        return [_upload(_NotifiedS3Event.model_validate(record.s3)) for record in created]
    kind, detail = event.get("detail-type"), event.get("detail")
    if kind == "SageMaker A2I HumanLoop Status Change":
        return _from_status_change(_StatusChange.model_validate(detail))
    if kind == "Object Created" or event.get("source") == "aws.s3":
        s3_event = _S3Event.model_validate(detail)
        return [_upload(s3_event)] if kind == "Object Created" else []
    raise MalformedEventError("The queue message is neither an S3 notification nor an A2I status change.")


def _upload(event: _S3Event) -> S3Upload:
    described = event.object
    return S3Upload(
        bucket=event.bucket.name,
        key=described.key,
        etag=(described.etag or "").strip('"'),
        # S3 reports the version of an unversioned object as "null" in some responses.
        version_id=described.version_id if described.version_id not in ("", "null") else None,
        sequencer=described.sequencer or None,
        size_bytes=described.size,
    )


def _from_status_change(change: _StatusChange) -> list[QueueEvent]:
    if change.human_loop_status not in _ENDED_WITHOUT_ANSWER:
        return []
    detection_id = detection_id_of(change.human_loop_name)
    if detection_id is None:
        return []  # another application's human loop: the status event goes to every subscriber
    reason = change.failure_reason or change.failure_code or "no answer in time"
    return [ReviewEnded(change.human_loop_name, detection_id, change.human_loop_status, reason)]
