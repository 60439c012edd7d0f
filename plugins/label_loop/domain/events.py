"""Parses the messages of a loop's queues: S3 notifications, however wrapped, and A2I status changes."""

from collections.abc import Mapping
from dataclasses import dataclass
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
_A2I_STATUS = "SageMaker A2I HumanLoop Status Change"
_CREATED = "Object Created"


@dataclass(frozen=True)
class Message:
    """What a queue message reports: the events of interest, and why other parts of it are refused, "" if none are."""

    events: tuple[QueueEvent, ...] = ()
    refusal: str = ""


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
    records: list[Any] = Field(alias="Records")  # each is validated separately


class _BridgeEvent(External):
    """Any event of EventBridge."""

    source: Name
    detail_type: Name = Field(alias="detail-type")
    detail: dict[str, Any]


class _StatusChange(External):
    human_loop_name: Name
    human_loop_status: Name
    failure_reason: Text | None = None
    failure_code: Text | None = None


def parse_message(body: str) -> Message:
    """Return what a message reports: created objects, and reviews that ended without an answer.

    Accepts S3's own JSON, the same wrapped by SNS, and EventBridge's format. S3's test event and other well-formed
    events (a deletion, or a completed review, whose answer arrives as an object) are of no interest. In a notification
    of several objects, a malformed one does not affect the others.

    Raises MalformedEventError for anything else.
    """
    event = unwrapped(body)
    try:
        return _parse_notification(event) if "Records" in event else Message(tuple(_parse_event(event)))
    except ValidationError as error:
        raise MalformedEventError(f"The event is malformed: {first_problem(error)}.") from error


def _parse_notification(event: Mapping[str, Any]) -> Message:
    """Return the created objects of a notification.

    Raises MalformedEventError if every record is malformed, and ValidationError if there is no list of records.
    """
    records = _Notification.model_validate(event).records
    events: list[QueueEvent] = []
    problems: list[str] = []
    for number, record in enumerate(records, 1):
        try:
            created = _Record.model_validate(record)
            if created.event_name.startswith("ObjectCreated:"):
                events.append(_upload(_NotifiedS3Event.model_validate(created.s3)))
        except ValidationError as error:
            problems.append(f"Record {number} of {len(records)} is malformed: {first_problem(error)}.")
    if problems and len(problems) == len(records):
        raise MalformedEventError(problems[0])
    return Message(tuple(events), problems[0] if problems else "")


def _parse_event(event: Mapping[str, Any]) -> list[QueueEvent]:
    if event.get("Event") == "s3:TestEvent":
        return []
    kind, detail = event.get("detail-type"), event.get("detail")
    if kind == _A2I_STATUS:
        return _from_status_change(_StatusChange.model_validate(detail))
    if kind == _CREATED or event.get("source") == "aws.s3":
        s3_event = _S3Event.model_validate(detail)
        return [_upload(s3_event)] if kind == _CREATED else []
    if kind is None:
        raise MalformedEventError("The queue message is neither an S3 notification nor an event of EventBridge.")
    _BridgeEvent.model_validate(event)
    return []


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
