"""S3 through boto3, against a real S3 endpoint in this process."""

from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer
from werkzeug.serving import WSGIRequestHandler

from local_aws.rekognition import Boto3S3, S3ObjectMissingError


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(WSGIRequestHandler, "log_request", lambda *_: None)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_objects_are_written_and_read_in_their_versions(endpoint: str) -> None:
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_bucket(Bucket="pictures")
    client.put_bucket_versioning(Bucket="pictures", VersioningConfiguration={"Status": "Enabled"})
    s3 = Boto3S3(endpoint)
    key = "a folder/a b+ü&%41.png"
    s3.put("pictures", key, b"old")
    version = client.head_object(Bucket="pictures", Key=key)["VersionId"]
    s3.put("pictures", key, b"new")
    assert s3.get("pictures", key) == b"new"
    assert s3.get("pictures", key, version) == b"old"
    for missing in (("pictures", "none", None), ("nobodys", key, None), ("pictures", key, "no-such-version")):
        with pytest.raises(S3ObjectMissingError):
            s3.get(*missing)
    with pytest.raises(S3ObjectMissingError):
        s3.put("nobodys", key, b"x")


def test_its_calls_are_marked_as_the_endpoints_own(endpoint: str) -> None:
    s3 = Boto3S3(endpoint)
    agents: list[str] = []
    s3._s3().meta.events.register("before-send.s3", lambda request, **_: agents.append(str(request.headers)))
    with pytest.raises(S3ObjectMissingError):
        s3.get("pictures", "x")
    assert "local-aws-internal" in agents[0]
