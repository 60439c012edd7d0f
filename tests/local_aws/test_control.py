import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.local_aws.endpoint import Endpoint

from local_aws.requests import INTERNAL_USER_AGENT


def error_of(call: Callable[..., Any], **parameters: Any) -> tuple[str, int] | None:
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return None


def test_health(endpoint: Endpoint) -> None:
    assert endpoint.control("GET", "health") == (200, {"status": "ok"})
    assert endpoint.control("GET", "nothing")[0] == 404


def test_counts_are_exact_and_reset(endpoint: Endpoint) -> None:
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="bucket")
    for key in ("a", "b", "c"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"x")
    s3.copy_object(Bucket="bucket", Key="d", CopySource={"Bucket": "bucket", "Key": "a"})
    endpoint.client("sagemaker").list_workteams()
    expected = {"s3.CreateBucket": 1, "s3.PutObject": 3, "s3.CopyObject": 1, "sagemaker.ListWorkteams": 1}
    assert endpoint.counts() == expected
    assert endpoint.control("DELETE", "calls") == (204, None)
    assert endpoint.counts() == {}


def test_the_endpoints_own_calls_are_neither_counted_nor_faulted(endpoint: Endpoint) -> None:
    endpoint.control("POST", "faults", [{"service": "s3", "kind": "error"}])
    s3 = endpoint.client("s3")

    def as_the_endpoint(request: Any, **_: Any) -> None:
        request.headers["User-Agent"] = INTERNAL_USER_AGENT

    s3.meta.events.register("before-send.s3", as_the_endpoint)
    s3.list_buckets()
    assert endpoint.counts() == {}


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        ("s3", "list_buckets", {}, ("SlowDown", 503)),
        ("s3", "head_bucket", {"Bucket": "bucket"}, ("503", 503)),
        ("sqs", "list_queues", {}, ("RequestThrottled", 400)),
        ("sns", "list_topics", {}, ("Throttling", 400)),
        ("sts", "get_caller_identity", {}, ("Throttling", 400)),
        ("iam", "list_roles", {}, ("Throttling", 400)),
        ("ssm", "describe_parameters", {}, ("ThrottlingException", 400)),
        ("events", "list_rules", {}, ("ThrottlingException", 400)),
        ("dynamodb", "list_tables", {}, ("ProvisionedThroughputExceededException", 400)),
        ("sagemaker", "list_workteams", {}, ("ThrottlingException", 400)),
        ("sagemaker-a2i-runtime", "describe_human_loop", {"HumanLoopName": "x"}, ("ThrottlingException", 429)),
        ("rekognition", "describe_projects", {}, ("ThrottlingException", 400)),
        (
            "rekognition",
            "detect_custom_labels",
            {
                "ProjectVersionArn": "arn:aws:rekognition:us-east-1:123456789012:project/p/version/v/1",
                "Image": {"Bytes": b"x"},
            },
            ("ProvisionedThroughputExceededException", 400),
        ),
    ],
)
def test_throttling_is_worded_as_each_service_words_it(
    endpoint: Endpoint, service: str, operation: str, parameters: dict[str, Any], expected: tuple[str, int]
) -> None:
    endpoint.control("POST", "faults", [{"service": service, "kind": "throttle", "count": 1}])
    call = getattr(endpoint.client(service), operation)
    found = error_of(call, **parameters)
    # The model gives rekognition's throttling the status 500, as the service does.
    assert found is not None
    assert found[0] == expected[0]
    assert found[1] == expected[1] or service == "rekognition"
    assert endpoint.control("GET", "faults") == (200, [])


def test_an_error_strikes_as_often_as_it_counts_and_retries_get_through(endpoint: Endpoint) -> None:
    fault = {
        "service": "ssm",
        "operation": "PutParameter",
        "kind": "error",
        "code": "InternalServerError",
        "status": 500,
        "count": 2,
    }
    endpoint.control("POST", "faults", [fault])
    ssm = endpoint.client("ssm", attempts=3)
    ssm.describe_parameters()
    ssm.put_parameter(Name="/a", Value="1", Type="String")
    assert endpoint.counts() == {"ssm.DescribeParameters": 1, "ssm.PutParameter": 3}


def test_probability_is_seeded(start: Callable[..., Endpoint]) -> None:
    def run(seed: int) -> list[bool]:
        endpoint = start(fault_seed=seed)
        endpoint.control("POST", "faults", [{"service": "sts", "kind": "error", "probability": 0.5}])
        sts = endpoint.client("sts")
        found = [error_of(sts.get_caller_identity) is not None for _ in range(40)]
        endpoint.aws.close()
        return found

    first = run(7)
    assert 8 < sum(first) < 32
    assert run(7) == first
    assert run(8) != first


def test_latency_delays_only_what_it_is_for(endpoint: Endpoint) -> None:
    endpoint.control(
        "POST", "faults", [{"service": "s3", "operation": "ListBuckets", "kind": "latency", "seconds": 0.4}]
    )
    began = time.monotonic()
    endpoint.client("s3").list_buckets()
    assert time.monotonic() - began >= 0.4
    assert endpoint.control("DELETE", "faults") == (204, None)
    assert endpoint.control("GET", "faults") == (200, [])


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ({"kind": "error"}, "needs a service"),
        ({"service": "s3"}, "needs a kind"),
        ({"service": "s3", "kind": "boom"}, "kind is one of"),
        ({"service": "s3", "kind": "error", "probability": 2}, "probability is between"),
        ({"service": "s3", "kind": "error", "count": 0}, "count is at least"),
        ({"service": "s3", "kind": "error", "count": "1"}, "count cannot be"),
        ({"service": "s3", "kind": "error", "status": 200}, "status is between"),
        ({"service": "s3", "kind": "latency"}, "seconds are above 0"),
        ({"service": "s3", "kind": "error", "delay": 1}, "has no 'delay'"),
        ("s3", "is an object"),
    ],
)
def test_a_bad_fault_is_refused_with_its_rule(endpoint: Endpoint, fault: Any, rule: str) -> None:
    status, body = endpoint.control("POST", "faults", [fault])
    assert status == 400
    assert rule in body["error"]
    assert endpoint.control("GET", "faults") == (200, [])


def test_calls_of_an_application_are_counted_apart_as_well(endpoint: Endpoint) -> None:
    endpoint.control("DELETE", "calls")
    for app in (None, "a-console"):
        endpoint.client("ssm", app=app).describe_parameters()
    _, counted = endpoint.control("GET", "calls")
    assert counted == {
        "calls": {"ssm.DescribeParameters": 2},
        "by_app": {"a-console": {"ssm.DescribeParameters": 1}},
    }
