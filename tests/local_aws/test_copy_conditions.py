"""A copy on condition that its source is still the object of an eTag."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.local_aws.endpoint import Endpoint

KEY = "a b+ü%.png"


@pytest.fixture
def s3(endpoint: Endpoint) -> Any:
    client = endpoint.client("s3")
    client.create_bucket(Bucket="copies")
    return client


def put(s3: Any, body: bytes) -> str:
    return str(s3.put_object(Bucket="copies", Key=KEY, Body=body)["ETag"])


def copy(s3: Any, etag: str, **source: str) -> bytes:
    given = {"Bucket": "copies", "Key": KEY, **source}
    s3.copy_object(Bucket="copies", Key="copy", CopySource=given, CopySourceIfMatch=etag)
    return bytes(s3.get_object(Bucket="copies", Key="copy")["Body"].read())


def test_an_object_that_is_the_same_is_copied(s3: Any) -> None:
    etag = put(s3, b"one")
    assert copy(s3, etag) == copy(s3, etag.strip('"')) == b"one"


def test_an_object_that_changed_is_not_copied(s3: Any) -> None:
    etag = put(s3, b"one")
    put(s3, b"two")
    with pytest.raises(ClientError) as caught:
        copy(s3, etag)
    assert caught.value.response["Error"]["Code"] == "PreconditionFailed"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert "Contents" not in s3.list_objects_v2(Bucket="copies", Prefix="copy")


def test_an_earlier_version_is_compared_as_it_was(s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="copies", VersioningConfiguration={"Status": "Enabled"})
    written = s3.put_object(Bucket="copies", Key=KEY, Body=b"one")
    put(s3, b"two")
    assert copy(s3, written["ETag"], VersionId=written["VersionId"]) == b"one"


@pytest.mark.parametrize(("source", "code"), [({"Key": "none"}, "NoSuchKey"), ({"Bucket": "none"}, "NoSuchBucket")])
def test_what_is_not_there_is_told_as_such(s3: Any, source: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        copy(s3, put(s3, b"one"), **source)
    assert caught.value.response["Error"]["Code"] == code
