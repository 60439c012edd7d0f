"""An HTTP request as the front sees it: read once, then asked for its service, operation and region."""

import io
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from local_aws import s3_operations, service_models

INTERNAL_USER_AGENT = "local-aws-internal"  # the endpoint's calls of itself: neither counted nor faulted
_BUCKET_HOST = re.compile(r"([a-z0-9][a-z0-9.-]{2,62})\.localhost(?::[0-9]+)?", re.IGNORECASE)
_HUMAN_LOOPS = "/human-loops"
_ENVIRONMENTS = "/environments"


@dataclass(frozen=True)
class Scope:
    """The service and region a request was signed for; unsigned requests are S3's, as AWS has them."""

    service: str
    region: str


class Request:
    """A request with its body in memory, so that a connection is never left half read."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.body = _read_body(environ)
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace")
        self.query: dict[str, list[str]] = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        self._take_bucket_from_host()

    def header(self, name: str) -> str:
        """Return a header's value, or an empty text."""
        key = name.upper().replace("-", "_")
        return str(self.environ.get(key if key.startswith("CONTENT_") else f"HTTP_{key}", ""))

    def replace_body(self, body: bytes) -> None:
        """Put another body in the request's place, for this object and for whoever reads the environ."""
        self.body = body
        self.environ["CONTENT_LENGTH"] = str(len(body))
        self.rewind()

    def _take_bucket_from_host(self) -> None:
        """Turn the virtual-hosted style, http://bucket.localhost/key, into the path style, which all else reads."""
        found = _BUCKET_HOST.fullmatch(self.header("Host"))
        if found and self.service == "s3" and not self.is_control:
            for name in ("PATH_INFO", "RAW_URI"):
                self.environ[name] = f"/{found[1].lower()}{self.environ.get(name) or '/'}"
            self.path = f"/{found[1].lower()}{self.path}"

    def rewind(self) -> None:
        """Make the body readable from its beginning again."""
        self.environ["wsgi.input"] = io.BytesIO(self.body)

    @property
    def is_control(self) -> bool:
        """Whether it asks the endpoint itself, below ``/_local``, and not AWS."""
        return (self.path + "/").startswith("/_local/")

    @property
    def only_reads(self) -> bool:
        """Whether it changes nothing. Services other than S3 take changes by GET, too."""
        return self.method in ("GET", "HEAD") and (self.is_control or self.service == "s3")

    @property
    def is_internal(self) -> bool:
        """Whether the endpoint itself sent it."""
        return INTERNAL_USER_AGENT in self.header("User-Agent")

    @property
    def app(self) -> str:
        """The application id that a client was configured with (botocore's ``user_agent_appid``), or empty."""
        found = re.search(r"(?:^| )app/(\S+)", self.header("User-Agent"))
        return found[1] if found else ""

    @cached_property
    def form(self) -> dict[str, list[str]]:
        """The fields of a query-protocol request, from the body or the URL."""
        if self.header("Content-Type").startswith("application/x-www-form-urlencoded"):
            return self.query | parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return self.query

    @cached_property
    def scope(self) -> Scope:
        """The credential scope, from the Authorization header or a presigned URL."""
        _, found, credential = self.header("Authorization").partition("Credential=")
        if not found:
            credential = self.query.get("X-Amz-Credential", [""])[0]
        parts = credential.split(",")[0].split("/")
        if len(parts) < 5:
            return Scope("sts" if "Action" in self.form else "s3", "us-east-1")
        return Scope(parts[-2], parts[-3])

    @cached_property
    def service(self) -> str:
        """The service that is asked, by botocore's name."""
        target = self.header("X-Amz-Target")
        if target:
            return service_models.TARGET_PREFIXES.get(target.rpartition(".")[0], self.scope.service)
        if self.scope.service == "sagemaker" and (self.path + "/").startswith(_HUMAN_LOOPS + "/"):
            return "sagemaker-a2i-runtime"
        return "mwaa" if self.scope.service == "airflow" else self.scope.service

    @cached_property
    def operation(self) -> str | None:
        """The operation's name as botocore has it, or as the request gives it; None if it names none."""
        target = self.header("X-Amz-Target")
        if target:
            return target.rpartition(".")[2]
        if self.service == "s3":
            return s3_operations.identify(self.method, self.path, self.query, self.header)
        if self.service == "sagemaker-a2i-runtime":
            return self._human_loop_operation()
        if self.service == "mwaa":
            return self._environment_operation()
        return self.form.get("Action", [None])[0]

    def _human_loop_operation(self) -> str | None:
        rest = self.path.removeprefix(_HUMAN_LOOPS).strip("/")
        if self.method == "POST":
            return {"": "StartHumanLoop", "stop": "StopHumanLoop"}.get(rest)
        if not rest:
            return "ListHumanLoops" if self.method == "GET" else None
        return {"GET": "DescribeHumanLoop", "DELETE": "DeleteHumanLoop"}.get(self.method)

    def _environment_operation(self) -> str | None:
        if not (self.path + "/").startswith(_ENVIRONMENTS + "/"):
            return None
        if not self.path.removeprefix(_ENVIRONMENTS).strip("/"):
            return "ListEnvironments" if self.method == "GET" else None
        verb = {"GET": "Get", "PUT": "Create", "PATCH": "Update", "DELETE": "Delete"}.get(self.method)
        return f"{verb}Environment" if verb else None

    @property
    def protocol(self) -> str:
        """The wire protocol that the caller speaks and expects the answer in."""
        if self.header("X-Amz-Target"):
            return "json"
        if "Action" in self.form and self.service != "s3":
            return "query"
        model = service_models.service_model(self.service)
        return str(model.resolved_protocol) if model else "rest-json"


def _read_body(environ: dict[str, Any]) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
        body = stream.read()
        environ["CONTENT_LENGTH"] = str(len(body))
    else:
        body = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return bytes(body)
