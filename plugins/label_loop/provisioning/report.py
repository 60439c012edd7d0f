"""What provisioning reports about each resource, and its errors."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from label_loop.exceptions import LabelLoopError
from label_loop.hooks.aws_errors import error_code


class ResourceOutcome(StrEnum):
    """What happened to a resource, or what was found out about it."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    UPDATED = "updated"
    SKIPPED = "skipped"
    FOUND = "found"
    PROBLEM = "problem"


@dataclass(frozen=True)
class ResourceLine:
    """One resource: its kind, its name, what happened to it, and what exactly was updated or remains to be done."""

    kind: str
    name: str
    outcome: ResourceOutcome
    detail: str = ""
    planned: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the line as a JSON object."""
        return {**asdict(self), "outcome": str(self.outcome)}

    def __str__(self) -> str:
        is_change = self.outcome in {ResourceOutcome.CREATED, ResourceOutcome.UPDATED}
        outcome = f"to be {self.outcome}" if self.planned and is_change else str(self.outcome)
        return f"{outcome:<13} {self.kind} {self.name}" + (f" ({self.detail})" if self.detail else "")


type Report = Callable[[ResourceLine], None]

_DENIED = "grant the caller the permission that the message names, or use other credentials"
_SIGN_IN = "sign in, or choose another profile with --profile"
_REMEDIES = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "AuthorizationError": _DENIED,
    "UnauthorizedOperation": _DENIED,
    "403": "choose another name with --bucket if the bucket belongs to another account; otherwise grant the caller "
    "access to it",
    "BucketAlreadyExists": "choose another name with --bucket: another account already uses this one",
    "ExpiredToken": "sign in again: the credentials have expired",
    "ExpiredTokenException": "sign in again: the credentials have expired",
    "InvalidClientTokenId": "correct the credentials: AWS does not recognize them",
    "LimitExceededException": "raise the service quota, or delete what is not needed",
    "ResourceLimitExceeded": "raise the service quota, or delete what is not needed",
    "NoRegionError": "give --region, or set one in the AWS configuration",
    "NoCredentialsError": _SIGN_IN,
    "ProfileNotFound": "choose a profile that `aws configure list-profiles` lists",
    "SSOTokenLoadError": _SIGN_IN,
    "UnauthorizedSSOTokenError": _SIGN_IN,
    "EndpointConnectionError": "check the network, the region, and AWS_ENDPOINT_URL if it is set",
    "QueueDeletedRecently": "wait a minute: a queue with that name has just been deleted",
}
_REPEAT = "correct the cause"
_AGAIN = "then run the command again: it continues where it stopped"


class ProvisioningError(LabelLoopError):
    """An operation on a resource failed; the message names the resource, the problem and the remedy."""

    def __init__(self, kind: str, name: str, problem: str, remedy: str, *, code: str = "") -> None:
        super().__init__(f"{kind[0].upper()}{kind[1:]} {name}: {problem}. To fix this, {remedy}.")
        self.name = name
        self.problem = problem
        self.code = code

    @classmethod
    def of(cls, kind: str, name: str, error: ClientError | BotoCoreError) -> "ProvisioningError":
        """Return the error for a refusal by AWS, or for a failure to reach AWS."""
        known = error_code(error) or type(error).__name__
        remedy = f"{_REMEDIES.get(known, _REPEAT)}, {_AGAIN}"
        return cls(kind, name, aws_words(error), remedy, code=error_code(error))


class UnknownLoopError(LabelLoopError):
    """The account and region have no loop with that path."""

    def __init__(self, loop_path: str, where: str) -> None:
        super().__init__(
            f"There is no loop {loop_path} in {where}. To fix this, correct the path, or choose where to look with "
            f"--region and --profile; `python -m label_loop provision {loop_path}` creates a new loop."
        )


class DeploymentError(LabelLoopError):
    """A stack, or the environment that runs a loop, could not be deployed or destroyed."""

    def __init__(self, what: str, problem: str, remedy: str) -> None:
        super().__init__(f"{what}: {problem.strip().rstrip('.')}. To fix this, {remedy}.")


def aws_words(error: ClientError | BotoCoreError) -> str:
    """Return an error's code, operation and message, such as ``AccessDenied in CreateBucket: …``."""
    if not isinstance(error, ClientError):
        return f"{type(error).__name__}: {error}".rstrip(".")
    details: Any = error.response.get("Error", {})
    text = str(details.get("Message") or "no message").rstrip(".")
    return f"{details.get('Code', 'an unnamed error')} in {error.operation_name}: {text}"
