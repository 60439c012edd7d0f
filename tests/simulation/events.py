"""S3's events: how they come, as what text, and what they tell."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from tests.simulation.fakes.s3 import Version


@dataclass(frozen=True)
class Way:
    """How S3's event of an object comes: after each of the delays (none: it is lost), in a wrapping."""

    delays: tuple[float, ...] = (0.0,)
    form: str = "s3"


PROMPT = Way()


def notification(bucket: str, version: Version, form: str = "s3") -> str:
    """Return S3's notification of an object: as S3 writes it, by SNS, or by EventBridge."""
    described: Mapping[str, Any] = {"size": len(version.body), "sequencer": version.id}
    if form == "eventbridge":
        object_ = {**described, "key": version.key, "etag": version.etag, "version-id": version.id}
        return json.dumps({"detail-type": "Object Created", "detail": {"bucket": {"name": bucket}, "object": object_}})
    key = quote_plus(version.key, safe="/")
    object_ = {**described, "key": key, "eTag": version.etag, "versionId": version.id}
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": object_}}
    body = json.dumps({"Records": [record]})
    return json.dumps({"Type": "Notification", "Message": body}) if form == "sns" else body


def objects_of(body: str) -> Iterator[tuple[str, str, str]]:
    """Yield key, version and eTag of each object that a message tells of."""
    event: dict[str, Any] = json.loads(body)
    event = json.loads(event["Message"]) if "Message" in event else event
    for record in event.get("Records", []):
        found = record["s3"]["object"]
        yield unquote_plus(found["key"]), found["versionId"], found["eTag"]
    if event.get("detail-type") == "Object Created":
        found = event["detail"]["object"]
        yield found["key"], found["version-id"], found["etag"]
