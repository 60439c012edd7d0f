"""Types of resources that CloudFormation makes and deletes."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.ec2.models import ec2_backends
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.route_tables import RouteTable
from moto.iam.access_control import IAMPolicy
from moto.s3.models import FakeBucket, PublicAccessBlock
from moto.sqs.models import Queue
from moto.ssm.models import Parameter

from local_aws.moto_patches.patch import patch

_URL = [""]  # of the endpoint that runs; moto keeps its state per process, too


def serve_at(url: str) -> None:
    """Let resources have addresses at this endpoint."""
    _URL[:] = [url]


@patch((Queue, "physical_resource_id"))
def refer_to_a_queue_by_its_url(_: Callable[..., str], queue: Queue) -> str:
    """Name a queue by its URL at this endpoint.

    moto 5.2.5 names it by an address below amazonaws.com, where there is no such queue. AWS documents that Ref
    returns the queue's URL (AWS::SQS::Queue), which is the one that CreateQueue returns.
    """
    return f"{_URL[0]}/{queue.account_id}/{queue.name}"


@patch((Parameter, "create_from_cloudformation_json"))
def take_the_tags_of_a_parameter(
    original: Callable[..., Any], cls: type[Parameter], name: str, template: Any, *where: str, **more: Any
) -> Any:
    """Make a parameter with the tags that a template gives it.

    moto 5.2.5 takes a list of tags, and fails at a map. AWS documents a map (AWS::SSM::Parameter, "Tags").
    """
    tags = template["Properties"].get("Tags", {})
    if isinstance(tags, dict):
        template["Properties"]["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return original(cls, name, template, *where, **more)


@patch((RouteTable, "delete_from_cloudformation_json"))
def delete_route_tables(
    _: Callable[..., Any], __: type[RouteTable], name: str, ___: Any, account: str, region: str
) -> None:
    """Delete a route table with its associations.

    moto 5.2.5 leaves it. AWS documents that DeleteStack deletes all of a stack's resources.
    """
    ec2_backends[account][region].get_route_table(name)._associations.clear()
    ec2_backends[account][region].delete_route_table(name)


@patch((NatGateway, "delete_from_cloudformation_json"))
def delete_nat_gateways(
    _: Callable[..., Any], __: type[NatGateway], name: str, ___: Any, account: str, region: str
) -> None:
    """Delete a NAT gateway.

    moto 5.2.5 leaves it. AWS documents that DeleteStack deletes all of a stack's resources.
    """
    ec2_backends[account][region].delete_nat_gateway(name)


@patch((FakeBucket, "create_from_cloudformation_json"))
def create_buckets_with_their_settings(
    original: Callable[..., Any], cls: type[FakeBucket], name: str, template: Any, *where: str, **more: Any
) -> Any:
    """Create a bucket with its versioning, public access block, CORS rules and notifications.

    moto 5.2.5 leaves out all but its encryption and its tags. AWS documents these properties (AWS::S3::Bucket).
    """
    bucket = original(cls, name, template, *where, **more)
    _configure(bucket, template.get("Properties", {}))
    return bucket


@patch((FakeBucket, "update_from_cloudformation_json"))
def update_buckets_with_their_settings(original: Callable[..., Any], cls: type[FakeBucket], **how: Any) -> Any:
    """Update a bucket's versioning, public access block, CORS rules and notifications.

    moto 5.2.5 updates its encryption and its tags alone. AWS documents that each of these properties is updated
    without interruption (AWS::S3::Bucket).
    """
    bucket = original(cls, **how)
    _configure(bucket, how["cloudformation_json"]["Properties"])
    return bucket


def _configure(bucket: FakeBucket, properties: Mapping[str, Any]) -> None:
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


@patch((FakeBucket, "get_permission"))
def take_requests_as_sent_by_tls(original: Callable[..., Any], bucket: FakeBucket, action: str, resource: str) -> Any:
    """Ask a bucket's policy without its statements about requests that were not sent by TLS.

    moto 5.2.5 denies every request that such a statement is about, since it takes a condition that is not met for a
    denial. AWS documents aws:SecureTransport as whether a request was sent by TLS ("Global condition context keys"):
    this endpoint, which has none on one machine, stands for one that has.
    """
    if bucket.policy is None:
        return original(bucket, action, resource)
    policy = json.loads(bucket.policy)
    by_tls = [one for one in policy["Statement"] if "aws:SecureTransport" not in json.dumps(one.get("Condition"))]
    return IAMPolicy(json.dumps({**policy, "Statement": by_tls})).is_action_permitted(action, resource)


@patch((Table, "create_from_cloudformation_json"))
def create_tables_with_their_recovery(
    original: Callable[..., Table], cls: type[Table], name: str, template: Any, *where: str, **more: Any
) -> Table:
    """Create a table with its point-in-time recovery.

    moto 5.2.5 leaves it out. AWS documents it as a property (AWS::DynamoDB::Table, "PointInTimeRecoverySpecification").
    """
    table = original(cls, name, template, *where, **more)
    recovery = template["Properties"].get("PointInTimeRecoverySpecification")
    if recovery:
        dynamodb_backends[table.account_id][table.region_name].update_continuous_backups(name, recovery)
    return table
