"""Deploys and deletes stacks, if they are the project's and there is something to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from label_loop.provisioning.account import Account
from label_loop.provisioning.progress import Progress
from label_loop.provisioning.report import DeploymentError
from label_loop.provisioning.stack import MARKER, Stack

_POLL_SECONDS = 2.0
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Plan:
    """The request to CloudFormation for one stack; ``what`` describes it for people."""

    name: str
    is_new: bool
    what: str
    request: Mapping[str, Any]


class Stacks:
    """The stacks of an account and region."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._api: Any = account.client("cloudformation")

    def find(self, name: str) -> Stack | None:
        """Return the stack with a name or ARN, or None."""
        try:
            answer = self._api.describe_stacks(StackName=name)
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        stack = Stack.of(answer["Stacks"][0])
        return None if stack.status == "DELETE_COMPLETE" else stack

    def find_ours(self, name: str, kind: str) -> Stack | None:
        """Return one of our stacks, once CloudFormation is done with it. Raises DeploymentError if it is not ours."""
        stack = self.find(name)
        if stack is None or stack.is_empty:
            return None
        stack.check_kind(kind)
        if stack.is_busy and not self._account.dry_run:
            self._account.say(f"  CloudFormation is still working on the stack {name}: waiting for it")
            stack = Progress(self._account, stack.arn).follow(partial(self.find, stack.arn))
        return stack

    def plan(self, name: str, stack: Stack | None, template: Path, kind: str, given: Mapping[str, str]) -> Plan | None:
        """Return the plan to create the stack or to bring it up to date; None if it is up to date.

        Parameters that are not given keep their values. Raises DeploymentError.
        """
        body = template.read_text()
        known = self._api.get_template_summary(TemplateBody=body)["Parameters"]
        _check_parameters(template.name, given, {one["ParameterKey"] for one in known})
        if stack is None:
            what = ", ".join(_shown(key, value) for key, value in given.items())
        else:
            stack.check_updatable()
            what = ", ".join(self._changes(stack, body, given))
            if not what:
                return None
        kept = [one["ParameterKey"] for one in known if stack and one["ParameterKey"] in stack.parameters]
        parameters = [{"ParameterKey": key, "UsePreviousValue": True} for key in kept if key not in given]
        parameters += [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
        request = {"TemplateBody": body, "Parameters": parameters, "Tags": [{"Key": MARKER, "Value": kind}]}
        return Plan(name, stack is None, what, request)

    def policy_differs(self, name: str, body: str) -> bool:
        """Return whether the stack's policy, which excludes some resources from updates, differs from this one."""
        return bool(self._api.get_stack_policy(StackName=name).get("StackPolicyBody") != body)

    def set_policy(self, name: str, body: str) -> None:
        """Set the stack's policy, which excludes some resources from updates."""
        self._api.set_stack_policy(StackName=name, StackPolicyBody=body)

    def delete(self, stack: Stack, detail: Callable[[], str] = str) -> None:
        """Delete the stack, except for what its template retains, and wait for the end. Raises DeploymentError."""
        progress = Progress(self._account, stack.arn)
        self._account.do(f"deleted: stack {stack.name}", partial(self._api.delete_stack, StackName=stack.arn))
        if self._account.dry_run:
            return
        left = progress.follow(partial(self.find, stack.arn), detail)
        if left is not None:
            problem = f"its status is {left.status}: {_causes(progress, left)}"
            remedy = "remove what blocks it (empty a bucket, detach what others attached), then run the command again"
            raise DeploymentError(f"The stack {stack.name}", problem, remedy)

    def _changes(self, stack: Stack, body: str, given: Mapping[str, str]) -> list[str]:
        present = self._api.get_template(StackName=stack.arn, TemplateStage="Original")["TemplateBody"]
        changed = [_shown(key, value) for key, value in given.items() if stack.parameters.get(key) != value]
        return (["template"] if present.strip() != body.strip() else []) + changed

    def execute(self, plan: Plan, detail: Callable[[], str] = str) -> None:
        """Create or update the stack and wait for the end; ``detail`` completes the lines shown meanwhile.

        Raises DeploymentError with what failed first.
        """
        made = self._api.create_change_set(
            StackName=plan.name,
            ChangeSetName=f"label-loop-{datetime.now(UTC):%Y%m%d-%H%M%S}",
            ChangeSetType="CREATE" if plan.is_new else "UPDATE",
            Capabilities=["CAPABILITY_IAM"],
            **plan.request,
        )
        described = self._described(made["Id"])
        if described["Status"] == "FAILED":
            self._api.delete_change_set(ChangeSetName=made["Id"])
            reason = described.get("StatusReason", "no reason given")
            if any(text in reason for text in _NO_CHANGES):
                self._account.say("    CloudFormation found nothing to change")
                return
            problem, remedy = reason, "correct the cause, then run the command again"
            raise DeploymentError(f"The change set of the stack {plan.name}", problem, remedy)
        progress = Progress(self._account, made["StackId"], is_new=plan.is_new)
        self._api.execute_change_set(ChangeSetName=made["Id"])
        stack = progress.follow(partial(self.find, made["StackId"]), detail)
        if stack is None or stack.has_failed:
            remedy = "correct the cause, then run the command again: it says if CloudFormation requires something first"
            raise DeploymentError(f"The stack {plan.name}", f"it failed: {_causes(progress, stack)}{detail()}", remedy)

    def _described(self, change_set: str) -> dict[str, Any]:
        while True:
            described: dict[str, Any] = self._api.describe_change_set(ChangeSetName=change_set)
            if described["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
                return described
            self._account.sleep(_POLL_SECONDS)


def _shown(key: str, value: str) -> str:
    return f"{key}={value}" if "\n" not in value else f"{key}=…"


def _check_parameters(template: str, given: Mapping[str, str], known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        problem = f"it has no parameter {', '.join(unknown)}"
        raise DeploymentError(f"The template {template}", problem, f"choose from {', '.join(sorted(known))}")


def _causes(progress: Progress, stack: Stack | None) -> str:
    """Return what failed first, since the other failures follow from it."""
    return progress.failures[0] if progress.failures else (stack and stack.reason) or "no reason given"
