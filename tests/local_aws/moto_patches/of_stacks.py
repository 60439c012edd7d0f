"""Looks at the patches of CloudFormation."""

import json
from typing import Any
from uuid import uuid4

import yaml
from tests.local_aws.endpoint import Endpoint
from tests.local_aws.moto_patches.looks import code_of, counted, look

from local_aws.moto_patches import cloudformation_resources, cloudformation_templates

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "queue"}}


def template(resource: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Description": uuid4().hex, "Resources": {"One": resource}, **more})


def stack(endpoint: Endpoint, body: str) -> Any:
    """Make a stack; return the client."""
    stacks = endpoint.client("cloudformation")
    stacks.create_stack(StackName="stack", TemplateBody=body)
    return stacks


@look(cloudformation_resources.refer_to_a_queue_by_its_url, aws=True, moto=False)
def a_stack_names_its_queue_by_the_url_that_sqs_gives(endpoint: Endpoint) -> bool:
    stacks = stack(endpoint, template(QUEUE, Outputs={"Url": {"Value": {"Ref": "One"}}}))
    (output,) = stacks.describe_stacks(StackName="stack")["Stacks"][0]["Outputs"]
    return bool(output["OutputValue"] == endpoint.client("sqs").get_queue_url(QueueName="queue")["QueueUrl"])


@look(cloudformation_resources.take_the_tags_of_a_parameter, aws=[{"Key": "k", "Value": "v"}], moto="failed")
def tags_of_a_parameter_in_a_stack(endpoint: Endpoint) -> Any:
    properties = {"Name": "/a", "Type": "String", "Value": "1", "Tags": {"k": "v"}}
    body = template({"Type": "AWS::SSM::Parameter", "Properties": properties})
    if code_of(lambda: stack(endpoint, body)) != "none":
        return "failed"
    ssm = endpoint.client("ssm")
    return ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/a")["TagList"]


def network(endpoint: Endpoint) -> tuple[str, str]:
    """Make and delete a stack of a network; return the code of the error and the id of its NAT gateway."""
    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}},
        "Routes": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Both": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": {"Ref": "Subnet"}, "RouteTableId": {"Ref": "Routes"}},
        },
        "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
        "Nat": {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {"SubnetId": {"Ref": "Subnet"}, "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]}},
        },
    }
    stacks = stack(endpoint, json.dumps({"Resources": resources}))
    parts = stacks.describe_stack_resources(StackName="stack")["StackResources"]
    ids = {part["LogicalResourceId"]: part["PhysicalResourceId"] for part in parts}
    return code_of(stacks.delete_stack, StackName="stack"), ids["Nat"]


@look(cloudformation_resources.delete_route_tables, aws="none", moto="DependencyViolation")
def delete_a_network_with_a_route_table(endpoint: Endpoint) -> str:
    code, _ = network(endpoint)
    return code


@look(cloudformation_resources.delete_nat_gateways, aws="deleted", moto="available")
def a_nat_gateway_after_its_stack(endpoint: Endpoint) -> Any:
    _, nat = network(endpoint)
    found = endpoint.client("ec2").describe_nat_gateways()["NatGateways"]
    return next((one["State"] for one in found if one["NatGatewayId"] == nat), None)


@look(cloudformation_templates.retain_under_either_name, aws=1, moto=0)
def queues_that_a_stack_leaves(endpoint: Endpoint) -> int:
    stacks = stack(endpoint, template({**QUEUE, "DeletionPolicy": "RetainExceptOnCreate"}))
    stacks.delete_stack(StackName="stack")
    return len(endpoint.client("sqs").list_queues().get("QueueUrls", []))


@look(cloudformation_templates.give_the_stack_what_a_change_set_brings, aws=["two"], moto=["one"])
def output_after_a_change_set(endpoint: Endpoint) -> list[str]:
    stacks = stack(endpoint, template(QUEUE, Outputs={"Out": {"Value": "one"}}))
    changed = template(QUEUE, Outputs={"Out": {"Value": "two"}})
    stacks.create_change_set(StackName="stack", ChangeSetName="change", ChangeSetType="UPDATE", TemplateBody=changed)
    stacks.execute_change_set(StackName="stack", ChangeSetName="change")
    return [one["OutputValue"] for one in stacks.describe_stacks(StackName="stack")["Stacks"][0]["Outputs"]]


@look(cloudformation_templates.read_a_template_once, aws=1, moto=2)
def readings_of_a_template_that_is_summed_up_twice(endpoint: Endpoint) -> int:
    body = template(QUEUE)
    with counted(yaml, "load") as calls:
        for _ in range(2):
            endpoint.client("cloudformation").get_template_summary(TemplateBody=body)
    return len(calls)


@look(cloudformation_templates.read_the_template_of_a_change_set_once, aws=1, moto=2)
def readings_of_the_template_of_a_change_set(endpoint: Endpoint) -> int:
    body = template(QUEUE)
    with counted(yaml, "load") as calls:
        for name in ("one", "two"):
            endpoint.client("cloudformation").create_change_set(
                StackName=name, ChangeSetName="change", ChangeSetType="CREATE", TemplateBody=body
            )
    return len(calls)
