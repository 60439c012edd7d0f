"""Between the JSON on the wire and the shapes of a service's model, both ways."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.utils import parse_timestamp
from botocore.validate import ParamValidator

from local_aws.constraints import violations
from local_aws.errors import AwsError
from local_aws.requests import Request


def read_request(operation: OperationModel, request: Request) -> dict[str, Any]:
    """Take a request apart by its model and validate it.

    Raises ``AwsError``: SerializationException for what cannot be read, ValidationException for what the
    model forbids.
    """
    shape = operation.input_shape
    if shape is None:
        return {}
    values = _body(request) | _from_path(operation, request) | _from_query(shape, request)
    try:
        parsed: dict[str, Any] = _parse(shape, values)
    except (ValueError, TypeError, OverflowError, binascii.Error) as error:
        raise AwsError("SerializationException", f"The request could not be read: {error}") from error
    report = ParamValidator().validate(parsed, shape)
    if report.has_errors():
        raise AwsError("ValidationException", report.generate_report())
    found = violations(shape, parsed)
    if found:
        noun = "error" if len(found) == 1 else "errors"
        raise AwsError("ValidationException", f"{len(found)} validation {noun} detected: {'; '.join(found)}")
    return parsed


def serialize(shape: Shape | None, value: Any) -> Any:
    """Turn an answer into JSON by its shape; a member that the model does not know is a defect of ours."""
    if isinstance(shape, StructureShape):
        unknown = set(value) - set(shape.members)
        if unknown:
            raise RuntimeError(f"{shape.name} has no members {sorted(unknown)}")
        return {
            shape.members[name].serialization.get("name", name): serialize(shape.members[name], item)
            for name, item in value.items()
            if item is not None
        }
    if isinstance(shape, ListShape):
        return [serialize(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: serialize(shape.value, item) for key, item in value.items()}
    return _serialize_scalar(shape, value)


def _serialize_scalar(shape: Shape | None, value: Any) -> Any:
    if isinstance(value, datetime):
        if shape is not None and shape.serialization.get("timestampFormat") == "iso8601":
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return round(value.timestamp(), 3)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def _body(request: Request) -> dict[str, Any]:
    if not request.body.strip():
        return {}
    try:
        value = json.loads(request.body)
    except ValueError as error:
        raise AwsError("SerializationException", f"The request is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise AwsError("SerializationException", "The request is not a JSON object")
    return value


def _from_path(operation: OperationModel, request: Request) -> dict[str, str]:
    template = operation.http.get("requestUri", "/").partition("?")[0]
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
    match = re.fullmatch(pattern + "/?", request.path)
    return match.groupdict() if match else {}


def _from_query(shape: StructureShape, request: Request) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, member in shape.members.items():
        wire_name = member.serialization.get("name", name)
        if member.serialization.get("location") == "querystring" and wire_name in request.query:
            text = request.query[wire_name][0]
            values[name] = int(text) if member.type_name == "integer" and text.isdecimal() else text
    return values


def _parse(shape: Shape, value: Any) -> Any:
    """Read what JSON has no types for; what does not fit its shape is left for the validator to report."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        return {
            names.get(key, key): _parse(shape.members[names[key]], item) if key in names else item
            for key, item in value.items()
            if item is not None
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_parse(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: _parse(shape.value, item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return parse_timestamp(value)
    if shape.type_name == "blob":
        return base64.b64decode(value, validate=True)
    return value
