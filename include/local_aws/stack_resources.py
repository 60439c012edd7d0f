"""Resource types that moto's CloudFormation does not have, and what it leaves out of those that it has."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Self

from moto.cloudformation import parsing
from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.common_models import CloudFormationModel
from moto.core.utils import camelcase_to_underscores
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.iam.access_control import IAMPolicy
from moto.s3.models import FakeBucket, PublicAccessBlock, s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

_PARTITION = "aws"


class _Resource:
    """A resource that is made and changed by one and the same call."""

    physical_resource_id: str

    @staticmethod
    def cloudformation_name_type() -> str:
        """Return that no property names it."""
        return ""

    @classmethod
    def has_cfn_attr(cls, _: str) -> bool:
        """Return whether GetAtt knows an attribute: none."""
        return False

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Self:
        """Make it."""
        made = cls()
        made.physical_resource_id = resource_name
        made.put(cloudformation_json["Properties"], account_id, region_name)
        return made

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Self:
        """Change it, or make it where its condition was not met before."""
        name = original_resource.physical_resource_id if original_resource else new_resource_name
        return cls.create_from_cloudformation_json(name, cloudformation_json, account_id, region_name)

    def put(self, properties: Mapping[str, Any], account: str, region: str) -> None:
        """Make it as its properties say."""
        raise NotImplementedError

    def is_created(self) -> bool:
        """Return whether it can be used."""
        return True

    def delete(self, account: str, region: str) -> None:
        """Delete it: what it is about goes with it, or stays as it is."""


class BucketPolicy(_Resource, CloudFormationModel):
    """AWS::S3::BucketPolicy."""

    @staticmethod
    def cloudformation_type() -> str:
        """Return its type."""
        return "AWS::S3::BucketPolicy"

    def put(self, properties: Mapping[str, Any], account: str, _: str) -> None:
        """Set the bucket's policy."""
        self.bucket = properties["Bucket"]
        policy = json.dumps(properties["PolicyDocument"]).encode()
        s3_backends[account][_PARTITION].put_bucket_policy(self.bucket, policy)

    def delete(self, account: str, _: str) -> None:
        """Take the bucket's policy away."""
        s3_backends[account][_PARTITION].delete_bucket_policy(self.bucket)


class QueuePolicy(_Resource, CloudFormationModel):
    """AWS::SQS::QueuePolicy."""

    @staticmethod
    def cloudformation_type() -> str:
        """Return its type."""
        return "AWS::SQS::QueuePolicy"

    def put(self, properties: Mapping[str, Any], account: str, region: str) -> None:
        """Set the queues' policy."""
        for url in properties["Queues"]:
            attributes = {"Policy": json.dumps(properties["PolicyDocument"])}
            sqs_backends[account][region].set_queue_attributes(url.rsplit("/", 1)[-1], attributes)


class TopicPolicy(_Resource, CloudFormationModel):
    """AWS::SNS::TopicPolicy."""

    @staticmethod
    def cloudformation_type() -> str:
        """Return its type."""
        return "AWS::SNS::TopicPolicy"

    def put(self, properties: Mapping[str, Any], account: str, region: str) -> None:
        """Set the topics' policy."""
        for arn in properties["Topics"]:
            sns_backends[account][region].get_topic(arn).policy = json.dumps(properties["PolicyDocument"])


class Subscription(_Resource, CloudFormationModel):
    """AWS::SNS::Subscription."""

    @staticmethod
    def cloudformation_type() -> str:
        """Return its type."""
        return "AWS::SNS::Subscription"

    def put(self, properties: Mapping[str, Any], account: str, region: str) -> None:
        """Subscribe; who is subscribed stays so."""
        sns_backends[account][region].subscribe(properties["TopicArn"], properties["Endpoint"], properties["Protocol"])


class Alarm(_Resource, CloudFormationModel):
    """AWS::CloudWatch::Alarm."""

    @staticmethod
    def cloudformation_name_type() -> str:
        """Return the property that names it."""
        return "AlarmName"

    @staticmethod
    def cloudformation_type() -> str:
        """Return its type."""
        return "AWS::CloudWatch::Alarm"

    def put(self, properties: Mapping[str, Any], account: str, region: str) -> None:
        """Make the alarm or replace it."""
        given = {camelcase_to_underscores(key.removeprefix("Alarm")): value for key, value in properties.items()}
        given["alarm_actions"] = given.pop("actions")
        cloudwatch_backends[account][region].put_metric_alarm(**given)

    def delete(self, account: str, region: str) -> None:
        """Delete the alarm."""
        cloudwatch_backends[account][region].delete_alarms([self.physical_resource_id])


def install() -> None:
    """Let moto's stacks make all of a loop."""
    patches: tuple[tuple[Any, str, Any], ...] = (
        (FakeBucket, "create_from_cloudformation_json", classmethod(_create_bucket)),
        (FakeBucket, "update_from_cloudformation_json", classmethod(_update_bucket)),
        (FakeBucket, "get_permission", _permission),
        (Table, "create_from_cloudformation_json", classmethod(_create_table)),
        (parsing, "parse_and_create_resource", _parse_and_create),
        (parsing, "parse_and_update_resource", _parse_and_update),
        (parsing.ResourceMap, "build_resource_diff", _resource_diff),
        (parsing.ResourceMap, "_delete_resource", _delete_resource),
        (CloudFormationBackend, "create_change_set", _create_change_set),
        (CloudFormationBackend, "execute_change_set", _execute_change_set),
    )
    for owner, name, replacement in patches:
        setattr(owner, name, replacement)
    read: Any = Stack.parse_template
    setattr(Stack, "parse_template", staticmethod(lambda text: with_conditions(read(text))))  # noqa: B010 - as above


def with_conditions(part: Any) -> Any:
    """Return a part of a template with ``!Condition`` in its long form, which moto makes ``Fn::Condition``."""
    if isinstance(part, list):
        return [with_conditions(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {"Condition" if key == "Fn::Condition" else key: with_conditions(one) for key, one in part.items()}


def _own(owner: Any, name: str) -> Callable[..., Any]:
    """Return moto's own, which the functions below go on with."""
    made: Any = vars(owner)[name]
    function: Callable[..., Any] = getattr(made, "__func__", made)
    return function


_moto_create_bucket = _own(FakeBucket, "create_from_cloudformation_json")
_moto_update_bucket = _own(FakeBucket, "update_from_cloudformation_json")
_moto_create_table = _own(Table, "create_from_cloudformation_json")
_moto_parse_and_create = parsing.parse_and_create_resource
_moto_parse_and_update = parsing.parse_and_update_resource
_moto_resource_diff = parsing.ResourceMap.build_resource_diff
_moto_delete_resource = parsing.ResourceMap._delete_resource
_moto_create_change_set = CloudFormationBackend.create_change_set
_moto_execute_change_set = CloudFormationBackend.execute_change_set


def _create_bucket(cls: Any, /, name: str, template: Any, *where: str, **more: Any) -> Any:
    made = _moto_create_bucket(cls, name, template, *where, **more)
    _configure(made, template.get("Properties", {}))
    return made


def _update_bucket(cls: Any, /, original_resource: Any, new_resource_name: str, **more: Any) -> Any:
    made = _moto_update_bucket(cls, original_resource, new_resource_name, **more)
    _configure(made, more["cloudformation_json"]["Properties"])
    return made


def _configure(bucket: FakeBucket, properties: Mapping[str, Any]) -> None:
    """Set what moto's stacks leave out of a bucket: all but its encryption and its tags."""
    bucket.versioning_status = properties.get("VersioningConfiguration", {}).get("Status")
    access = properties.get("PublicAccessBlockConfiguration", {})
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    bucket.public_access_block = PublicAccessBlock(*(access.get(name, False) for name in names)) if access else None
    cors = properties.get("CorsConfiguration", {}).get("CorsRules", [])
    bucket.set_cors([{key[:-1]: value for key, value in rule.items()} for rule in cors])
    queues = properties.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
    bucket.set_notification_configuration({"QueueConfiguration": [_notification(one) for one in queues]})


def _notification(configuration: Mapping[str, Any]) -> dict[str, Any]:
    rules = configuration["Filter"]["S3Key"]["Rules"]
    return {
        "Queue": configuration["Queue"],
        "Event": [configuration["Event"]],
        "Filter": {"S3Key": {"FilterRule": rules}},
    }


def _permission(bucket: Any, action: str, resource: str) -> Any:
    """Ask the policy as if by TLS: on one machine there is none, and moto takes no condition into account."""
    document: dict[str, Any] = (
        json.loads(bucket.policy) if bucket.policy else {"Version": "2012-10-17", "Statement": []}
    )
    by_tls = [one for one in document["Statement"] if "aws:SecureTransport" not in json.dumps(one.get("Condition"))]
    return IAMPolicy(json.dumps({**document, "Statement": by_tls})).is_action_permitted(action, resource)


def _create_table(cls: Any, /, name: str, template: Any, account: str, region: str, **more: Any) -> Any:
    """Make a table with its point-in-time recovery, which moto leaves out."""
    made = _moto_create_table(cls, name, template, account, region, **more)
    recovery = template["Properties"].get("PointInTimeRecoverySpecification")
    if recovery:
        dynamodb_backends[account][region].update_continuous_backups(name, recovery)
    return made


def _parse_and_create(logical_id: str, resource_json: Any, resources: Any, account_id: str, region_name: str) -> Any:
    """Make a resource; a failure and what it was made of are kept for the functions below."""
    try:
        made = _moto_parse_and_create(logical_id, resource_json, resources, account_id, region_name)
    except Exception as error:
        if not hasattr(error, "failed_resource"):
            error.failed_resource = (logical_id, resource_json["Type"])  # type: ignore[attr-defined]
        raise
    if made is not None:
        made.made_of = _properties(resource_json, resources)
    return made


def _resource_diff(resources: Any, template: Any, parameters: Any = None) -> Any:
    """Have every resource looked at by an update: a condition may have changed, which moto does not ask."""
    found = _moto_resource_diff(resources, template, parameters)
    if parameters:
        found["Modify"] = [name for name in template["Resources"] if name in resources._resource_json_map]
    return found


def _delete_resource(resources: Any, resource: Any, resource_json: Any) -> None:
    """Delete a resource; one that somebody deleted is no hindrance."""
    try:
        _moto_delete_resource(resources, resource, resource_json)
    except Exception as error:
        if not re.search("NotExist|NotFound|NoSuch|Missing", type(error).__name__):
            raise


def _parse_and_update(logical_id: str, resource_json: Any, resources: Any, account_id: str, region_name: str) -> Any:
    """Update a resource where its condition is met and its properties are others.

    moto takes no heed of either, and forgets a resource of a type that it cannot update.
    """
    before, condition = resources._parsed_resources.get(logical_id), resource_json.get("Condition")
    if condition and not resources.lazy_condition_map[condition]:
        if before is not None and not resource_json.get("DeletionPolicy", "").startswith("Retain"):
            resources._delete_resource(before, resource_json)
        return None
    if before is None:
        return _parse_and_create(logical_id, resource_json, resources, account_id, region_name)
    properties = _properties(resource_json, resources)
    if properties == before.made_of:
        return before
    made = _moto_parse_and_update(logical_id, resource_json, resources, account_id, region_name) or before
    made.made_of = properties
    return made


def _properties(resource_json: Any, resources: Any) -> str:
    return json.dumps(parsing.clean_json(resource_json.get("Properties", {}), resources), sort_keys=True, default=str)


def _create_change_set(backend: CloudFormationBackend, stack_name: str, *how: Any, **more: Any) -> Any:
    """Make a change set; a stack that has nothing but one gets another, where moto would make a second stack."""
    for stack in [one for one in backend.stacks.values() if one.name == stack_name]:
        if stack.status == "REVIEW_IN_PROGRESS":
            del backend.stacks[stack.stack_id]
    return _moto_create_change_set(backend, stack_name, *how, **more)


def _execute_change_set(backend: CloudFormationBackend, change_set_name: str, stack_name: str | None = None) -> None:
    """Execute a change set; a creation that fails is taken back and its first failure reported, as events are."""
    change_set = backend.describe_change_set(change_set_name)
    try:
        _moto_execute_change_set(backend, change_set_name, stack_name)
    except Exception as error:
        if change_set is None or change_set.change_set_type != "CREATE" or not hasattr(error, "failed_resource"):
            raise
        stack = change_set.stack
        logical_id, kind = error.failed_resource
        event: Any = stack._add_stack_event
        event("CREATE_FAILED", resource_status_reason=str(getattr(error, "message", error)))
        stack.events[-1].logical_resource_id, stack.events[-1].resource_type = logical_id, kind
        made = stack.resource_map
        for name in reversed(list(made._parsed_resources)):
            if name in made._resource_json_map and made._parsed_resources[name] is not None:
                made._delete_resource(made._parsed_resources.pop(name), made._resource_json_map[name])
        stack.status = "ROLLBACK_COMPLETE"
        event("ROLLBACK_COMPLETE")
