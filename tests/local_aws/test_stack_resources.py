"""What stacks make at the endpoint that moto's would leave out or take wrong."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.cloudwatch.models import cloudwatch_backends
from tests.local_aws.endpoint import Endpoint

ACCOUNT, REGION = "123456789012", "us-east-1"
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${Name}-queue"}}}


@pytest.fixture
def client(endpoint: Endpoint) -> Callable[[str], Any]:
    return endpoint.client


def stack(cloudformation: Any, name: str, resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make a stack by a change set, or change it; return what is described of it."""
    given = more.pop("given", {})
    template = {"Parameters": {key: {"Type": "String"} for key in ("Name", *given)}, "Resources": resources, **more}
    there = [one for one in cloudformation.list_stacks()["StackSummaries"] if one["StackName"] == name]
    values = {"Name": name, **given}
    made = cloudformation.create_change_set(
        StackName=name,
        ChangeSetName="changes",
        ChangeSetType="UPDATE" if there else "CREATE",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
    )
    cloudformation.execute_change_set(ChangeSetName=made["Id"])
    return dict(cloudformation.describe_stacks(StackName=name)["Stacks"][0])


def test_a_bucket_is_made_with_its_settings_and_its_policy(client):
    s3, bucket = client("s3"), "stack-bucket-with-settings"
    properties = {
        "BucketName": bucket,
        "VersioningConfiguration": {"Status": "Enabled"},
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
        "CorsConfiguration": {"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]},
        "NotificationConfiguration": {
            "QueueConfigurations": [
                {
                    "Event": "s3:ObjectCreated:*",
                    "Queue": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}]}},
                }
            ]
        },
    }
    deny = {"Effect": "Deny", "Principal": "*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    without_tls = {**deny, "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    policy = {"Version": "2012-10-17", "Statement": [without_tls, {**deny, "Action": "s3:DeleteObject"}]}
    resources = {
        "Queue": QUEUE,
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties},
        "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": bucket, "PolicyDocument": policy}},
    }
    stack(client("cloudformation"), "bucket-stack", resources)
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"][0]["AllowedMethods"] == ["GET"]
    s3.put_object(Bucket=bucket, Key="in/1", Body=b"x")  # the endpoint stands for one with TLS
    s3.put_object(Bucket=bucket, Key="out/1", Body=b"x")
    with pytest.raises(s3.exceptions.ClientError, match="403"):
        s3.delete_object(Bucket=bucket, Key="in/1")
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName="bucket-stack-queue")["QueueUrl"]
    bodies = [json.loads(one["Body"]) for one in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]]
    assert [one["Records"][0]["s3"]["object"]["key"] for one in bodies if "Records" in one] == ["in/1"]


def test_policies_subscriptions_alarms_and_recovery_are_made(client):
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    alarm = {
        "AlarmName": "stack-alarm",
        "AlarmDescription": "Why.",
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": "q"}],
        "Statistic": "Maximum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0,
        "TreatMissingData": "notBreaching",
        "AlarmActions": [{"Ref": "Topic"}],
    }
    subscription = {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "a@example.com"}
    subscription |= {"FilterPolicy": {"event": ["failure"]}}
    table = {
        "TableName": "stack-table",
        "BillingMode": "PAY_PER_REQUEST",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
    }
    resources = {
        "Queue": QUEUE,
        "QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": policy},
        },
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "stack-topic"}},
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": policy},
        },
        "Subscription": {"Type": "AWS::SNS::Subscription", "Properties": subscription},
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table},
    }
    stack(client("cloudformation"), "many-stack", resources)
    sqs, sns = client("sqs"), client("sns")
    url = sqs.get_queue_url(QueueName="many-stack-queue")["QueueUrl"]
    assert (
        json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]) == policy
    )
    (arn,) = [one["TopicArn"] for one in sns.list_topics()["Topics"] if one["TopicArn"].endswith(":stack-topic")]
    assert json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]) == policy
    listed = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert [one["Endpoint"] for one in listed] == ["a@example.com"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=listed[0]["SubscriptionArn"])["Attributes"]
    assert json.loads(attributes["FilterPolicy"]) == {"event": ["failure"]}
    made = cloudwatch_backends[ACCOUNT][REGION].alarms["stack-alarm"]
    assert (made.alarm_actions, made.threshold, made.description) == ([arn], 0, "Why.")
    backups = client("dynamodb").describe_continuous_backups(TableName="stack-table")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_creation_that_fails_is_taken_back_and_tells_what_failed(client):
    cloudformation = client("cloudformation")
    resources = {
        "Queue": QUEUE,
        "Bucket": {"Type": "AWS::S3::Bucket", "DependsOn": "Queue", "Properties": {"BucketName": "x"}},
    }
    assert stack(cloudformation, "failing-stack", resources)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName="failing-stack")["StackEvents"]
    (failed,) = [one for one in events if one["ResourceStatus"] == "CREATE_FAILED"]
    assert (failed["LogicalResourceId"], failed["ResourceType"]) == ("Bucket", "AWS::S3::Bucket")
    assert "bucket is not valid" in failed["ResourceStatusReason"]
    with pytest.raises(client("sqs").exceptions.QueueDoesNotExist):
        client("sqs").get_queue_url(QueueName="failing-stack-queue")


def test_a_change_set_that_was_never_executed_is_no_hindrance(client):
    cloudformation = client("cloudformation")
    for name in ("one", "two"):
        cloudformation.create_change_set(
            StackName="empty-stack",
            ChangeSetName=name,
            ChangeSetType="CREATE",
            TemplateBody=json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}),
        )
    summaries = cloudformation.list_stacks()["StackSummaries"]
    assert [one["StackName"] for one in summaries].count("empty-stack") == 1


def test_an_update_takes_heed_of_conditions_and_touches_only_what_differs(client):
    cloudformation, ssm, sqs = client("cloudformation"), client("ssm"), client("sqs")
    parameter = {"Name": "/stack/parameter", "Type": "String", "Value": "the template's"}
    resources = {
        "Queue": {**QUEUE, "Condition": "Both"},
        "Parameter": {"Type": "AWS::SSM::Parameter", "Properties": parameter},
    }
    # Nested as !Condition would be read, which moto takes for a function.
    conditions = {
        "Wanted": {"Fn::Equals": [{"Ref": "Wanted"}, "yes"]},
        "Both": {"Fn::And": [{"Fn::Condition": "Wanted"}, {"Fn::Equals": ["", ""]}]},
    }

    def has_queue() -> bool:
        return bool(sqs.list_queues(QueueNamePrefix="switched-stack").get("QueueUrls"))

    for wanted in ("no", "yes", "no"):
        stack(cloudformation, "switched-stack", resources, Conditions=conditions, given={"Wanted": wanted})
        assert has_queue() is (wanted == "yes")
        ssm.put_parameter(Name="/stack/parameter", Value="somebody's", Type="String", Overwrite=True)
    assert ssm.get_parameter(Name="/stack/parameter")["Parameter"]["Value"] == "somebody's"


def test_a_template_that_is_too_long_is_refused(client):
    cloudformation = client("cloudformation")
    fitting = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    for more, is_taken in ((51_200 - len(fitting), True), (51_201 - len(fitting), False)):
        body = fitting + " " * more
        for call in (
            lambda body=body: cloudformation.get_template_summary(TemplateBody=body),
            lambda body=body: cloudformation.create_change_set(
                StackName="long", ChangeSetName="changes", ChangeSetType="CREATE", TemplateBody=body
            ),
        ):
            if is_taken:
                call()
            else:
                with pytest.raises(ClientError, match=r"ValidationError.*51200 bytes"):
                    call()


def test_a_parameter_that_is_too_long_is_refused(client):
    cloudformation = client("cloudformation")
    topic = {"Topic": {"Type": "AWS::SNS::Topic"}}
    stack(cloudformation, "fits", topic, given={"Page": "ü" * 2048})
    with pytest.raises(ClientError, match=r"ValidationError.*parameter Page has more than 4096 bytes"):
        stack(cloudformation, "long", topic, given={"Page": "ü" * 2048 + "x"})
