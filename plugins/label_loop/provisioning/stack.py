"""A stack as CloudFormation describes it, and what its status allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from label_loop.provisioning.report import DeploymentError

MARKER = "label-loop-stack"  # the tag of our stacks; its value is the kind
LOOP, ENVIRONMENT = "loop", "environment"
_EMPTY = "REVIEW_IN_PROGRESS"  # a change set was created for it, but never executed
_REMEDIES = {
    "CREATE_FAILED": "aws cloudformation delete-stack --stack-name {name}",
    "ROLLBACK_COMPLETE": "aws cloudformation delete-stack --stack-name {name}",
    "ROLLBACK_FAILED": "aws cloudformation delete-stack --stack-name {name}",
    "DELETE_FAILED": "aws cloudformation delete-stack --stack-name {name}",
    "UPDATE_FAILED": "aws cloudformation rollback-stack --stack-name {name}",
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {name}",
}


@dataclass(frozen=True)
class Stack:
    """One CloudFormation stack."""

    name: str
    arn: str
    status: str
    reason: str
    kind: str | None
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> Self:
        """Return a stack from the answer of DescribeStacks."""
        tags = {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}
        return cls(
            name=described["StackName"],
            arn=described["StackId"],
            status=described["StackStatus"],
            reason=described.get("StackStatusReason", ""),
            kind=tags.get(MARKER),
            parameters={one["ParameterKey"]: one["ParameterValue"] for one in described.get("Parameters", [])},
            outputs={one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])},
        )

    @property
    def is_empty(self) -> bool:
        """Whether the stack has only a name yet, and no resources."""
        return self.status == _EMPTY

    @property
    def is_busy(self) -> bool:
        """Whether CloudFormation is working on the stack."""
        return self.status.endswith("_IN_PROGRESS") and not self.is_empty

    @property
    def has_failed(self) -> bool:
        """Whether the last operation failed."""
        return "ROLLBACK" in self.status or self.status.endswith("_FAILED")

    def check_kind(self, kind: str) -> None:
        """Raise DeploymentError unless this command created the stack, as this kind."""
        if self.kind != kind:
            found = f"has the tag {MARKER}={self.kind}" if self.kind else f"has no tag {MARKER}"
            problem = f"it {found}, so this command did not create it for a Label Loop {kind}, and does not change it"
            raise DeploymentError(f"The stack {self.name}", problem, "choose another name")

    def check_updatable(self) -> None:
        """Raise DeploymentError if CloudFormation would refuse to update the stack in its current status."""
        command = _REMEDIES.get(self.status)
        if command:
            problem = f"its status is {self.status}" + (f" ({self.reason})" if self.reason else "")
            remedy = f"run `{command.format(name=self.name)}`, then run this command again once that has finished"
            raise DeploymentError(f"The stack {self.name}", problem, remedy)
