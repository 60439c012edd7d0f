import json
import os
import subprocess
from pathlib import Path

import pytest
from aiobotocore.session import get_session
from tests.local_aws.endpoint import Endpoint
from tests.local_aws.reviews import make_flow, start_loop

CLI = Path(__file__).parents[2] / ".tools/aws/bin/aws"
needs_cli = pytest.mark.skipif(not CLI.exists(), reason="the aws CLI is not in .tools/aws/bin: run make setup")


def run_cli(endpoint: Endpoint, *words: str) -> str:
    settings = {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_PAGER": "",
    }
    done = subprocess.run(
        [CLI, *words], env=os.environ | settings, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_boto3_reaches_every_common_service(endpoint: Endpoint) -> None:
    endpoint.client("s3").create_bucket(Bucket="bucket")
    endpoint.client("ssm").put_parameter(Name="/logos/X", Value="1", Type="String")
    endpoint.client("sns").create_topic(Name="topic")
    endpoint.client("sqs").create_queue(QueueName="queue")
    endpoint.client("dynamodb").list_tables()
    endpoint.client("events").list_rules()
    endpoint.client("iam").list_roles()
    account = endpoint.client("sts").get_caller_identity()["Account"]
    assert account == "123456789012"
    assert endpoint.counts() == {
        "dynamodb.ListTables": 1,
        "events.ListRules": 1,
        "iam.ListRoles": 1,
        "s3.CreateBucket": 1,
        "sns.CreateTopic": 1,
        "sqs.CreateQueue": 1,
        "ssm.PutParameter": 1,
        "sts.GetCallerIdentity": 1,
    }


async def test_aiobotocore_works_unmodified(endpoint: Endpoint) -> None:
    flow = make_flow(endpoint.client("sagemaker"))
    session = get_session()
    options = {
        "endpoint_url": endpoint.url,
        "region_name": "us-east-1",
        "aws_access_key_id": "local",
        "aws_secret_access_key": "local",
    }
    async with session.create_client("s3", **options) as s3:
        await s3.create_bucket(Bucket="bucket")
        await s3.put_object(Bucket="bucket", Key="a b", Body=b"body")
        answer = await s3.get_object(Bucket="bucket", Key="a b")
        assert await answer["Body"].read() == b"body"
    async with session.create_client("sagemaker-a2i-runtime", **options) as a2i:
        await a2i.start_human_loop(HumanLoopName="loop", FlowDefinitionArn=flow, HumanLoopInput={"InputContent": "{}"})
        described = await a2i.describe_human_loop(HumanLoopName="loop")
        assert described["HumanLoopStatus"] == "InProgress"
        with pytest.raises(a2i.exceptions.ResourceNotFoundException):
            await a2i.describe_human_loop(HumanLoopName="other")
    async with session.create_client("rekognition", **options) as rekognition:
        assert (await rekognition.describe_projects())["ProjectDescriptions"] == []


@needs_cli
def test_the_cli_copies_files_and_lists_human_loops(endpoint: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "a b.txt").write_bytes(b"text")
    run_cli(endpoint, "s3", "mb", "s3://bucket")
    run_cli(endpoint, "s3", "cp", str(tmp_path / "a b.txt"), "s3://bucket/folder/a b.txt")
    assert "a b.txt" in run_cli(endpoint, "s3", "ls", "s3://bucket/folder/")
    flow = make_flow(endpoint.client("sagemaker"))
    start_loop(endpoint.client("sagemaker-a2i-runtime"), flow)
    text = run_cli(endpoint, "sagemaker-a2i-runtime", "list-human-loops", "--flow-definition-arn", flow)
    assert json.loads(text)["HumanLoopSummaries"][0]["HumanLoopName"] == "loop"
