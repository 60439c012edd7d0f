import http.client
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from moto.sqs.models import Queue
from tests.local_aws.endpoint import Endpoint

from local_aws import sqs_polling
from local_aws.s3_operations import identify


def refusal(call: Any, **parameters: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(
    ("service", "operation"),
    [("ec2", "describe_instances"), ("lambda", "list_functions"), ("kinesis", "list_streams")],
)
def test_a_service_not_offered_is_an_error_that_names_it(endpoint: Endpoint, service: str, operation: str) -> None:
    with pytest.raises(ClientError, match=f"does not offer the service '{service}'"):
        getattr(endpoint.client(service), operation)()


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("s3", "get_bucket_analytics_configuration", {"Bucket": "bucket", "Id": "1"}),
        ("s3", "get_bucket_request_payment", {"Bucket": "bucket"}),
        ("ssm", "describe_sessions", {"State": "Active"}),
        ("sns", "list_origination_numbers", {}),
        ("sqs", "list_message_move_tasks", {"SourceArn": "arn:aws:sqs:us-east-1:123456789012:q"}),
        ("dynamodb", "list_global_tables", {}),
        ("events", "list_endpoints", {}),
        ("sts", "decode_authorization_message", {"EncodedMessage": "x"}),
        ("iam", "list_organizations_features", {}),
    ],
)
def test_what_moto_lacks_is_an_error(
    endpoint: Endpoint, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    endpoint.client("s3").create_bucket(Bucket="bucket")
    assert refusal(getattr(endpoint.client(service), operation), **parameters) == ("NotImplemented", 501)


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [("sagemaker", "list_models", {}), ("rekognition", "list_collections", {})],
)
def test_what_our_services_lack_is_an_unknown_operation(
    endpoint: Endpoint, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    code, _ = refusal(getattr(endpoint.client(service), operation), **parameters)
    assert code == "UnknownOperationException"


def raw(endpoint: Endpoint, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    return connection.getresponse()


@pytest.mark.parametrize("target", ["RekognitionService.Nothing", "SageMaker.Nothing", "AmazonSSM.Nothing"])
def test_a_made_up_operation_is_an_error(endpoint: Endpoint, target: str) -> None:
    answer = raw(endpoint, "POST", "/", b"{}", X_Amz_Target=target)
    assert answer.status in (400, 501)
    assert answer.headers["x-amzn-errortype"] in ("UnknownOperationException", "NotImplemented")


def test_a_made_up_path_of_human_loops_is_an_error(endpoint: Endpoint) -> None:
    scope = "AWS4-HMAC-SHA256 Credential=x/20261123/us-east-1/sagemaker/aws4_request, SignedHeaders=host"
    answer = raw(endpoint, "PUT", "/human-loops/x", Authorization=scope)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "UnknownOperationException")


@pytest.mark.parametrize("path", ["/moto-api/data.json", "/latest/meta-data/iam/"])
def test_motos_own_pages_are_not_served(endpoint: Endpoint, path: str) -> None:
    assert raw(endpoint, "GET", path).status == 404


def test_requests_that_break_the_model_are_refused(endpoint: Endpoint) -> None:
    wrong = [
        b"{",
        b"[]",
        b"{}",
        b'{"HumanTaskUiName": 1}',
        b'{"HumanTaskUiName": "A_B"}',
        b'{"X": 1, "HumanTaskUiName": "a"}',
    ]
    found = [raw(endpoint, "POST", "/", body, X_Amz_Target="SageMaker.DescribeHumanTaskUi") for body in wrong]
    assert [answer.headers["x-amzn-errortype"] for answer in found] == ["SerializationException"] * 2 + [
        "ValidationException"
    ] * 4


def test_request_ids_are_unique(endpoint: Endpoint) -> None:
    sns, s3, ssm = endpoint.client("sns"), endpoint.client("s3"), endpoint.client("ssm")
    calls = [sns.list_topics, sns.list_topics, s3.list_buckets, s3.list_buckets, ssm.describe_parameters]
    ids = {call()["ResponseMetadata"]["RequestId"] for call in calls}
    assert len(ids) == len(calls)


def test_connections_are_kept(endpoint: Endpoint) -> None:
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=10)
    connection.connect()
    socket = connection.sock
    for _ in range(3):
        connection.request("GET", "/_local/health")
        assert connection.getresponse().read() == b'{"status": "ok"}'
    assert connection.sock is socket
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "operation"),
    [
        ("GET", "/", {}, {}, "ListBuckets"),
        ("PUT", "/b", {}, {}, "CreateBucket"),
        ("GET", "/b", {"list-type": ["2"]}, {}, "ListObjectsV2"),
        ("GET", "/b/", {"prefix": [""]}, {}, "ListObjects"),
        ("PUT", "/b", {"notification": [""]}, {}, "PutBucketNotificationConfiguration"),
        ("GET", "/b/k", {"tagging": [""]}, {}, "GetObjectTagging"),
        ("PUT", "/b/k/l", {}, {}, "PutObject"),
        ("PUT", "/b/k", {}, {"x-amz-copy-source": "c/k"}, "CopyObject"),
        ("PUT", "/b/k", {"partNumber": ["1"], "uploadId": ["u"]}, {}, "UploadPart"),
        ("PUT", "/b/k", {"partNumber": ["1"], "uploadId": ["u"]}, {"x-amz-copy-source": "c/k"}, "UploadPartCopy"),
        ("POST", "/b/k", {"uploads": [""]}, {}, "CreateMultipartUpload"),
        ("POST", "/b/k", {"uploadId": ["u"]}, {}, "CompleteMultipartUpload"),
        ("POST", "/b", {"delete": [""]}, {}, "DeleteObjects"),
        ("POST", "/b", {}, {"Content-Type": "multipart/form-data; boundary=x"}, "PostObject"),
        ("PATCH", "/b", {}, {}, None),
    ],
)
def test_s3_operations_are_told_apart(
    method: str, path: str, query: dict[str, list[str]], headers: dict[str, str], operation: str | None
) -> None:
    assert identify(method, path, query, lambda name: headers.get(name, "")) == operation


def test_of_many_conditional_writes_one_wins(endpoint: Endpoint) -> None:
    table = endpoint.client("dynamodb")
    table.create_table(
        TableName="log",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    won: list[int] = []

    def write(number: int) -> None:
        try:
            table.put_item(TableName="log", Item={"Id": {"S": "one"}}, ConditionExpression="attribute_not_exists(Id)")
            won.append(number)
        except table.exceptions.ConditionalCheckFailedException:
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(won) == 1


def test_a_long_poll_waits_for_a_message_and_holds_nobody_up(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = endpoint.queue()
    sqs = endpoint.client("sqs")
    waiting, wait = threading.Event(), Queue.wait_for_messages

    def noted(queue: Any, seconds: Any) -> None:
        waiting.set()
        wait(queue, seconds)

    def send() -> None:
        assert waiting.wait(60)
        sqs.send_message(QueueUrl=url, MessageBody="{}")

    sender = threading.Thread(target=send)
    sender.start()
    with monkeypatch.context() as patch:
        patch.setattr(Queue, "wait_for_messages", noted)
        # Longer than the client has patience: an answer comes only if the message ends the wait.
        for name, value in {"MAX_WAIT_SECONDS": 600, "_wait_seconds": lambda *_: 600}.items():
            patch.setattr(sqs_polling, name, value)
        got = endpoint.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    sender.join()
    assert len(got) == 1
    empty = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    assert time.monotonic() - empty > 0.9
