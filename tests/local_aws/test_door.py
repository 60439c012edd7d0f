"""Who the endpoint answers: programs and its own pages, not the pages of other sites."""

import http.client
import json
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.local_aws.endpoint import Endpoint

FORM = (
    b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nplanted.png\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\nx\r\n--b--\r\n'
)
MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}
AIRFLOW = "http://127.0.0.1:8080"


def ask(
    endpoint: Endpoint, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> tuple[int, str]:
    """Send a request with exactly these headers, and the endpoint's own Host where they have none."""
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=10)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def signed_for(service: str) -> dict[str, str]:
    scope = f"local/20260101/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}


@pytest.fixture
def bucket(endpoint: Endpoint) -> str:
    endpoint.client("s3").create_bucket(Bucket="bucket")
    return "bucket"


def keys(endpoint: Endpoint) -> list[str]:
    return [item["Key"] for item in endpoint.client("s3").list_objects_v2(Bucket="bucket").get("Contents", [])]


OWN_NAMES = ("localhost", "LOCALHOST:4566", "127.0.0.1:1", "127.8.9.10", "[::1]:4566", "s3.localhost:4566")
OTHER_NAMES = (
    "evil.example",
    "evil.example:4566",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1:4566,evil.example",
    "127.0.0.1:80@evil.example",
    "evil@127.0.0.1",
    "notlocalhost",
    "192.168.0.7:4566",
    "[::2]",
    "[::1",
    "",
)


@pytest.mark.parametrize("path", ["/_local/health", "/"])
def test_only_names_of_this_machine_are_answered(endpoint: Endpoint, path: str) -> None:
    for host in OWN_NAMES:
        assert ask(endpoint, "GET", path, {"Host": host})[0] == 200, host
    for host in OTHER_NAMES:
        status, text = ask(endpoint, "GET", path, {"Host": host})
        assert status == 403, host
        assert "header Host is" in text
        assert "LOCAL_AWS_HOSTS" in text


@pytest.mark.parametrize(
    "request_line", ["GET / HTTP/1.0\r\n", "GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"]
)
def test_no_host_and_a_host_in_the_request_line(endpoint: Endpoint, request_line: str) -> None:
    with socket.create_connection((urlsplit(endpoint.url).hostname or "", endpoint.aws.port), timeout=10) as raw:
        raw.sendall(f"{request_line}Connection: close\r\n\r\n".encode())
        assert b" 403 " in raw.makefile("rb").readline()


ROUTES: list[tuple[str, str, dict[str, str], bytes]] = [
    ("POST", "/bucket", MULTIPART, FORM),
    ("PUT", "/bucket/planted.png", {}, b"x"),
    ("OPTIONS", "/bucket/planted.png", {"Access-Control-Request-Method": "PUT"}, b""),
    ("GET", "/bucket", {}, b""),
    ("POST", "/", {"X-Amz-Target": "AmazonSSM.DescribeParameters", **signed_for("ssm")}, b"{}"),
    ("POST", "/", {"X-Amz-Target": "RekognitionService.DescribeProjects", **signed_for("rekognition")}, b"{}"),
    ("POST", "/", {"Content-Type": "application/x-www-form-urlencoded", **signed_for("sns")}, b"Action=ListTopics"),
    ("POST", "/human-loops", signed_for("sagemaker"), b"{}"),
    ("GET", "/environments", signed_for("airflow"), b""),
    ("POST", "/_local/faults", {"Content-Type": "text/plain"}, b"[]"),
    ("GET", "/_local/calls", {}, b""),
]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:3000", "http://[::1", "https://x"])
def test_no_page_of_another_site_reaches_any_route(endpoint: Endpoint, bucket: str, origin: str) -> None:
    for method, path, headers, body in ROUTES:
        status, text = ask(endpoint, method, path, {**headers, "Origin": origin}, body)
        assert status == 403, (method, path)
        assert "LOCAL_AWS_ORIGINS" in text
    assert not keys(endpoint)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_without_origin_changes_nothing(endpoint: Endpoint, bucket: str, site: str) -> None:
    """A browser sends no Origin with an image, a link or a no-cors GET, and the query protocol takes changes by GET."""
    sns = endpoint.client("sns")
    sns.create_topic(Name="kept")
    credential = "local%2F20260101%2Fus-east-1%2Fsns%2Faws4_request"
    path = f"/?Action=CreateTopic&Name=planted&X-Amz-Credential={credential}"
    status, text = ask(endpoint, "GET", path, {"Sec-Fetch-Site": site})
    assert status == 403
    assert f"Sec-Fetch-Site is '{site}'" in text
    assert ask(endpoint, "PUT", "/bucket/planted", {"Sec-Fetch-Site": site}, b"x")[0] == 403
    assert len(sns.list_topics()["Topics"]) == 1
    assert not keys(endpoint)


def test_a_refusal_is_worded_as_the_service_words_errors(endpoint: Endpoint) -> None:
    def from_a_page(request: AWSRequest, **_: object) -> None:
        request.headers["Origin"] = "http://evil.example"

    for service, operation in (("s3", "list_buckets"), ("ssm", "describe_parameters"), ("sns", "list_topics")):
        client = endpoint.client(service)
        client.meta.events.register("before-send", from_a_page)
        with pytest.raises(ClientError, match=r"AccessDenied.*evil\.example"):
            getattr(client, operation)()
    status, text = ask(endpoint, "GET", "/_local/health", {"Host": "evil.example"})
    assert (status, list(json.loads(text))) == (403, ["error"])
    assert endpoint.counts() == {}


def test_its_own_pages_and_the_listed_ones_are_answered(start: Callable[..., Endpoint]) -> None:
    endpoint = start(origins=f"http://localhost:8080, {AIRFLOW}", hosts="local-aws, dev.example:4566")
    netloc = urlsplit(endpoint.url).netloc
    for headers, status in (
        ({"Origin": endpoint.url}, 200),
        ({"Origin": AIRFLOW}, 200),
        ({"Origin": AIRFLOW.upper(), "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Origin": "http://127.0.0.1:8081"}, 403),
        ({"Host": "local-aws:4566"}, 200),
        ({"Host": "local-aws", "Origin": "http://local-aws"}, 200),
        ({"Host": "dev.example:4566"}, 200),
        ({"Host": "dev.example:4567"}, 403),
        ({"Host": netloc, "Origin": "http://localhost:1"}, 403),
    ):
        assert ask(endpoint, "GET", "/_local/health", headers)[0] == status, headers
        assert ask(endpoint, "GET", "/", headers)[0] == status, headers


@pytest.mark.parametrize("origin", [AIRFLOW, None])
def test_a_form_with_a_signed_policy_uploads(start: Callable[..., Endpoint], origin: str | None) -> None:
    endpoint = start(origins=AIRFLOW)
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="bucket")
    form = s3.generate_presigned_post("bucket", "planted.png")
    fields = b"".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in form["fields"].items()
    )
    file = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nx\r\n--b--\r\n'
    headers = MULTIPART | ({"Origin": origin, "Sec-Fetch-Site": "same-site"} if origin else {})
    assert ask(endpoint, "POST", urlsplit(form["url"]).path, headers, fields + file)[0] in (200, 204)
    assert keys(endpoint) == ["planted.png"]


def test_a_presigned_address_is_shown_and_written_by_the_pages_that_may(start: Callable[..., Endpoint]) -> None:
    endpoint = start(origins=AIRFLOW)
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="bucket")
    for method, verb, headers in (
        ("put_object", "PUT", {"Origin": AIRFLOW, "Sec-Fetch-Site": "same-site"}),
        ("get_object", "GET", {"Origin": AIRFLOW, "Sec-Fetch-Site": "same-site"}),
        ("get_object", "GET", {"Sec-Fetch-Site": "same-site"}),
    ):
        url = urlsplit(s3.generate_presigned_url(method, {"Bucket": "bucket", "Key": "a b.png"}))
        assert ask(endpoint, verb, f"{url.path}?{url.query}", headers, b"x" if verb == "PUT" else b"")[0] == 200
    assert keys(endpoint) == ["a b.png"]


def test_a_bucket_may_be_named_by_the_host(endpoint: Endpoint, bucket: str) -> None:
    host = f"bucket.localhost:{endpoint.aws.port}"
    key, listing = "/a%20b/%C3%A9%2B%25.txt", "/?list-type=2"

    def signed(method: str, path: str, body: bytes = b"") -> tuple[int, str]:
        request = AWSRequest(method, f"http://{host}{path}")
        S3SigV4QueryAuth(Credentials("any", "any"), "s3", "us-east-1", expires=60).add_auth(request)
        return ask(endpoint, method, str(request.url).removeprefix(f"http://{host}"), {"Host": host}, body)

    assert signed("PUT", key, b"content")[0] == 200
    assert signed("GET", key) == (200, "content")
    assert "<Key>a b/é+%.txt</Key>" in signed("GET", listing)[1]
    assert keys(endpoint) == ["a b/é+%.txt"]
    counts = endpoint.counts()
    assert (counts["s3.PutObject"], counts["s3.GetObject"], counts["s3.ListObjectsV2"]) == (1, 1, 2)


@pytest.mark.parametrize("style", ["auto", "path"])
def test_clients_reach_it_as_localhost(endpoint: Endpoint, style: str) -> None:
    url = f"http://localhost:{endpoint.aws.port}"
    config = Config(s3={"addressing_style": style})
    keys_of_any = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
    s3 = boto3.client("s3", endpoint_url=url, config=config, **keys_of_any)
    s3.create_bucket(Bucket="bucket")
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["bucket"]
