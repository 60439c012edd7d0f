"""Which notifications S3 takes for a bucket."""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, Notification, NotificationConfiguration
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from local_aws.moto_patches.patch import patch


@patch((FakeBucket, "set_notification_configuration"))
def refuse_notifications_that_overlap(
    original: Callable[..., None], bucket: FakeBucket, configuration: Mapping[str, Any] | None
) -> None:
    """Refuse two notifications of which both would be sent for the same event.

    moto 5.2.5 takes them. AWS documents that notifications of the same event types need prefixes and suffixes that do
    not overlap ("Configuring notifications with object key name filtering"), and answers InvalidArgument.
    """
    if any(_overlap(one, other) for one, other in combinations(_notifications(configuration), 2)):
        text = "Configurations overlap: two on the same bucket cannot share a common event type."
        raise S3ClientError("InvalidArgument", text)
    original(bucket, configuration)


@patch((FakeBucket, "set_notification_configuration"))
def refuse_destinations_that_do_not_exist(
    original: Callable[..., None], bucket: FakeBucket, configuration: Mapping[str, Any] | None
) -> None:
    """Refuse a notification to a queue or a topic that does not exist.

    moto 5.2.5 takes it. AWS documents that S3 verifies that the destination exists, by a test message, and that all of
    the request fails with it (PutBucketNotificationConfiguration).
    """
    missing = [one.arn for one in _notifications(configuration) if not _exists(one.arn)]
    if missing:
        text = f"Unable to validate the following destination configurations: {', '.join(missing)}"
        raise S3ClientError("InvalidArgument", text)
    original(bucket, configuration)


def _notifications(configuration: Mapping[str, Any] | None) -> list[Notification]:
    given = configuration or {}
    parsed = NotificationConfiguration(
        topic=given.get("TopicConfiguration"),
        queue=given.get("QueueConfiguration"),
        cloud_function=given.get("CloudFunctionConfiguration"),
    )
    return [*parsed.topic, *parsed.queue, *parsed.cloud_function]


def _overlap(one: Notification, other: Notification) -> bool:
    (prefix, suffix), (other_prefix, other_suffix) = _filter(one), _filter(other)
    return (
        any(_same_events(event, another) for event in one.events for another in other.events)
        and (prefix.startswith(other_prefix) or other_prefix.startswith(prefix))
        and (suffix.endswith(other_suffix) or other_suffix.endswith(suffix))
    )


def _same_events(one: str, other: str) -> bool:
    return one == other or any(a.endswith("*") and b.startswith(a[:-1]) for a, b in ((one, other), (other, one)))


def _filter(notification: Notification) -> tuple[str, str]:
    rules = notification.filters.get("S3Key", {}).get("FilterRule", [])
    values = {rule["Name"].lower(): rule["Value"] for rule in rules}
    return values.get("prefix", ""), values.get("suffix", "")


def _exists(arn: str) -> bool:
    """Return whether a queue or a topic exists; functions are not served here, so any may."""
    _, _, service, region, account, name = arn.split(":", 5)
    if service == "sqs":
        return name in sqs_backends[account][region].queues
    return service != "sns" or arn in sns_backends[account][region].topics
