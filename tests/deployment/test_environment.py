"""The environment's template: its network, and what Airflow is told."""

import json
import re

import boto3
import pytest
from airflow.configuration import retrieve_configuration_description
from moto import mock_aws
from moto.cloudformation.models import cloudformation_backends
from tests.deployment.template import ACCOUNT, PROJECT, REGION, template

UNSUPPORTED = {"AWS::S3::BucketPolicy", "AWS::MWAA::Environment"}  # by moto's CloudFormation


@mock_aws
def test_all_but_the_environment_is_made_before_there_is_a_package(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    whole = template("mwaa")
    kept = {name: one for name, one in whole["Resources"].items() if one["Type"] not in UNSUPPORTED}
    assert whole["Resources"]["Environment"]["Condition"] == "HasPackage"
    text, given = json.dumps({**whole, "Resources": kept}), {"LoopPolicyArns": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    made = cloudformation_backends[ACCOUNT][REGION].create_stack("mwaa", text, given, tags={})
    assert made.status == "CREATE_COMPLETE"
    assert {output["OutputKey"] for output in made.outputs} == {"BucketName", "ExecutionRoleArn"}

    ec2 = boto3.client("ec2", region_name=REGION)
    (nat,) = ec2.describe_nat_gateways()["NatGateways"]
    own = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [nat["VpcId"]]}])["Subnets"]
    zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in own}
    private = [subnet for subnet in zones if subnet != nat["SubnetId"]]
    assert len({zones[subnet] for subnet in private}) == len(private) == 2
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [nat["VpcId"]]}])["RouteTables"]
    ways_out = [r for table in tables for r in table["Routes"] if r.get("DestinationCidrBlock") == "0.0.0.0/0"]
    assert [route.get("NatGatewayId") for route in ways_out if "NatGatewayId" in route] == [nat["NatGatewayId"]]
    assert len(ways_out) == 2


def test_each_subnet_has_its_way_out():
    resources = template("mwaa")["Resources"]
    ways = {
        one["Properties"]["SubnetId"]["Ref"]: one["Properties"]["RouteTableId"]["Ref"]
        for one in resources.values()
        if one["Type"] == "AWS::EC2::SubnetRouteTableAssociation"
    }
    assert ways == {
        "PublicSubnet": "PublicRoutes",
        "PrivateSubnet1": "PrivateRoutes",
        "PrivateSubnet2": "PrivateRoutes",
    }
    network = resources["Environment"]["Properties"]["NetworkConfiguration"]
    assert [one["Ref"] for one in network["SubnetIds"]] == ["PrivateSubnet1", "PrivateSubnet2"]


def test_the_environment_runs_what_this_project_is_locked_to_with_what_the_console_needs():
    environment = template("mwaa")["Resources"]["Environment"]["Properties"]
    lock = (PROJECT / "requirements-dev.txt").read_text()
    assert f"apache-airflow=={environment['AirflowVersion']}\n" in lock
    options = environment["AirflowConfigurationOptions"]
    assert options["core.lazy_load_plugins"] == "False"
    assert options["label_loop.parameter_paths"] == {"Ref": "ParameterPaths"}


def test_each_option_is_read_by_airflow_or_by_the_package():
    options = template("mwaa")["Resources"]["Environment"]["Properties"]["AirflowConfigurationOptions"]
    known = retrieve_configuration_description()
    sources = (path.read_text() for path in (PROJECT / "plugins").rglob("*.py"))
    ours = {name for source in sources for name in re.findall(r'conf\.get\("label_loop", "(\w+)"', source)}
    for section, _, name in (option.partition(".") for option in options):
        assert name in (ours if section == "label_loop" else known[section]["options"]), f"{section}.{name}"
