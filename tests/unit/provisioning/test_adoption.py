"""A loop over a deployment of the AWS sample: adopted, never replaced."""

import json

import pytest

from label_loop.provisioning import ProvisioningError, ResourceOutcome
from label_loop.provisioning.names import base_name


@pytest.fixture
def loop(sample_stack):
    return sample_stack.loop


def test_everything_the_record_names_stays_and_the_rest_is_added(run, client, sample):
    values, lines = run()
    assert {key: values[key] for key in sample} == sample
    assert values["review_backend"] == "a2i"
    assert values["uploads_queue_url"]
    by_kind = {line.kind: line for line in lines}
    for kind in ("topic", "Rekognition project", "flow definition"):
        assert by_kind[kind].outcome == ResourceOutcome.UNCHANGED
    tables = {line.name: line.outcome for line in lines if line.kind == "table"}
    assert tables.pop(values["dynamodb_table"]) == ResourceOutcome.UPDATED
    assert set(tables.values()) == {ResourceOutcome.CREATED}
    assert "worker template" not in by_kind
    table = client("dynamodb").describe_table(TableName=values["dynamodb_table"])["Table"]
    assert table.get("BillingModeSummary", {}).get("BillingMode") != "PAY_PER_REQUEST"
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["Sampled_GSI"]
    assert {line.outcome for line in run()[1]} == {ResourceOutcome.UNCHANGED}


def test_what_is_new_comes_by_a_stack_whose_policy_is_about_the_sample_s_resources(
    run, client, loop, sample, sample_stack
):
    values, _ = run()
    name = base_name(loop)
    assert values["state_table"] == f"{name}-state"
    described = client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    arn = next(one["OutputValue"] for one in described["Outputs"] if one["OutputKey"] == "LoopPolicyArn")
    iam = client("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    about = {one["Sid"]: one["Resource"] for one in document["Statement"]}
    table = f"arn:aws:dynamodb:eu-west-1:123456789012:table/{sample['dynamodb_table']}"
    assert {table, f"{table}/index/*"} < set(about["Tables"])
    assert about["Folders"] == f"arn:aws:s3:::{sample['s3_bucket']}"
    assert about["Messages"] == sample["sns-topic"]
    assert sample["flow_definition_arn"] in about["HumanLoops"]
    assert sample["rekognition_project_arn"] in about["Model"]
    assert any(one.endswith(f":project/{sample_stack.project}/version/*") for one in about["Model"])
    assert about["State"].endswith(f":table/{name}-state")
    assert [one for one in about["Queues"] if one.endswith(f":{name}-uploads")]


def test_labels_given_move_the_record_to_a_form_with_the_same_people(run, client, sample):
    values, _ = run(labels=("cat", "dog"))
    assert values["flow_definition_arn"] != sample["flow_definition_arn"]
    sagemaker = client("sagemaker")
    old, new = (
        sagemaker.describe_flow_definition(FlowDefinitionName=arn.rsplit("/", 1)[-1])
        for arn in (sample["flow_definition_arn"], values["flow_definition_arn"])
    )
    assert new["RoleArn"] == old["RoleArn"]
    assert new["HumanLoopConfig"]["WorkteamArn"] == old["HumanLoopConfig"]["WorkteamArn"]


def test_notifications_and_settings_that_the_bucket_has_stay(run, client, sample, sample_stack):
    s3, bucket = client("s3"), sample["s3_bucket"]
    other = {
        "Id": "theirs",
        "LambdaFunctionArn": sample_stack.function(client),
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "elsewhere/"}]}},
    }
    notifications = {"LambdaFunctionConfigurations": [other]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=notifications)
    own = {
        "Sid": "theirs",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteBucket",
        "Resource": f"arn:aws:s3:::{bucket}",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [own]}))
    rule = {"AllowedMethods": ["PUT"], "AllowedOrigins": ["https://example.com"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "vision"}]})
    run()
    after = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert [one["Id"] for one in after["LambdaFunctionConfigurations"]] == ["theirs"]
    assert len(after["QueueConfigurations"]) == 2
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert own in policy["Statement"]
    assert len(policy["Statement"]) == 4  # and nothing about TLS: others may come without it
    assert len(s3.get_bucket_cors(Bucket=bucket)["CORSRules"]) == 2
    assert {"Key": "team", "Value": "vision"} in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]


def test_a_folder_that_another_is_told_of_is_told_by_event_bridge_too(run, client, sample, sample_stack):
    s3, bucket = client("s3"), sample["s3_bucket"]
    other = {
        "LambdaFunctionArn": sample_stack.function(client),
        "Events": ["s3:ObjectCreated:Put"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "images_for_detection/"}]}},
    }
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [other]}
    )
    values, lines = run()
    (line,) = [line for line in lines if line.kind == "notifications of"]
    assert "both will process each object" in line.detail
    after = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert [one["Id"] for one in after["QueueConfigurations"]] == ["label-loop-answers"]
    s3.put_object(Bucket=bucket, Key="images_for_detection/new.png", Body=b"x")
    url = values["uploads_queue_url"]
    messages = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"])["detail"]["object"]["key"] for message in messages] == [
        "images_for_detection/new.png"
    ]
    # moto keeps EventBridgeConfiguration without telling of it, so the bucket's own line cannot be compared here.
    lines = [line for line in run()[1] if line.kind != "notifications of"]
    assert {line.outcome for line in lines} == {ResourceOutcome.UNCHANGED}


def test_a_project_that_is_gone_is_not_replaced(run, client, sample, sample_stack):
    sample_stack.put_record(client, {**sample, "rekognition_project_arn": f"{sample['rekognition_project_arn']}9"})
    with pytest.raises(ProvisioningError, match="rekognition_project_arn"):
        run()


def test_a_table_with_another_key_is_refused(run, client, loop, sample, sample_stack):
    name = f"other-{loop.name}"
    client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    sample_stack.put_record(client, {**sample, "dynamodb_table": name})
    with pytest.raises(ProvisioningError, match="its key is not DetectLabelRequestId"):
        run()


def test_an_index_that_holds_neither_all_nor_only_keys_is_refused(run, client, sample, sample_stack):
    """Whether a row is whole could not be told."""
    dynamodb = client("dynamodb")
    table = dynamodb.describe_table(TableName=sample_stack.table)["Table"]
    (index,) = table["GlobalSecondaryIndexes"]
    units = {name: table["ProvisionedThroughput"][name] for name in ("ReadCapacityUnits", "WriteCapacityUnits")}
    some = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["S3ObjectKey"]}
    change = {"IndexName": "Sampled_GSI", "KeySchema": index["KeySchema"], "Projection": some}
    names = {"TableName": sample_stack.table, "AttributeDefinitions": table["AttributeDefinitions"]}
    for update in ({"Delete": {"IndexName": "Sampled_GSI"}}, {"Create": {**change, "ProvisionedThroughput": units}}):
        dynamodb.update_table(**names, GlobalSecondaryIndexUpdates=[update])
    with pytest.raises(ProvisioningError, match="Sampled_GSI projects some attributes"):
        run()


def test_a_bucket_of_another_loop_is_refused(run, client, sample):
    s3 = client("s3")
    s3.put_bucket_tagging(Bucket=sample["s3_bucket"], Tagging={"TagSet": [{"Key": "label-loop", "Value": "other"}]})
    with pytest.raises(ProvisioningError, match="belongs to the loop other"):
        run()
