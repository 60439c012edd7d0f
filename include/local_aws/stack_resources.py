"""Resource types that moto's CloudFormation does not have, made by services that moto has."""

import json
from collections.abc import Mapping
from typing import Any, Self

from moto.cloudwatch.models import cloudwatch_backends
from moto.core.common_models import CloudFormationModel
from moto.core.utils import camelcase_to_underscores
from moto.s3.models import s3_backends
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
        """Subscribe, or change the filter of who is subscribed."""
        sns = sns_backends[account][region]
        made = sns.subscribe(properties["TopicArn"], properties["Endpoint"], properties["Protocol"])
        if "FilterPolicy" in properties:
            scope = properties.get("FilterPolicyScope", "MessageAttributes")
            sns.set_subscription_attributes(made.arn, "FilterPolicyScope", scope)
            sns.set_subscription_attributes(made.arn, "FilterPolicy", json.dumps(properties["FilterPolicy"]))


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
