"""Looks at the patches of CloudFormation."""

import json
from typing import Any
from uuid import uuid4

import yaml
from tests.local_aws.endpoint import Endpoint
from tests.local_aws.moto_patches.looks import code_of, counted, look

from local_aws.moto_patches import cloudformation_resources, cloudformation_stacks, cloudformation_templates

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "queue"}}
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "bucket"}}
VERSIONED = {
    "Type": "AWS::S3::Bucket",
    "Properties": {"BucketName": "bucket", "VersioningConfiguration": {"Status": "Enabled"}},
}


def template(resource: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Description": uuid4().hex, "Resources": {"One": resource}, **more})


def given(parameters: dict[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]


def stack(endpoint: Endpoint, body: str, **parameters: str) -> Any:
    """Make a stack; return the client."""
    stacks = endpoint.client("cloudformation")
    stacks.create_stack(StackName="stack", TemplateBody=body, Parameters=given(parameters))
    return stacks


def change(stacks: Any, body: str, kind: str = "UPDATE", **parameters: str) -> str:
    """Make a change set and execute it; return the code of the error."""
    changes = {"StackName": "stack", "ChangeSetName": "change"}
    stacks.create_change_set(**changes, ChangeSetType=kind, TemplateBody=body, Parameters=given(parameters))
    return code_of(stacks.execute_change_set, **changes)


@look(cloudformation_templates.limit_the_length_of_templates, aws="ValidationError", moto="none")
def sum_up_a_template_that_is_too_long(endpoint: Endpoint) -> str:
    summary = endpoint.client("cloudformation").get_template_summary
    return code_of(summary, TemplateBody=template(QUEUE) + " " * 51_200)


@look(cloudformation_templates.limit_the_length_of_stack_parameters, aws="ValidationError", moto="none")
def make_a_stack_with_a_parameter_that_is_too_long(endpoint: Endpoint) -> str:
    create = endpoint.client("cloudformation").create_stack
    body, values = template(QUEUE, Parameters={"Value": {"Type": "String"}}), given({"Value": "x" * 4097})
    return code_of(create, StackName="stack", TemplateBody=body, Parameters=values)


def queues(endpoint: Endpoint) -> int:
    return len(endpoint.client("sqs").list_queues().get("QueueUrls", []))


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


def versioning(endpoint: Endpoint) -> Any:
    return endpoint.client("s3").get_bucket_versioning(Bucket="bucket").get("Status")


@look(cloudformation_resources.create_buckets_with_their_settings, aws="Enabled", moto=None)
def versioning_of_a_bucket_in_a_stack(endpoint: Endpoint) -> Any:
    stack(endpoint, template(VERSIONED))
    return versioning(endpoint)


@look(cloudformation_resources.update_buckets_with_their_settings, aws="Enabled", moto=None)
def versioning_of_a_bucket_after_an_update(endpoint: Endpoint) -> Any:
    stacks = stack(endpoint, template(BUCKET))
    assert change(stacks, template(VERSIONED)) == "none"
    return versioning(endpoint)


@look(cloudformation_resources.take_requests_as_sent_by_tls, aws="none", moto="403")
def write_to_a_bucket_that_takes_tls_only(endpoint: Endpoint) -> str:
    stack(endpoint, template(BUCKET))
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::bucket/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3 = endpoint.client("s3")
    s3.put_bucket_policy(Bucket="bucket", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return code_of(s3.put_object, Bucket="bucket", Key="a", Body=b"")


def table(**properties: Any) -> str:
    """Return the template of a table."""
    key = {
        "TableName": "rows",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    return template({"Type": "AWS::DynamoDB::Table", "Properties": key | properties})


@look(cloudformation_resources.create_tables_with_their_recovery, aws="ENABLED", moto="DISABLED")
def recovery_of_a_table_in_a_stack(endpoint: Endpoint) -> Any:
    stack(endpoint, table(PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}))
    found = endpoint.client("dynamodb").describe_continuous_backups(TableName="rows")["ContinuousBackupsDescription"]
    return found["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]


@look(cloudformation_templates.retain_under_either_name, aws=1, moto=0)
def queues_that_a_stack_leaves(endpoint: Endpoint) -> int:
    stacks = stack(endpoint, template({**QUEUE, "DeletionPolicy": "RetainExceptOnCreate"}))
    stacks.delete_stack(StackName="stack")
    return queues(endpoint)


@look(cloudformation_templates.give_the_stack_what_a_change_set_brings, aws=["two"], moto=["one"])
def output_after_a_change_set(endpoint: Endpoint) -> list[str]:
    stacks = stack(endpoint, template(QUEUE, Outputs={"Out": {"Value": "one"}}))
    change(stacks, template(QUEUE, Outputs={"Out": {"Value": "two"}}))
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


@look(cloudformation_templates.read_conditions_in_their_long_form, aws=1, moto=0)
def queues_by_a_condition_of_another(endpoint: Endpoint) -> int:
    stack(
        endpoint,
        """
        Conditions:
          One: !Equals ["", ""]
          Both: !And [!Condition One, !Equals ["", ""]]
        Resources:
          Queue: {Type: "AWS::SQS::Queue", Condition: Both}
        """,
    )
    return queues(endpoint)


VALUE = {"Value": {"Type": "String"}}


def parameter(value: Any, **more: Any) -> str:
    """Return the template of a parameter with a value, which may refer to one of the template's."""
    properties = {"Name": "/a", "Type": "String", "Value": value}
    return template({"Type": "AWS::SSM::Parameter", "Properties": properties, **more}, Parameters=VALUE)


def value_in(endpoint: Endpoint) -> Any:
    return endpoint.client("ssm").get_parameter(Name="/a")["Parameter"]["Value"]


def value_after_somebody_else_and_an_update(endpoint: Endpoint, before: str, after: str) -> Any:
    stacks = stack(endpoint, before, Value="the stack's")
    endpoint.client("ssm").put_parameter(Name="/a", Value="somebody's", Type="String", Overwrite=True)
    assert change(stacks, after, Value="the stack's") == "none"
    return value_in(endpoint)


@look(
    cloudformation_stacks.remember_the_properties_of_a_resource,
    cloudformation_stacks.leave_resources_that_do_not_change,
    cloudformation_stacks.look_at_every_resource_in_an_update,
    aws="somebody's",
    moto="the stack's",
)
def value_after_an_update_that_says_it_otherwise(endpoint: Endpoint) -> Any:
    return value_after_somebody_else_and_an_update(endpoint, parameter("the stack's"), parameter({"Ref": "Value"}))


@look(
    cloudformation_stacks.leave_resources_that_do_not_change,
    cloudformation_stacks.look_at_every_resource_in_an_update,
    aws="somebody's",
    moto="the stack's",
)
def value_after_an_update_of_metadata(endpoint: Endpoint) -> Any:
    before, after = parameter({"Ref": "Value"}), parameter({"Ref": "Value"}, Metadata={"For": "readers"})
    return value_after_somebody_else_and_an_update(endpoint, before, after)


@look(cloudformation_stacks.look_at_every_resource_in_an_update, aws="two", moto="one")
def value_after_an_update_of_what_it_is_made_with(endpoint: Endpoint) -> Any:
    body = parameter({"Fn::Sub": "${Value}"})
    assert change(stack(endpoint, body, Value="one"), body, Value="two") == "none"
    return value_in(endpoint)


@look(
    cloudformation_stacks.keep_resources_that_cannot_be_updated,
    cloudformation_stacks.leave_resources_that_do_not_change,
    aws=[],
    moto=["rows"],
)
def tables_after_an_update_and_the_deletion_of_their_stack(endpoint: Endpoint) -> Any:
    stacks = stack(endpoint, table())
    assert change(stacks, table(Tags=[{"Key": "k", "Value": "v"}])) == "none"
    stacks.delete_stack(StackName="stack")
    return endpoint.client("dynamodb").list_tables()["TableNames"]


@look(cloudformation_stacks.create_and_delete_by_condition, aws=(1, 0, 1), moto=(1, 1, 1))
def queues_with_and_without_a_condition_that_is_met(endpoint: Endpoint) -> tuple[int, ...]:
    conditions = {"Wanted": {"Fn::Equals": [{"Ref": "Value"}, "yes"]}}
    body = template({**QUEUE, "Condition": "Wanted"}, Conditions=conditions, Parameters=VALUE)
    stacks = stack(endpoint, body, Value="yes")
    found = [queues(endpoint)]
    for value in ("no", "yes"):
        assert change(stacks, body, Value=value) == "none"
        found.append(queues(endpoint))
    return tuple(found)


@look(cloudformation_stacks.delete_resources_that_are_gone, aws="none", moto="AWS.SimpleQueueService.NonExistentQueue")
def delete_a_stack_whose_queue_is_gone(endpoint: Endpoint) -> str:
    stacks, sqs = stack(endpoint, template(QUEUE)), endpoint.client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="queue")["QueueUrl"])
    return code_of(stacks.delete_stack, StackName="stack")


@look(cloudformation_stacks.review_one_stack_of_a_name, aws=1, moto=2)
def stacks_of_two_change_sets(endpoint: Endpoint) -> int:
    stacks = endpoint.client("cloudformation")
    for name in ("one", "two"):
        stacks.create_change_set(
            StackName="stack", ChangeSetName=name, ChangeSetType="CREATE", TemplateBody=template(QUEUE)
        )
    return len(stacks.list_stacks()["StackSummaries"])


def failing() -> str:
    """Return the template of a queue and a bucket whose name is too short."""
    bucket = {"Type": "AWS::S3::Bucket", "DependsOn": "Queue", "Properties": {"BucketName": "x"}}
    return json.dumps({"Resources": {"Queue": QUEUE, "Bucket": bucket}})


@look(cloudformation_stacks.remember_which_resource_failed, aws=["Bucket"], moto=[])
def resources_that_failed_by_the_events(endpoint: Endpoint) -> list[str]:
    stacks = endpoint.client("cloudformation")
    change(stacks, failing(), "CREATE")
    events = stacks.describe_stack_events(StackName="stack")["StackEvents"]
    return [one["LogicalResourceId"] for one in events if one["ResourceStatus"] == "CREATE_FAILED"]


@look(
    cloudformation_stacks.roll_back_a_creation_that_fails,
    aws=("none", "ROLLBACK_COMPLETE", 0),
    moto=("InvalidBucketName", "REVIEW_IN_PROGRESS", 1),
)
def a_stack_whose_creation_fails(endpoint: Endpoint) -> tuple[str, str, int]:
    stacks = endpoint.client("cloudformation")
    code = change(stacks, failing(), "CREATE")
    return code, stacks.describe_stacks(StackName="stack")["Stacks"][0]["StackStatus"], queues(endpoint)
