"""What S3 sends when an object is written or deleted."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from urllib.parse import quote_plus
from uuid import uuid4

from moto.s3 import notifications
from moto.s3.models import S3Backend

from local_aws.events import emit
from local_aws.moto_patches.patch import patch

OPERATION: ContextVar[str | None] = ContextVar("operation", default=None)  # what moto is answering
_SEQUENCER = "local_aws_sequencer"  # attribute of moto's key: one upload has one, whoever is notified of it
_REASONS = {"Put": "PutObject", "Post": "POST Object", "Copy": "CopyObject", "Delete": "DeleteObject"}
_PRINCIPAL = {"principalId": "LOCALAWS"}
_TAGGED = notifications.S3NotificationEvent.OBJECT_TAGGING_PUT_EVENT


class _Sequencers:
    """Hexadecimal texts of one length that only grow."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last = 0

    def next(self) -> str:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns())
            return f"{self._last:018X}"


_SEQUENCERS = _Sequencers()


@patch((notifications, "send_event"))
def give_events_a_sequencer(
    original: Callable[..., None], account_id: str, event_name: Any, bucket: Any, key: Any
) -> None:
    """Give each event a sequencer, the same in all its destinations.

    moto 5.2.5 sends none to queues and topics, and one for ever to EventBridge. AWS documents a hexadecimal text by
    which the events of one key can be ordered ("Event message structure").
    """
    setattr(key, _SEQUENCER, _SEQUENCERS.next())
    original(account_id, event_name, bucket, key)


@patch((notifications, "send_event"))
def send_no_tags_that_nobody_set(
    original: Callable[..., None], account_id: str, event_name: Any, bucket: Any, key: Any
) -> None:
    """Announce tags when PutObjectTagging sets them.

    moto 5.2.5 sets tags at each upload, none of them mostly, and announces ObjectTagging:Put. AWS documents that
    event for tags that were PUT on an object ("Supported event types").
    """
    if event_name != _TAGGED or OPERATION.get() == "PutObjectTagging":
        original(account_id, event_name, bucket, key)


@patch((S3Backend, "put_object"))
def announce_a_multipart_upload_once(
    original: Callable[..., Any], backend: S3Backend, *args: Any, **options: Any
) -> Any:
    """Announce a multipart upload when it is complete.

    moto 5.2.5 announces it as ObjectCreated:Put, and again as ObjectCreated:CompleteMultipartUpload. AWS documents
    an event type for each API that creates an object, of which this is the second ("Supported event types").
    """
    if options.get("multipart") is not None:
        options["disable_notification"] = True
    return original(backend, *args, **options)


@patch((notifications, "_get_s3_event"))
def send_the_record_of_s3(
    _: Callable[..., Any], event_name: str, bucket: Any, key: Any, notification_id: str
) -> dict[str, Any]:
    """Make the message about one object, with all that S3 says in it.

    moto 5.2.5 writes %2F for the slashes of a key, and leaves out versionId, sequencer, ownerIdentity and who made
    the request; a deletion has size and eTag. AWS documents them ("Event message structure"): keys are URL-encoded,
    as "red+flower.jpg" in the example, versionId is there where the bucket keeps versions, and size and eTag where
    there is an object.
    """
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": bucket.region_name,
                "eventTime": _iso_now(),
                "eventName": event_name.removeprefix("s3:"),
                "userIdentity": _PRINCIPAL,
                "requestParameters": {"sourceIPAddress": "127.0.0.1"},
                "responseElements": {"x-amz-request-id": str(uuid4()), "x-amz-id-2": str(uuid4())},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": notification_id,
                    "bucket": {"name": bucket.name, "ownerIdentity": _PRINCIPAL, "arn": bucket.arn},
                    "object": {
                        "key": quote_plus(key.name, safe="/*"),
                        **_about(event_name, bucket, key, "eTag", "versionId"),
                    },
                },
            }
        ]
    }


@patch((notifications, "_send_event_bridge_message"))
def send_event_bridge_the_detail_of_s3(
    _: Callable[..., None], account_id: str, bucket: Any, event_name: Any, key: Any
) -> None:
    """Put the event about one object on the default bus, with all that S3 says in it.

    moto 5.2.5 names the eTag "eTag", gives each event the same sequencer, has a version-id in buckets without
    versions, and sends events to rules of every bus. AWS documents "etag", "sequencer", and "version-id" where the
    bucket keeps versions ("EventBridge event message structure"); AWS services send their events to the default
    bus.
    """
    kind = event_name.rpartition(":")[2]
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": {"key": key.name, **_about(event_name, bucket, key, "etag", "version-id")},
        "request-id": str(uuid4()),
        "requester": account_id,
        "source-ip-address": "127.0.0.1",
        "reason": _REASONS.get(kind, kind),
    }
    emit(bucket.region_name, "aws.s3", notifications._detail_type(event_name), [bucket.arn], detail)


def _about(event_name: str, bucket: Any, key: Any, etag: str, version: str) -> dict[str, Any]:
    about: dict[str, Any] = {}
    if not event_name.startswith("s3:ObjectRemoved:"):
        about |= {"size": key.size, etag: key.etag.replace('"', "")}
    if bucket.is_versioned:
        about[version] = key.version_id
    sequencer = getattr(key, _SEQUENCER, None)
    return about | ({"sequencer": sequencer} if sequencer else {})


def _iso_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
