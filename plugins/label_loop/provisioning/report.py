"""What provisioning tells of each resource, and its error."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from label_loop.exceptions import LabelLoopError
from label_loop.hooks.aws_errors import error_code


class Outcome(StrEnum):
    """What became of a resource."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    MENDED = "mended"
    NOT_MADE = "not made"
    FOUND = "found"
    WRONG = "wrong"


@dataclass(frozen=True)
class Line:
    """One resource: its kind, its name, what became of it, and what exactly was mended or is left to do."""

    kind: str
    name: str
    outcome: Outcome
    detail: str = ""
    planned: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it for a program."""
        return {**asdict(self), "outcome": str(self.outcome)}

    def __str__(self) -> str:
        changes = self.outcome in {Outcome.CREATED, Outcome.MENDED}
        outcome = f"to be {self.outcome}" if self.planned and changes else str(self.outcome)
        return f"{outcome:<13} {self.kind} {self.name}" + (f" ({self.detail})" if self.detail else "")


type Report = Callable[[Line], None]

_DENIED = "give the caller the permission it names, or call with other credentials"
_SIGN_IN = "sign in, or choose another profile with --profile"
_WAYS_OUT = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "AuthorizationError": _DENIED,
    "UnauthorizedOperation": _DENIED,
    "403": "the name belongs to another account or you may not see it: choose another with --bucket, "
    "or get the permission",
    "BucketAlreadyExists": "another account has that name: choose another with --bucket",
    "ExpiredToken": "sign in again: the credentials have expired",
    "ExpiredTokenException": "sign in again: the credentials have expired",
    "InvalidClientTokenId": "correct the credentials: AWS does not know them",
    "LimitExceededException": "raise the service quota, or delete what is not needed",
    "ResourceLimitExceeded": "raise the service quota, or delete what is not needed",
    "NoRegionError": "give --region, or set one in the AWS configuration",
    "NoCredentialsError": _SIGN_IN,
    "ProfileNotFound": "choose a profile that `aws configure list-profiles` lists",
    "SSOTokenLoadError": _SIGN_IN,
    "UnauthorizedSSOTokenError": _SIGN_IN,
    "EndpointConnectionError": "check the network, the region, and AWS_ENDPOINT_URL if it is set",
    "QueueDeletedRecently": "wait a minute: a queue of that name was deleted just now",
}
_REPEAT = "correct the cause"
_AGAIN = "then run the command again: it continues where it stopped"


class ProvisioningError(LabelLoopError):
    """Work on a resource failed; the message names it, AWS's code, and the way out."""

    def __init__(self, kind: str, name: str, problem: str, way_out: str, *, code: str = "") -> None:
        super().__init__(f"Failed at the {kind} {name}: {problem}. Way out: {way_out}.")
        self.name = name
        self.problem = problem
        self.code = code

    @classmethod
    def of(cls, kind: str, name: str, error: ClientError | BotoCoreError) -> "ProvisioningError":
        """Put AWS's refusal, or a failure to reach AWS, in these words."""
        known = error_code(error) or type(error).__name__
        way_out = f"{_WAYS_OUT.get(known, _REPEAT)}, {_AGAIN}"
        return cls(kind, name, aws_words(error), way_out, code=error_code(error))


class UnknownLoopError(LabelLoopError):
    """There is no loop of that path where the command looked."""

    def __init__(self, loop_path: str, where: str) -> None:
        super().__init__(
            f"There is no loop {loop_path} in {where}. Way out: correct the path, or choose where to look with "
            f"--region and --profile; `python -m label_loop provision {loop_path}` makes a new one."
        )


class DeploymentError(LabelLoopError):
    """A stack, or what runs a loop, could not be deployed or destroyed."""

    def __init__(self, what: str, problem: str, way_out: str) -> None:
        super().__init__(f"{what}: {problem.strip().rstrip('.')}. Way out: {way_out}.")


def aws_words(error: ClientError | BotoCoreError) -> str:
    """Return an error's code, operation and message, such as ``AccessDenied at CreateBucket: …``."""
    if not isinstance(error, ClientError):
        return f"{type(error).__name__}: {error}".rstrip(".")
    details: Any = error.response.get("Error", {})
    text = str(details.get("Message") or "no message").rstrip(".")
    return f"{details.get('Code', 'an unnamed error')} at {error.operation_name}: {text}"
