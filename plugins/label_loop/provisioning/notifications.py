"""How events reach the queues: by the bucket's notifications, or by EventBridge where those cannot be set."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from label_loop.payloads import ANSWERS_FOLDER, UPLOADS_FOLDER
from label_loop.provisioning.names import STATUS_RULE
from label_loop.provisioning.site import ManagedResource, Site, aws_errors_as, or_none

_FOLDERS = {"uploads": UPLOADS_FOLDER, "answers": ANSWERS_FOLDER}
_TARGETS = ("QueueConfigurations", "TopicConfigurations", "LambdaFunctionConfigurations")
_FUNCTIONS = _TARGETS[-1]
_ID = "label-loop-"
_CREATED = "s3:ObjectCreated:"
_MOST_FLOW_DEFINITIONS = 10  # EventBridge accepts patterns of at most 2,048 characters
_SETTLING_SECONDS = 30.0  # a queue that was just created or updated may refuse S3's test message at first


def ensure_notifications(site: Site, bucket: str, queue_urls: Mapping[str, str]) -> None:
    """Have the bucket notify the queues of new objects in their folders; its other notifications are kept.

    ``queue_urls`` are by purpose. S3 accepts one destination for an event: if the bucket already notifies another (such
    as the AWS sample's functions), EventBridge notifies the queue as well.
    """
    shared: list[str] = []
    with site.resource("notifications of", bucket) as resource:
        before = read_notifications(site, bucket)
        after = without_functions(before, function_notifications(before)) if site.options.take_over else dict(before)
        for purpose, url in queue_urls.items():
            wanted = _notification(site, purpose, url)
            present = after.get("QueueConfigurations", [])
            if any(_plain(one | {"Id": wanted["Id"]}) == _plain(wanted) for one in present):
                continue  # whatever its ID, since CloudFormation assigns one of its own
            others = [one for one in present if one.get("Id") != wanted["Id"]]
            if any(_overlaps(other, _FOLDERS[purpose]) for other in _all({**after, _TARGETS[0]: others})):
                shared.append(purpose)
                after["EventBridgeConfiguration"] = {}
            else:
                after["QueueConfigurations"] = [*others, wanted]
        if _plain(before) != _plain(after):
            _put(site, resource, bucket, before, after)
        if shared:
            folders = ", ".join(_FOLDERS[purpose] for purpose in shared)
            resource.note = (
                f"another destination is notified of {folders} as well, so EventBridge notifies the loop: "
                "remove the other one, or both will process each object"
            )
    for purpose in shared:
        pattern = {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": _FOLDERS[purpose]}]}},
        }
        _ensure_rule(site, site.names.rule(purpose), pattern, queue_urls[purpose])


def read_notifications(site: Site, bucket: str) -> dict[str, Any]:
    """Return the bucket's notifications; none if the bucket does not exist."""
    look = partial(site.client("s3").get_bucket_notification_configuration, Bucket=bucket)
    return {key: value for key, value in (or_none(look, "NoSuchBucket") or {}).items() if key != "ResponseMetadata"}


def function_notifications(configuration: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the notifications that Lambda functions receive of new objects in the loop's folders."""
    notified = configuration.get(_FUNCTIONS, [])
    return [one for one in notified if any(_overlaps(one, folder) for folder in _FOLDERS.values())]


def is_within_folders(notification: Mapping[str, Any]) -> bool:
    """Return whether a notification concerns only the loop's folders."""
    return _prefix(notification).startswith(tuple(_FOLDERS.values()))


def without_functions(configuration: Mapping[str, Any], functions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a configuration without these notifications of functions."""
    left = [one for one in configuration.get(_FUNCTIONS, []) if one not in functions]
    return {**configuration, _FUNCTIONS: left}


def restore_notifications(site: Site, bucket: str, functions: Sequence[Mapping[str, Any]]) -> None:
    """Have the bucket notify these functions again instead of the loop's queues, in one step."""
    with site.resource("notifications of", bucket) as resource:
        before = read_notifications(site, bucket)
        missing = [one for one in functions if _plain(one) not in [_plain(other) for other in _all(before)]]
        queues = [one for one in before.get(_TARGETS[0], []) if not str(one.get("Id", "")).startswith(_ID)]
        after = {**before, _TARGETS[0]: queues, _FUNCTIONS: [*before.get(_FUNCTIONS, []), *missing]}
        if _plain(before) != _plain(after):
            put = partial(site.client("s3").put_bucket_notification_configuration, Bucket=bucket)
            resource.update("destinations", partial(put, NotificationConfiguration=after))


def ensure_status_rule(site: Site, flow_definition_arn: str, answers_queue_url: str) -> None:
    """Notify the answers queue when a human loop of this flow definition ends, with or without an answer.

    Earlier flow definitions stay in the rule, since their open human loops end later.
    """
    name = site.names.rule(STATUS_RULE)
    with aws_errors_as("rule", name):
        present = or_none(lambda: site.client("events").describe_rule(Name=name), "ResourceNotFoundException")
    known = json.loads((present or {}).get("EventPattern") or "{}").get("detail", {}).get("flowDefinitionArn", [])
    arns = [*(arn for arn in known if arn != flow_definition_arn), flow_definition_arn]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker A2I HumanLoop Status Change"],
        "detail": {"flowDefinitionArn": arns[-_MOST_FLOW_DEFINITIONS:]},
    }
    _ensure_rule(site, name, pattern, answers_queue_url)


def _notification(site: Site, purpose: str, queue_url: str) -> dict[str, Any]:
    queue = queue_url.rsplit("/", 1)[-1] or site.names.queue(purpose)
    return {
        "Id": f"{_ID}{purpose}",
        "QueueArn": site.names.arn("sqs", queue),
        "Events": [f"{_CREATED}*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": _FOLDERS[purpose]}]}},
    }


def _all(configuration: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for target in _TARGETS:
        yield from configuration.get(target, [])


def _overlaps(notification: Mapping[str, Any], folder: str) -> bool:
    """Return whether S3 would refuse a second destination for the folder's new objects besides this one."""
    if not any(event.startswith(_CREATED) for event in notification["Events"]):
        return False
    prefix = _prefix(notification)
    return prefix.startswith(folder) or folder.startswith(prefix)


def _prefix(notification: Mapping[str, Any]) -> str:
    rules = notification.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((str(rule["Value"]) for rule in rules if rule["Name"].lower() == "prefix"), "")


def _plain(configuration: Mapping[str, Any]) -> Any:
    """Return a configuration in one spelling and order: S3 returns ``Prefix`` for what was put as ``prefix``."""
    text = json.dumps(configuration, sort_keys=True).replace('"Prefix"', '"prefix"').replace('"Suffix"', '"suffix"')
    return {
        key: sorted(value, key=json.dumps) if isinstance(value, list) else value
        for key, value in json.loads(text).items()
        if value != []
    }


def _put(
    site: Site, resource: ManagedResource, bucket: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    put = partial(site.client("s3").put_bucket_notification_configuration, Bucket=bucket)

    def apply() -> None:
        send = partial(put, NotificationConfiguration=after)
        site.retry_on(send, "InvalidArgument", seconds=_SETTLING_SECONDS)

    if any(str(one.get("Id", "")).startswith(_ID) for one in _all(before)):
        resource.update("destinations", apply)
    else:
        resource.create(apply)


def _ensure_rule(site: Site, name: str, pattern: Mapping[str, Any], queue_url: str) -> None:
    """Ensure an EventBridge rule that has the queue as a target; other targets are kept."""
    events = site.client("events")
    queue_arn = site.names.arn("sqs", queue_url.rsplit("/", 1)[-1])
    with site.resource("rule", name) as resource:
        present = or_none(lambda: events.describe_rule(Name=name), "ResourceNotFoundException")
        text = json.dumps(pattern)
        if present is None:
            resource.create(lambda: events.put_rule(Name=name, EventPattern=text, State="ENABLED", Tags=site.tag_list))
        elif json.loads(present.get("EventPattern") or "{}") != pattern or present["State"] != "ENABLED":
            resource.update("pattern", lambda: events.put_rule(Name=name, EventPattern=text, State="ENABLED"))
        look = or_none(lambda: events.list_targets_by_rule(Rule=name), "ResourceNotFoundException")
        arns = {target["Arn"] for target in (look or {}).get("Targets", [])}
        if queue_arn not in arns:
            target = {"Id": "label-loop", "Arn": queue_arn}
            resource.update("target", lambda: events.put_targets(Rule=name, Targets=[target]))
