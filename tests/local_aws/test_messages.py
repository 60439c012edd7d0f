"""What SQS and SNS take as messages, and what they refuse."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.local_aws.endpoint import Endpoint

MIB = 1024 * 1024
KIB = 1024


def code_of(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


@pytest.fixture
def queue(endpoint: Endpoint) -> tuple[Any, str]:
    return endpoint.client("sqs"), endpoint.queue()[0]


def text_attribute(value: str) -> dict[str, dict[str, str]]:
    return {"Reason": {"DataType": "String", "StringValue": value}}


def test_a_message_is_as_large_as_sqs_takes_with_its_attributes(queue: tuple[Any, str]) -> None:
    sqs, url = queue
    attributes = text_attribute("x" * 100)
    size = len("ReasonString") + 100
    sqs.send_message(QueueUrl=url, MessageBody="ü" * (MIB // 2))
    sqs.send_message(QueueUrl=url, MessageBody="x" * (MIB - size), MessageAttributes=attributes)
    for body, more in (("ü" * (MIB // 2) + "x", {}), ("x" * (MIB - size + 1), {"MessageAttributes": attributes})):
        with pytest.raises(ClientError) as caught:
            sqs.send_message(QueueUrl=url, MessageBody=body, **more)
        assert code_of(caught.value) == "InvalidParameterValue"
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"]
    assert [message.get("MessageAttributes", {}).get("Reason", {}).get("StringValue") for message in received] == [
        None,
        "x" * 100,
    ]


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\ufffe", "\uffff"])
def test_a_message_with_other_characters_is_refused(queue: tuple[Any, str], character: str) -> None:
    sqs, url = queue
    sqs.send_message(QueueUrl=url, MessageBody="tab\t line\n\r \x7f \x85 \ufffd 🙂")
    with pytest.raises(ClientError) as caught:
        sqs.send_message(QueueUrl=url, MessageBody=f"a{character}")
    assert code_of(caught.value) == "InvalidMessageContents"


@pytest.fixture
def topic(endpoint: Endpoint) -> tuple[Any, str, str]:
    """Give a client, a topic, and the URL of a queue that gets its messages."""
    sns = endpoint.client("sns")
    arn = sns.create_topic(Name="topic")["TopicArn"]
    url, queue = endpoint.queue()
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
    return sns, arn, url


def entry(id_: str, message: str = "x", **more: Any) -> dict[str, Any]:
    return {"Id": id_, "Message": message, **more}


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([entry(str(n)) for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([entry("a"), entry("a")], "BatchEntryIdsNotDistinct"),
        ([entry("a b")], "InvalidBatchEntryId"),
        ([entry("a" * 81)], "InvalidBatchEntryId"),
        ([], "EmptyBatchRequest"),
        ([entry("a", "ü" * 64 * KIB), entry("b", "x" * 128 * KIB), entry("c")], "BatchRequestTooLong"),
        ([entry("a", "x" * 256 * KIB, MessageAttributes=text_attribute("y"))], "BatchRequestTooLong"),
    ],
)
def test_a_batch_is_as_sns_takes_it(
    endpoint: Endpoint, topic: tuple[Any, str, str], entries: list[dict[str, Any]], code: str
) -> None:
    sns, arn, url = topic
    with pytest.raises(ClientError) as caught:
        sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=entries)
    assert code_of(caught.value) == code
    assert endpoint.messages(url) == []


def test_a_batch_of_the_largest_size_is_published(endpoint: Endpoint, topic: tuple[Any, str, str]) -> None:
    sns, arn, url = topic
    answer = sns.publish_batch(
        TopicArn=arn, PublishBatchRequestEntries=[entry("a", "ü" * 64 * KIB), entry("b", "x" * 128 * KIB)]
    )
    assert [one["Id"] for one in answer["Successful"]] == ["a", "b"]
    assert sorted(len(message["Message"]) for message in endpoint.messages(url)) == [64 * KIB, 128 * KIB]


@pytest.mark.parametrize("subject", ["x" * 101, "Käse", "two\nlines", " space first", ""])
def test_an_entry_that_sns_refuses_is_told_and_the_others_are_published(
    endpoint: Endpoint, topic: tuple[Any, str, str], subject: str
) -> None:
    sns, arn, url = topic
    entries = [entry("good", "good", Subject="x" * 100), entry("bad", "bad", Subject=subject)]
    answer = sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=entries)
    assert [one["Id"] for one in answer["Successful"]] == ["good"]
    assert [(one["Id"], one["Code"], one["SenderFault"]) for one in answer["Failed"]] == [
        ("bad", "InvalidParameter", True)
    ]
    assert [message["Message"] for message in endpoint.messages(url)] == ["good"]


def test_an_attribute_without_a_value_is_refused(endpoint: Endpoint, topic: tuple[Any, str, str]) -> None:
    sns, arn, url = topic
    with pytest.raises(ClientError, match="non-empty"):
        sns.publish_batch(
            TopicArn=arn, PublishBatchRequestEntries=[entry("a", json.dumps({}), MessageAttributes=text_attribute(""))]
        )
    assert endpoint.messages(url) == []
