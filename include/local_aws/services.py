"""What the front asks of a service that is written here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

ACCOUNT_ID = "123456789012"  # the account moto answers for


@dataclass(frozen=True)
class RequestContext:
    """Where a call comes from: the region of its signature, and the id its answer will carry."""

    region: str
    request_id: str


class Service(Protocol):
    """One AWS service: operations by name, requests and responses in the shapes of botocore's model.

    The front has validated the request against the model before it calls, and serializes the answer by it
    (so a timestamp is an aware ``datetime``). Errors are raised as ``AwsError``; an operation that is not
    offered raises ``AwsError("UnknownOperationException", …)``.
    """

    name: str  # botocore's service name: "rekognition", "sagemaker", "sagemaker-a2i-runtime"

    def call(self, operation: str, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """Answer one call."""
        ...
