"""Which S3 operation a request is: by botocore's method, depth of the path, sub-resources and headers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl

from botocore.model import OperationModel

from local_aws.service_models import service_model

# Directory buckets answer on hosts of their own; on `GET /` only ListBuckets is meant.
_ELSEWHERE = {"ListDirectoryBuckets", "CreateSession", "WriteGetObjectResponse"}


@dataclass(frozen=True)
class _Candidate:
    """What a request must carry to be this operation."""

    name: str
    query: tuple[tuple[str, str], ...]  # sub-resources; an empty value is "any"
    headers: tuple[str, ...]

    def matches(self, query: Mapping[str, list[str]], header: Callable[[str], str]) -> bool:
        return all(key in query and value in ("", query[key][0]) for key, value in self.query) and all(
            header(name) for name in self.headers
        )


def identify(method: str, path: str, query: Mapping[str, list[str]], header: Callable[[str], str]) -> str | None:
    """Name the operation; None for what S3 has none for. The most specific candidate wins."""
    bucket, _, key = path.lstrip("/").partition("/")
    depth = 2 if key else 1 if bucket else 0
    if method == "POST" and depth == 1 and header("Content-Type").startswith("multipart/form-data"):
        return "PostObject"  # a browser's upload form: S3 has it, the service model does not
    for candidate in _candidates().get((method, depth), []):
        if candidate.matches(query, header):
            return candidate.name
    return None


@cache
def _candidates() -> dict[tuple[str, int], list[_Candidate]]:
    """Group all operations by method and depth, the most demanding first."""
    model = service_model("s3")
    if model is None:
        raise RuntimeError("botocore has no model of S3")
    found: dict[tuple[str, int], list[_Candidate]] = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        if not operation.deprecated and name not in _ELSEWHERE:
            path, _, _ = operation.http["requestUri"].partition("?")
            found.setdefault((operation.http["method"], path.count("{")), []).append(_candidate(operation))
    for candidates in found.values():
        candidates.sort(key=lambda candidate: -len(candidate.query) - len(candidate.headers))
    return found


def _candidate(operation: OperationModel) -> _Candidate:
    query = parse_qsl(operation.http["requestUri"].partition("?")[2], keep_blank_values=True)
    headers = []
    shape = operation.input_shape
    for member in shape.required_members if shape else []:
        place = shape.members[member].serialization
        if place.get("location") == "querystring":
            query.append((place["name"], ""))
        elif place.get("location") == "header":
            headers.append(place["name"])
    return _Candidate(operation.name, tuple(query), tuple(headers))
