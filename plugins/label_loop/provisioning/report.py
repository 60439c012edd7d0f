"""What provisioning tells of each resource, and its error."""

from collections.abc import Callable
from dataclasses import dataclass
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

    def __str__(self) -> str:
        changes = self.outcome in {Outcome.CREATED, Outcome.MENDED}
        outcome = f"to be {self.outcome}" if self.planned and changes else str(self.outcome)
        return f"{outcome:<13} {self.kind} {self.name}" + (f" ({self.detail})" if self.detail else "")


type Report = Callable[[Line], None]

_DENIED = "give the caller the permission it names, or call with other credentials"
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
    "QueueDeletedRecently": "wait a minute: a queue of that name was deleted just now",
}
_REPEAT = "correct the cause"
_AGAIN = "then run the command again: it continues where it stopped"


class ProvisioningError(LabelLoopError):
    """A resource could not be made; the message names it, AWS's code, and the way out."""

    def __init__(self, kind: str, name: str, problem: str, way_out: str, *, code: str = "") -> None:
        super().__init__(f"The {kind} {name} could not be made: {problem}. Way out: {way_out}.")
        self.name = name
        self.problem = problem
        self.code = code

    @classmethod
    def of(cls, kind: str, name: str, error: ClientError | BotoCoreError) -> "ProvisioningError":
        """Put AWS's refusal, or a failure to reach AWS, in these words."""
        way_out = f"{_WAYS_OUT.get(error_code(error), _REPEAT)}, {_AGAIN}"
        return cls(kind, name, aws_words(error), way_out, code=error_code(error))


def aws_words(error: ClientError | BotoCoreError) -> str:
    """Return an error's code, operation and message, such as ``AccessDenied at CreateBucket: …``."""
    if not isinstance(error, ClientError):
        return f"{type(error).__name__}: {error}".rstrip(".")
    details: Any = error.response.get("Error", {})
    text = str(details.get("Message") or "no message").rstrip(".")
    return f"{details.get('Code', 'an unnamed error')} at {error.operation_name}: {text}"
