"""A stack as CloudFormation describes it, and what its state allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from label_loop.provisioning.report import DeploymentError

MARKER = "label-loop-stack"  # the tag of our stacks; its value is the kind
LOOP, ENVIRONMENT = "loop", "environment"
_EMPTY = "REVIEW_IN_PROGRESS"  # a change set was made for it, and never executed
_WAYS_OUT = {
    "CREATE_FAILED": "aws cloudformation delete-stack --stack-name {name}",
    "ROLLBACK_COMPLETE": "aws cloudformation delete-stack --stack-name {name}",
    "ROLLBACK_FAILED": "aws cloudformation delete-stack --stack-name {name}",
    "DELETE_FAILED": "aws cloudformation delete-stack --stack-name {name}",
    "UPDATE_FAILED": "aws cloudformation rollback-stack --stack-name {name}",
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {name}",
}


@dataclass(frozen=True)
class Stack:
    """One stack."""

    name: str
    arn: str
    status: str
    reason: str
    kind: str | None
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> Self:
        """Take what DescribeStacks tells of one."""
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
        """Whether there is a name and nothing else yet."""
        return self.status == _EMPTY

    @property
    def is_busy(self) -> bool:
        """Whether CloudFormation works on it."""
        return self.status.endswith("_IN_PROGRESS") and not self.is_empty

    @property
    def has_failed(self) -> bool:
        """Whether what was tried last did not succeed."""
        return "ROLLBACK" in self.status or self.status.endswith("_FAILED")

    def check_kind(self, kind: str) -> None:
        """Raise DeploymentError where the stack is not one that this command made as this kind."""
        if self.kind != kind:
            found = f"has the tag {MARKER}={self.kind}" if self.kind else f"has no tag {MARKER}"
            problem = f"it {found}, so it is not a stack of this command's for a Label Loop {kind}, and is left alone"
            raise DeploymentError(f"The stack {self.name}", problem, "choose another name")

    def check_updatable(self) -> None:
        """Raise DeploymentError where CloudFormation would refuse to update the stack in this state."""
        command = _WAYS_OUT.get(self.status)
        if command:
            problem = f"it is in the state {self.status}" + (f" ({self.reason})" if self.reason else "")
            way_out = f"{command.format(name=self.name)}, and run the command again when that has ended"
            raise DeploymentError(f"The stack {self.name}", problem, way_out)
