"""Events as AWS sends them, where moto's differ or are missing.

All that is changed in moto is changed by ``install``, each with its reason.
"""

import copy
import functools
import json
import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from urllib.parse import quote_plus
from uuid import uuid4

import jsonpath_ng.ext
from moto.events.models import Rule, events_backends
from moto.s3 import notifications
from moto.s3.models import S3Backend
from moto.sns.models import sns_backends

from local_aws.moto_lock import MOTO_LOCK
from local_aws.services import ACCOUNT_ID

_LOG = logging.getLogger(__name__)
_SEQUENCER = "local_aws_sequencer"  # attribute of moto's key: one upload has one, whoever is told of it
_REASONS = {"Put": "PutObject", "Post": "POST Object", "Copy": "CopyObject", "Delete": "DeleteObject"}
_PRINCIPAL = {"principalId": "LOCALAWS"}
_TAGGED = notifications.S3NotificationEvent.OBJECT_TAGGING_PUT_EVENT
OPERATION: ContextVar[str | None] = ContextVar("operation", default=None)  # what moto is answering
_installed: list[bool] = []


def install() -> None:
    """Mend moto, once a process."""
    if _installed:
        return
    _installed.append(True)
    # For each event and rule a grammar is built anew, in tens of milliseconds.
    jsonpath_ng.ext.parse = functools.cache(jsonpath_ng.ext.parse)
    # No sequencer: each event gets one, the same in every destination. And every upload sets (no) tags.
    notifications.send_event = _with_sequencer(notifications.send_event)
    # Keys with %2F for a slash, no sequencer, no owner, no versionId.
    notifications._get_s3_event = s3_event
    # The EventBridge form has one sequencer for ever, "eTag" for "etag" and a version in unversioned buckets.
    notifications._send_event_bridge_message = _send_s3_event_to_event_bridge
    # A multipart upload is announced as Put and again as CompleteMultipartUpload.
    S3Backend.put_object = _quiet_for_multipart(S3Backend.put_object)  # type: ignore[method-assign]
    # Disabled rules fire, rules with a schedule alone match every event, and an SNS target is an error;
    # to queues, events carry an "ingestion-time" that AWS's have not.
    Rule._send_to_sqs_queue = _without_ingestion_time(Rule._send_to_sqs_queue)  # type: ignore[method-assign]
    Rule.send_to_targets = _as_event_bridge_sends(Rule.send_to_targets)  # type: ignore[method-assign]


def emit(region: str, source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> None:
    """Put an AWS service's event on the default bus of a region."""
    event: Any = {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT_ID,
        "time": time.time(),  # moto turns it into text on its way to a queue
        "ingestion-time": time.time(),  # moto wants it; it does not leave with the event
        "region": region,
        "resources": resources,
        "detail": detail,
    }
    with MOTO_LOCK:
        for bus in events_backends[ACCOUNT_ID][region].event_buses.values():
            if bus.name != "default":
                continue  # AWS services write to the default bus only
            for rule in list(bus.rules.values()):
                try:
                    rule.send_to_targets(copy.deepcopy(event))
                except Exception:
                    _LOG.exception("rule %s could not deliver %s", rule.name, detail_type)


def s3_event(event_name: str, bucket: Any, key: Any, notification_id: str) -> dict[str, Any]:
    """Make the notification of one object as S3 does."""
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
                    "object": _object(event_name, bucket, key),
                },
            }
        ]
    }


def _object(event_name: str, bucket: Any, key: Any) -> dict[str, Any]:
    about: dict[str, Any] = {"key": quote_plus(key.name, safe="/*")}
    if not event_name.startswith("s3:ObjectRemoved:"):
        about |= {"size": key.size, "eTag": key.etag.replace('"', "")}
    if bucket.is_versioned:
        about["versionId"] = key.version_id
    return about | {"sequencer": getattr(key, _SEQUENCER)}


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


def _with_sequencer(send_event: Callable[..., None]) -> Callable[..., None]:
    def send(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        if event_name == _TAGGED and OPERATION.get() != "PutObjectTagging":
            return
        setattr(key, _SEQUENCER, _SEQUENCERS.next())
        send_event(account_id, event_name, bucket, key)

    return send


def _quiet_for_multipart(put_object: Callable[..., Any]) -> Callable[..., Any]:
    def put(self: S3Backend, *args: Any, **options: Any) -> Any:
        if options.get("multipart") is not None:
            options["disable_notification"] = True
        return put_object(self, *args, **options)

    return put


def _send_s3_event_to_event_bridge(account_id: str, bucket: Any, event_name: Any, key: Any) -> None:
    about: dict[str, Any] = {"key": key.name, "sequencer": getattr(key, _SEQUENCER)}
    if not event_name.startswith("s3:ObjectRemoved:"):
        about |= {"size": key.size, "etag": key.etag.replace('"', "")}
    if bucket.is_versioned:
        about["version-id"] = key.version_id
    kind = event_name.rpartition(":")[2]
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": about,
        "request-id": str(uuid4()),
        "requester": account_id,
        "source-ip-address": "127.0.0.1",
        "reason": _REASONS.get(kind, kind),
    }
    emit(bucket.region_name, "aws.s3", notifications._detail_type(event_name), [bucket.arn], detail)


def _as_event_bridge_sends(send_to_targets: Callable[..., None]) -> Callable[..., None]:
    def send(self: Rule, original_event: Any, transform_input: bool = True) -> None:
        if self.state == "DISABLED" or not self.event_pattern.get_pattern():
            return
        topics = [target["Arn"] for target in self.targets if target["Arn"].split(":")[2] == "sns"]
        rest = copy.copy(self)
        rest.targets = [target for target in self.targets if target["Arn"] not in topics]
        send_to_targets(rest, original_event, transform_input)
        if topics and self.event_pattern.matches_event(original_event):
            _publish(topics, original_event)

    return send


def _without_ingestion_time(send_to_queue: Callable[..., None]) -> Callable[..., None]:
    def send(self: Rule, resource_id: str, event: Any, group_id: str | None = None) -> None:
        if isinstance(event, dict):
            event.pop("ingestion-time", None)
        send_to_queue(self, resource_id, event, group_id)

    return send


def _publish(topics: list[str], event: dict[str, Any]) -> None:
    moment = datetime.fromtimestamp(float(event["time"]), UTC)
    sent = {key: value for key, value in event.items() if key != "ingestion-time"}
    text = json.dumps(sent | {"time": moment.strftime("%Y-%m-%dT%H:%M:%SZ")})
    for arn in topics:
        sns_backends[ACCOUNT_ID][arn.split(":")[3]].publish(message=text, arn=arn)


def _iso_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
