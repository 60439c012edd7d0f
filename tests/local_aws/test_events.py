import json
from typing import Any
from urllib.parse import unquote_plus

import pytest
from tests.local_aws.endpoint import Endpoint

HARD_KEY = "folder/a b+c%&ü~é(1).png"


def notify(endpoint: Endpoint, events: list[str] | None = None, **options: Any) -> str:
    """Send a new bucket's events to a new queue; return its URL, emptied of the test event."""
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="bucket")
    url, arn = endpoint.queue()
    configuration = {"QueueArn": arn, "Events": events or ["s3:ObjectCreated:*"], **options}
    s3.put_bucket_notification_configuration(
        Bucket="bucket", NotificationConfiguration={"QueueConfigurations": [configuration]}
    )
    (test_event,) = endpoint.messages(url)
    assert (test_event["Service"], test_event["Event"]) == ("Amazon S3", "s3:TestEvent")
    return url


def records(endpoint: Endpoint, url: str) -> list[dict[str, Any]]:
    return [record for message in endpoint.messages(url) for record in message["Records"]]


def test_a_put_is_told_as_s3_tells_it(endpoint: Endpoint) -> None:
    url = notify(endpoint, Id="mine")
    etag = endpoint.client("s3").put_object(Bucket="bucket", Key=HARD_KEY, Body=b"body")["ETag"]
    (record,) = records(endpoint, url)
    assert record["eventName"] == "ObjectCreated:Put"
    assert (record["eventVersion"], record["eventSource"], record["awsRegion"]) == ("2.1", "aws:s3", "us-east-1")
    assert record["s3"]["configurationId"] == "mine"
    assert record["s3"]["bucket"]["arn"] == "arn:aws:s3:::bucket"
    assert record["s3"]["bucket"]["ownerIdentity"]["principalId"]
    item = record["s3"]["object"]
    assert item["key"] == "folder/a+b%2Bc%25%26%C3%BC~%C3%A9%281%29.png"
    assert unquote_plus(item["key"]) == HARD_KEY
    assert (item["size"], item["eTag"]) == (4, etag.strip('"'))
    assert "versionId" not in item
    assert int(item["sequencer"], 16) > 0


def test_a_multipart_upload_is_one_event(endpoint: Endpoint) -> None:
    url = notify(endpoint)
    s3 = endpoint.client("s3")
    upload = s3.create_multipart_upload(Bucket="bucket", Key="big")["UploadId"]
    part = s3.upload_part(Bucket="bucket", Key="big", UploadId=upload, PartNumber=1, Body=b"x" * 1000)
    s3.complete_multipart_upload(
        Bucket="bucket",
        Key="big",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    (record,) = records(endpoint, url)
    assert record["eventName"] == "ObjectCreated:CompleteMultipartUpload"
    assert record["s3"]["object"]["size"] == 1000


def test_a_copy_is_a_copy_and_sequencers_grow(endpoint: Endpoint) -> None:
    url = notify(endpoint)
    s3 = endpoint.client("s3")
    for body in (b"1", b"2", b"3"):
        s3.put_object(Bucket="bucket", Key="a", Body=body)
    s3.copy_object(Bucket="bucket", Key="b", CopySource={"Bucket": "bucket", "Key": "a"})
    found = records(endpoint, url)
    assert [record["eventName"] for record in found] == ["ObjectCreated:Put"] * 3 + ["ObjectCreated:Copy"]
    sequencers = [record["s3"]["object"]["sequencer"] for record in found]
    assert sequencers == sorted(set(sequencers))


def test_a_versioned_bucket_tells_the_version(endpoint: Endpoint) -> None:
    url = notify(endpoint)
    s3 = endpoint.client("s3")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="bucket", Key="a", Body=b"1")["VersionId"]
    (record,) = records(endpoint, url)
    assert record["s3"]["object"]["versionId"] == version


def test_filters_are_honoured(endpoint: Endpoint) -> None:
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".png"}]
    url = notify(endpoint, Filter={"Key": {"FilterRules": rules}})
    s3 = endpoint.client("s3")
    for key in ("in/a.png", "in/a.jpg", "out/a.png"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"x")
    assert [record["s3"]["object"]["key"] for record in records(endpoint, url)] == ["in/a.png"]


def test_a_deletion_is_told_without_size(endpoint: Endpoint) -> None:
    url = notify(endpoint, ["s3:ObjectRemoved:*"])
    s3 = endpoint.client("s3")
    s3.put_object(Bucket="bucket", Key="a", Body=b"x")
    s3.delete_object(Bucket="bucket", Key="a")
    (record,) = records(endpoint, url)
    assert record["eventName"] == "ObjectRemoved:Delete"
    assert set(record["s3"]["object"]) == {"key", "sequencer"}


def test_events_reach_a_topic_and_its_queue(endpoint: Endpoint) -> None:
    s3, sns = endpoint.client("s3"), endpoint.client("sns")
    s3.create_bucket(Bucket="bucket")
    url, queue = endpoint.queue()
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    s3.put_bucket_notification_configuration(
        Bucket="bucket",
        NotificationConfiguration={"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]},
    )
    s3.put_object(Bucket="bucket", Key="a b", Body=b"x")
    test_event, event = (json.loads(message["Message"]) for message in endpoint.messages(url))
    assert test_event["Event"] == "s3:TestEvent"
    assert event["Records"][0]["s3"]["object"]["key"] == "a+b"


def test_event_bridge_gets_the_plain_key(endpoint: Endpoint) -> None:
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="bucket")
    url = endpoint.rule({"source": ["aws.s3"], "detail": {"bucket": {"name": ["bucket"]}}})
    s3.put_bucket_notification_configuration(
        Bucket="bucket", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    s3.put_object(Bucket="bucket", Key=HARD_KEY, Body=b"x")
    (event,) = endpoint.messages(url)
    assert event["detail-type"] == "Object Created"
    item = event["detail"]["object"]
    assert item["key"] == HARD_KEY
    assert set(item) == {"key", "size", "etag", "sequencer"}
    assert event["detail"]["reason"] == "PutObject"


def test_parameter_changes_are_told(endpoint: Endpoint) -> None:
    url = endpoint.rule({"source": ["aws.ssm"], "detail-type": ["Parameter Store Change"]})
    ssm = endpoint.client("ssm")
    name = "/logos/Minimum-F1-Score"
    ssm.put_parameter(Name=name, Value="0.8", Type="String", Description="the gate")
    ssm.put_parameter(Name=name, Value="0.9", Overwrite=True)
    ssm.label_parameter_version(Name=name, Labels=["good"])
    ssm.delete_parameter(Name=name)
    ssm.put_parameter(Name="plain", Value="x", Type="SecureString")
    ssm.delete_parameters(Names=["plain", "missing"])
    events = endpoint.messages(url)
    assert [(event["detail"]["operation"], event["detail"]["name"]) for event in events] == [
        ("Create", name),
        ("Update", name),
        ("LabelParameterVersion", name),
        ("Delete", name),
        ("Create", "plain"),
        ("Delete", "plain"),
    ]
    assert events[0]["detail"] == {"operation": "Create", "name": name, "type": "String", "description": "the gate"}
    assert events[0]["resources"] == [f"arn:aws:ssm:us-east-1:123456789012:parameter{name}"]
    assert events[3]["detail"]["type"] == "String"
    assert "ingestion-time" not in events[0]
    assert events[5]["detail"]["type"] == "SecureString"


def test_a_refused_change_is_not_told(endpoint: Endpoint) -> None:
    url = endpoint.rule({"source": ["aws.ssm"]})
    ssm = endpoint.client("ssm")
    ssm.put_parameter(Name="/a", Value="1", Type="String")
    with pytest.raises(ssm.exceptions.ParameterAlreadyExists):
        ssm.put_parameter(Name="/a", Value="2", Type="String")
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.delete_parameter(Name="/b")
    assert [event["detail"]["operation"] for event in endpoint.messages(url)] == ["Create"]


def test_disabled_and_scheduled_rules_get_nothing_and_topics_do(endpoint: Endpoint) -> None:
    pattern = {"source": ["aws.ssm"]}
    disabled = endpoint.rule(pattern, "disabled")
    events, sns = endpoint.client("events"), endpoint.client("sns")
    events.disable_rule(Name="disabled")
    scheduled, arn = endpoint.queue("scheduled")
    events.put_rule(Name="scheduled", ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule="scheduled", Targets=[{"Id": "queue", "Arn": arn}])
    topic = sns.create_topic(Name="topic")["TopicArn"]
    told, told_arn = endpoint.queue("told")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=told_arn)
    events.put_rule(Name="topic", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="topic", Targets=[{"Id": "topic", "Arn": topic}])
    endpoint.client("ssm").put_parameter(Name="/a", Value="1", Type="String")
    assert endpoint.messages(disabled) == []
    assert endpoint.messages(scheduled) == []
    (message,) = endpoint.messages(told)
    assert json.loads(message["Message"])["detail"]["operation"] == "Create"
