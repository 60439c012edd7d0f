"""Keys of any form: S3 takes each text of up to 1,024 bytes."""

import pytest
from botocore.exceptions import ClientError
from tests.local_aws.endpoint import Endpoint

KEYS = [
    "two\nlines.png", "ends\n", "\nbegins", "a\r\nb", "x/../y.png", "../up", "a//b", "/slash", "a?b#c&d=e;f",
    "a%2Fb%0A", "a+b c", "ü中🙂\u2028", "a\\b", "./a/.", "..", "k" * 1024,
    "a\rb", "ends\r", "a\x01b", "\x1f", "a\x7fb", "\ufffe", " spaces ",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_an_object_of_any_key_is_written_listed_read_copied_and_deleted(endpoint: Endpoint, key: str) -> None:
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="keys")
    s3.put_object(Bucket="keys", Key=key, Body=b"body")
    s3.copy_object(Bucket="keys", Key="copy", CopySource={"Bucket": "keys", "Key": key})
    assert {item["Key"] for item in s3.list_objects_v2(Bucket="keys")["Contents"]} == {key, "copy"}
    for written in (key, "copy"):
        assert s3.get_object(Bucket="keys", Key=written)["Body"].read() == b"body"
    s3.delete_object(Bucket="keys", Key=key)
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="keys")["Contents"]] == ["copy"]


@pytest.mark.parametrize("key", KEYS)
def test_every_listing_gives_the_key_as_it_was_written(endpoint: Endpoint, key: str) -> None:
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="keys")
    s3.put_bucket_versioning(Bucket="keys", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="keys", Key=key, Body=b"body")
    s3.delete_object(Bucket="keys", Key=key)
    s3.put_object(Bucket="keys", Key=key, Body=b"body")
    versions = s3.list_object_versions(Bucket="keys", Prefix=key)
    assert [item["Key"] for item in versions["Versions"] + versions["DeleteMarkers"]] == [key] * 3
    assert versions["Prefix"] == key
    assert [item["Key"] for item in s3.list_objects(Bucket="keys")["Contents"]] == [key]


@pytest.mark.parametrize("separator", ["\r", "\x01", "\uffff", "+", "%"])
def test_prefixes_delimiters_and_markers_are_given_as_they_were_asked_for(endpoint: Endpoint, separator: str) -> None:
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="keys")
    first, second = f"a{separator}1", f"b{separator}2"
    for key in (first, second):
        s3.put_object(Bucket="keys", Key=key, Body=b"body")
    for listing in (s3.list_objects, s3.list_objects_v2, s3.list_object_versions):
        found = listing(Bucket="keys", Delimiter=separator)
        assert [one["Prefix"] for one in found["CommonPrefixes"]] == [f"a{separator}", f"b{separator}"]
        assert found["Delimiter"] == separator
    pages = s3.get_paginator("list_object_versions").paginate(Bucket="keys", PaginationConfig={"PageSize": 1})
    assert [one["Key"] for page in pages for one in page["Versions"]] == [first, second]
    assert s3.list_objects_v2(Bucket="keys", StartAfter=first)["StartAfter"] == first


def test_open_uploads_are_listed_in_the_encoding_that_is_asked_for(endpoint: Endpoint) -> None:
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="keys")
    s3.create_multipart_upload(Bucket="keys", Key="a\rb c")
    plain = s3.list_multipart_uploads(Bucket="keys")
    encoded = s3.list_multipart_uploads(Bucket="keys", EncodingType="url")
    assert [one["Uploads"][0]["Key"] for one in (plain, encoded)] == ["a\rb c", "a%0Db%20c"]
    assert encoded["EncodingType"] == "url"


def test_an_error_names_the_key_as_it_is(endpoint: Endpoint) -> None:
    endpoint.control("POST", "faults", [{"service": "s3", "operation": "GetObject", "kind": "throttle"}])
    with pytest.raises(ClientError) as caught:
        endpoint.client("s3").get_object(Bucket="keys", Key="a\rb")
    assert caught.value.response["Error"]["Resource"] == "/keys/a\rb"


def test_what_a_deletion_cannot_name_is_refused_and_stays(endpoint: Endpoint) -> None:
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="keys")
    for key in ("a\rb", "a\nb", "a\x01b"):
        s3.put_object(Bucket="keys", Key=key, Body=b"body")
    done = s3.delete_objects(Bucket="keys", Delete={"Objects": [{"Key": "a\rb"}]})
    assert [one["Key"] for one in done["Deleted"]] == ["a\rb"]
    with pytest.raises(ClientError, match="MalformedXML"):
        s3.delete_objects(Bucket="keys", Delete={"Objects": [{"Key": "a\nb"}, {"Key": "a\x01b"}]})
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="keys")["Contents"]] == ["a\x01b", "a\nb"]


@pytest.mark.parametrize("key", ["k" * 1025, "ü" * 513])
def test_a_key_that_is_too_long_is_refused_however_it_is_written(endpoint: Endpoint, key: str) -> None:
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="keys")
    s3.put_object(Bucket="keys", Key="a", Body=b"body")
    source = {"Bucket": "keys", "Key": "a"}
    for write, more in (
        (s3.put_object, {}), (s3.copy_object, {"CopySource": source}), (s3.create_multipart_upload, {})
    ):  # fmt: skip
        with pytest.raises(ClientError, match="KeyTooLongError"):
            write(Bucket="keys", Key=key, **more)
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="keys")["Contents"]] == ["a"]
