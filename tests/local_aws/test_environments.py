"""Environments of Amazon MWAA at the endpoint: told of as they were made, and made only as MWAA's model has them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.local_aws.endpoint import Endpoint

from local_aws.environments import Environments
from local_aws.errors import AwsError
from local_aws.services import RequestContext

HERE = RequestContext("us-east-1", "test")
REQUEST: dict[str, Any] = {
    "Name": "one",
    "ExecutionRoleArn": "arn:aws:iam::123456789012:role/one",
    "SourceBucketArn": "arn:aws:s3:::one",
    "DagS3Path": "dags",
    "NetworkConfiguration": {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
}


@pytest.mark.parametrize(
    "change",
    [
        {"DagS3Path": None},
        {"AirflowVersions": "3.3.1"},
        {"MaxWorkers": "5"},
        {"WebserverAccessMode": "PUBLIC"},
        {"Name": "1"},
    ],
)
def test_a_request_that_mwaa_would_refuse_is_refused_and_changes_nothing(change: dict[str, Any]):
    environments = Environments()
    request = {key: value for key, value in (REQUEST | change).items() if value is not None}
    with pytest.raises(AwsError, match="ValidationException"):
        environments.call("CreateEnvironment", request, HERE)
    assert environments.changes == []
    assert environments.call("ListEnvironments", {}, HERE) == {"Environments": []}


def test_what_cannot_be_updated_in_place_is_refused():
    environments = Environments()
    environments.call("CreateEnvironment", REQUEST, HERE)
    with pytest.raises(AwsError, match="SubnetIds"):
        environments.call("UpdateEnvironment", REQUEST, HERE)
    environments.call("UpdateEnvironment", {"Name": "one", "MaxWorkers": 7}, HERE)
    assert environments.call("GetEnvironment", {"Name": "one"}, HERE)["Environment"]["MaxWorkers"] == 7


def test_an_environment_is_told_of_over_the_wire_until_it_is_deleted(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")
    mwaa = endpoint.client("mwaa")
    assert mwaa.create_environment(**REQUEST)["Arn"].endswith(":environment/one")
    found = mwaa.get_environment(Name="one")["Environment"]
    assert REQUEST.items() <= found.items()
    assert found["Status"] == "AVAILABLE"
    mwaa.update_environment(Name="one", MaxWorkers=7)
    assert mwaa.get_environment(Name="one")["Environment"]["LastUpdate"]["Status"] == "SUCCESS"
    assert mwaa.list_environments()["Environments"] == ["one"]
    assert endpoint.client("mwaa", region="eu-west-1").list_environments()["Environments"] == []
    mwaa.delete_environment(Name="one")
    with pytest.raises(mwaa.exceptions.ResourceNotFoundException):
        mwaa.get_environment(Name="one")
    with pytest.raises(ClientError, match="mwaa"):
        mwaa.list_tags_for_resource(ResourceArn=found["Arn"])
