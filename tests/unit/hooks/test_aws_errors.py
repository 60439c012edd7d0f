"""What an AWS error says of the object that was read."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from label_loop.hooks.aws_errors import object_problem


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "x"}}, "GetObject")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("NoSuchKey", "deleted"),
        ("404", "deleted"),
        ("NoSuchVersion", "deleted"),
        ("MethodNotAllowed", "deleted"),
        ("InvalidObjectState", "archived"),
        ("AccessDenied", "access to it"),
        ("403", "access to it"),
        ("KMS.DisabledException", "KMS key"),
        ("KMS.NotFoundException", "KMS key"),
        ("KMS.KMSInvalidStateException", "KMS key"),
        ("InvalidRequest", "SSE-C"),
    ],
)
def test_what_is_wrong_with_one_object(code: str, words: str) -> None:
    assert words in str(object_problem(refused(code)))


@pytest.mark.parametrize(
    "error",
    [
        *map(
            refused,
            [
                "SlowDown",
                "Throttling",
                "503",
                "InternalError",
                "ExpiredToken",
                "InvalidAccessKeyId",
                "400",
                "NoSuchBucket",
            ],
        ),
        EndpointConnectionError(endpoint_url="https://s3"),
        ReadTimeoutError(endpoint_url="https://s3"),
        ValueError("AccessDenied"),
    ],
    ids=repr,
)
def test_what_says_nothing_about_the_object(error: Exception) -> None:
    assert object_problem(error) is None
