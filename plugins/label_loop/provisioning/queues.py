"""The two queues that wake the loop, each with a queue for messages that fail again and again."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from label_loop.payloads import MOST_RECEIVES
from label_loop.provisioning.policies import merged, queue_statements
from label_loop.provisioning.site import Site, found

PURPOSES = ("uploads", "answers")
STATUS_RULE = "reviews"  # purpose of the rule that tells of human loops that ended without an answer

_ABSENT = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_VISIBILITY_TIMEOUT_SECONDS = 180
_RETENTION_SECONDS = 14 * 24 * 3600
_RULES: Mapping[str, Sequence[str]] = {"uploads": ("uploads",), "answers": ("answers", STATUS_RULE)}


def ensure_queues(site: Site, purpose: str, bucket: str, record: Mapping[str, Any]) -> dict[str, str]:
    """Make the queue of a purpose and its dead-letter queue; return their URLs by the record's keys."""
    main, dead = f"{purpose}_queue_url", f"{purpose}_dead_letter_queue_url"
    names = site.names
    dead_name = _name(record.get(dead)) or names.dead_letter_queue(purpose)
    main_name = _name(record.get(main)) or names.queue(purpose)
    kept = {"MessageRetentionPeriod": str(_RETENTION_SECONDS)}
    redrive = {"deadLetterTargetArn": names.arn("sqs", dead_name), "maxReceiveCount": MOST_RECEIVES}
    wanted = {
        **kept,
        "VisibilityTimeout": str(_VISIBILITY_TIMEOUT_SECONDS),
        "RedrivePolicy": json.dumps(redrive),
    }
    rules = [names.rule(rule) for rule in _RULES[purpose]]
    statements = queue_statements(names, main_name, bucket, rules)
    dead_url = _ensure_queue(site, dead_name, kept, [])
    return {dead: dead_url, main: _ensure_queue(site, main_name, wanted, statements)}


def _name(url: Any) -> str | None:
    return url.rsplit("/", 1)[-1] if isinstance(url, str) and url else None


def _ensure_queue(site: Site, name: str, wanted: Mapping[str, str], statements: Sequence[Mapping[str, Any]]) -> str:
    """Make a queue or mend its attributes; return its URL, empty where a dry run did not make it."""
    sqs = site.client("sqs")
    with site.resource("queue", name) as work:
        answer = found(lambda: sqs.get_queue_url(QueueName=name), *_ABSENT)
        if answer is None:
            attributes = {**wanted, "SqsManagedSseEnabled": "true"}
            if policy := merged(None, statements):
                attributes["Policy"] = policy
            answer = work.create(lambda: sqs.create_queue(QueueName=name, Attributes=attributes, tags=site.tags))
            return str(answer["QueueUrl"]) if answer else ""
        url = str(answer["QueueUrl"])
        changes = _differing(sqs, url, wanted, statements)
        if changes:
            work.mend(
                ", ".join(sorted(changes)),
                lambda: sqs.set_queue_attributes(QueueUrl=url, Attributes=changes),
            )
        return url


def _differing(
    sqs: Any, url: str, wanted: Mapping[str, str], statements: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Return the attributes to set. A queue encrypted with a key of its owner's stays so."""
    present = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]).get("Attributes", {})
    changes = {key: value for key, value in wanted.items() if _comparable(present.get(key)) != _comparable(value)}
    if present.get("SqsManagedSseEnabled") != "true" and not present.get("KmsMasterKeyId"):
        changes["SqsManagedSseEnabled"] = "true"
    policy = merged(present.get("Policy"), statements) if statements else None
    return changes | ({"Policy": policy} if policy else {})


def _comparable(text: str | None) -> Any:
    """Return what an attribute means: SQS writes numbers inside JSON as it likes."""
    value = json.loads(text) if text else None
    return {key: str(item) for key, item in value.items()} if isinstance(value, dict) else value
