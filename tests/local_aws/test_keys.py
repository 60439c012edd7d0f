"""Keys of any form: S3 takes each text of up to 1,024 bytes."""

import pytest
from tests.local_aws.endpoint import Endpoint

KEYS = [
    "two\nlines.png", "ends\n", "\nbegins", "a\r\nb", "x/../y.png", "../up", "a//b", "/slash", "a?b#c&d=e;f",
    "a%2Fb%0A", "a+b c", "ü中🙂\u2028", "a\\b", "./a/.", "..", "k" * 1024,
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
