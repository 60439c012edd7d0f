"""Types of resources that CloudFormation makes and deletes."""

from collections.abc import Callable
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.route_tables import RouteTable
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
    original: Callable[..., Any], cls: type[Parameter], name: str, json: Any, *where: str, **more: Any
) -> Any:
    """Make a parameter with the tags that a template gives it.

    moto 5.2.5 takes a list of tags, and fails at a map. AWS documents a map (AWS::SSM::Parameter, "Tags").
    """
    tags = json["Properties"].get("Tags", {})
    if isinstance(tags, dict):
        json["Properties"]["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return original(cls, name, json, *where, **more)


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
