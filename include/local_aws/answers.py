"""Answers in the wire protocols of AWS: JSON, REST-JSON, query XML and S3's REST-XML."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from local_aws import service_models
from local_aws.errors import AwsError
from local_aws.requests import Request
from local_aws.xml_characters import escape_controls

# moto and SDKs know SQS's errors by the names of its older query protocol, sent along in a header.
_SQS_QUERY_NAMES = {"QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue"}


@dataclass
class Answer:
    """A whole response, in memory."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        """Return the first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def set_header(self, name: str, value: str) -> None:
        """Set a header in place of those of the same name."""
        self.headers = [pair for pair in self.headers if pair[0].lower() != name.lower()] + [(name, value)]

    def send(self, start_response: Any) -> Iterable[bytes]:
        """Answer as a WSGI application does."""
        phrase = HTTPStatus(self.status).phrase if self.status in HTTPStatus else "Unknown"
        start_response(f"{self.status} {phrase}", self.headers)
        return [self.body]


def json_answer(value: Any, status: int = 200, content_type: str = "application/json") -> Answer:
    """Answer a JSON document."""
    return Answer(status, json.dumps(value).encode(), [("Content-Type", content_type)])


def error_answer(request: Request, error: AwsError, request_id: str) -> Answer:
    """Answer an error as the asked service words errors, in the protocol of the request."""
    status = error.status
    if status == 400:
        status = service_models.error_status(request.service, error.code) or status
    if request.protocol == "rest-xml":
        answer = _s3_error(request, error, status, request_id)
    elif request.protocol in ("query", "ec2"):
        answer = _query_error(error, status, request_id)
    else:
        answer = _json_error(request, error, status)
    if request.method == "HEAD":
        answer.body = b""
    return answer


def json_content_type(request: Request) -> str:
    """Name the JSON version that the service's model speaks."""
    model = service_models.service_model(request.service)
    version = model.metadata.get("jsonVersion") if model and request.protocol == "json" else None
    return f"application/x-amz-json-{version}" if version else "application/json"


def _json_error(request: Request, error: AwsError, status: int) -> Answer:
    body = {"__type": error.code, "message": error.message}
    answer = json_answer(body, status, json_content_type(request))
    answer.headers.append(("x-amzn-errortype", error.code))
    if request.service == "sqs":
        side = "Sender" if status < 500 else "Receiver"
        name = _SQS_QUERY_NAMES.get(error.code, error.code)
        answer.headers.append(("x-amzn-query-error", f"{name};{side}"))
    return answer


def _query_error(error: AwsError, status: int, request_id: str) -> Answer:
    side = "Sender" if status < 500 else "Receiver"
    body = (
        f"<ErrorResponse><Error><Type>{side}</Type><Code>{escape(error.code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return Answer(status, escape_controls(body).encode(), [("Content-Type", "text/xml")])


def _s3_error(request: Request, error: AwsError, status: int, request_id: str) -> Answer:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        f"<Resource>{escape(request.path)}</Resource><RequestId>{request_id}</RequestId></Error>"
    )
    return Answer(status, escape_controls(body).encode(), [("Content-Type", "application/xml")])
