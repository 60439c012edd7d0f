"""Which notifications a bucket takes, and which S3 refuses, all of the request with them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.local_aws.endpoint import Endpoint

CREATED = "s3:ObjectCreated:*"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:detect"


@pytest.fixture
def s3(endpoint: Endpoint) -> Any:
    client = endpoint.client("s3")
    client.create_bucket(Bucket="bucket")
    return client


def of_queue(endpoint: Endpoint, event: str = CREATED, **filters: str) -> dict[str, Any]:
    return {"QueueArn": endpoint.queue()[1], "Events": [event], **filtered(**filters)}


def of_function(event: str = CREATED, **filters: str) -> dict[str, Any]:
    return {"LambdaFunctionArn": FUNCTION, "Events": [event], **filtered(**filters)}


def filtered(**filters: str) -> dict[str, Any]:
    rules = [{"Name": name, "Value": value} for name, value in filters.items()]
    return {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}


def put(s3: Any, queues: list[dict[str, Any]], functions: list[dict[str, Any]]) -> None:
    configuration = {"QueueConfigurations": queues, "LambdaFunctionConfigurations": functions}
    s3.put_bucket_notification_configuration(Bucket="bucket", NotificationConfiguration=configuration)


def refusal(s3: Any, queues: list[dict[str, Any]], functions: list[dict[str, Any]]) -> str:
    with pytest.raises(ClientError) as caught:
        put(s3, queues, functions)
    assert not {"QueueConfigurations", "LambdaFunctionConfigurations"} & set(
        s3.get_bucket_notification_configuration(Bucket="bucket")
    )
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("event", "filters"),
    [
        (CREATED, {}),
        ("s3:ObjectCreated:Put", {"prefix": "in/"}),
        (CREATED, {"prefix": "in"}),
        (CREATED, {"prefix": "in/new/"}),
        (CREATED, {"suffix": ".png"}),
    ],
)
def test_two_destinations_for_the_same_events_are_refused(
    endpoint: Endpoint, s3: Any, event: str, filters: dict[str, str]
) -> None:
    assert refusal(s3, [of_queue(endpoint, prefix="in/")], [of_function(event, **filters)]) == "InvalidArgument"


@pytest.mark.parametrize(
    ("event", "filters"),
    [("s3:ObjectRemoved:*", {"prefix": "in/"}), (CREATED, {"prefix": "out/"}), (CREATED, {"suffix": ".jpg"})],
)
def test_destinations_for_other_events_are_taken(
    endpoint: Endpoint, s3: Any, event: str, filters: dict[str, str]
) -> None:
    put(s3, [of_queue(endpoint, prefix="in/", suffix=".png")], [of_function(event, **filters)])
    found = s3.get_bucket_notification_configuration(Bucket="bucket")
    assert [len(found[f"{kind}Configurations"]) for kind in ("Queue", "LambdaFunction")] == [1, 1]


@pytest.mark.parametrize("kind", ["Queue", "Topic"])
def test_a_queue_that_does_not_exist_is_refused(s3: Any, kind: str) -> None:
    service = {"Queue": "sqs", "Topic": "sns"}[kind]
    one = {f"{kind}Arn": f"arn:aws:{service}:us-east-1:123456789012:gone", "Events": [CREATED]}
    with pytest.raises(ClientError, match=r"InvalidArgument.*:gone"):
        s3.put_bucket_notification_configuration(
            Bucket="bucket", NotificationConfiguration={f"{kind}Configurations": [one]}
        )
