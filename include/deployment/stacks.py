"""Deploys and deletes stacks, each of them only where it is one of ours and something is to be done."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from deployment.account import Account
from deployment.errors import DeploymentError
from deployment.progress import Progress
from deployment.stack import MARKER, Stack

TEMPLATES = Path(__file__).resolve().parents[1] / "cloudformation"
_POLL_SECONDS = 2.0
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


class Stacks:
    """The stacks of an account and region."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._api: Any = account.client("cloudformation")

    def find(self, name: str) -> Stack | None:
        """Return the stack of a name or ARN."""
        try:
            answer = self._api.describe_stacks(StackName=name)
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        stack = Stack.of(answer["Stacks"][0])
        return None if stack.status == "DELETE_COMPLETE" else stack

    def ours(self, name: str, kind: str) -> Stack | None:
        """Return a stack of ours, when CloudFormation rests. Raises DeploymentError where it is not ours."""
        stack = self.find(name)
        if stack is None or stack.is_empty:
            return None
        stack.check_kind(kind)
        if stack.is_busy and not self._account.dry_run:
            self._account.say(f"  CloudFormation still works on the stack {name}: waiting for it")
            stack = Progress(self._account, stack.arn).follow(partial(self.find, stack.arn))
        return stack

    def deploy(
        self, name: str, template: str, kind: str, given: Mapping[str, str], detail: Callable[[], str] = str
    ) -> Stack | None:
        """Make the stack or bring it up to date; return it, None where a dry run found none.

        Parameters that are not given keep their values. Raises DeploymentError.
        """
        stack = self.ours(name, kind)
        body = (TEMPLATES / f"{template}.yaml").read_text()
        known = self._api.get_template_summary(TemplateBody=body)["Parameters"]
        _check_parameters(template, given, {one["ParameterKey"] for one in known})
        if stack is not None:
            stack.check_updatable()
            changes = self._changes(stack, body, given)
            if not changes:
                self._account.say(f"  unchanged: stack {name}")
                return stack
            what = f"updated: stack {name} ({', '.join(changes)})"
        else:
            what = f"created: stack {name} ({', '.join(f'{key}={value}' for key, value in given.items())})"
        kept = [one["ParameterKey"] for one in known if stack and one["ParameterKey"] in stack.parameters]
        parameters = [{"ParameterKey": key, "UsePreviousValue": True} for key in kept if key not in given]
        parameters += [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
        request = {"TemplateBody": body, "Parameters": parameters, "Tags": [{"Key": MARKER, "Value": kind}]}
        self._account.do(what, lambda: self._change(name, stack is None, request, detail))
        return stack if self._account.dry_run else self.find(name)

    def keep_policy(self, name: str, policy: str) -> None:
        """Set the policy that keeps updates off some of the stack's resources."""
        body = (TEMPLATES / f"{policy}.json").read_text()
        if self._api.get_stack_policy(StackName=name).get("StackPolicyBody") != body:
            put = partial(self._api.set_stack_policy, StackName=name, StackPolicyBody=body)
            self._account.do(f"set: policy of the stack {name}", put)

    def delete(self, stack: Stack, detail: Callable[[], str] = str) -> None:
        """Delete the stack, all but what its template retains, and wait for it. Raises DeploymentError."""
        progress = Progress(self._account, stack.arn)
        self._account.do(f"deleted: stack {stack.name}", partial(self._api.delete_stack, StackName=stack.arn))
        if self._account.dry_run:
            return
        left = progress.follow(partial(self.find, stack.arn), detail)
        if left is not None:
            problem = f"it is {left.status}: {_causes(progress, left)}"
            way_out = "remove what holds it (empty a bucket, detach what others attached), and run the command again"
            raise DeploymentError(f"The stack {stack.name}", problem, way_out)

    def _changes(self, stack: Stack, body: str, given: Mapping[str, str]) -> list[str]:
        present = self._api.get_template(StackName=stack.arn, TemplateStage="Original")["TemplateBody"]
        changed = [f"{key}={value}" for key, value in given.items() if stack.parameters.get(key) != value]
        return (["template"] if present.strip() != body.strip() else []) + changed

    def _change(self, name: str, is_new: bool, request: Mapping[str, Any], detail: Callable[[], str]) -> None:
        made = self._api.create_change_set(
            StackName=name,
            ChangeSetName=f"label-loop-{datetime.now(UTC):%Y%m%d-%H%M%S}",
            ChangeSetType="CREATE" if is_new else "UPDATE",
            Capabilities=["CAPABILITY_IAM"],
            **request,
        )
        described = self._described(made["Id"])
        if described["Status"] == "FAILED":
            self._api.delete_change_set(ChangeSetName=made["Id"])
            reason = described.get("StatusReason", "no reason given")
            if any(text in reason for text in _NO_CHANGES):
                self._account.say("    CloudFormation found nothing to change")
                return
            raise DeploymentError(f"The change set of the stack {name}", reason, "correct the cause, and run it again")
        progress = Progress(self._account, made["StackId"], is_new=is_new)
        self._api.execute_change_set(ChangeSetName=made["Id"])
        stack = progress.follow(partial(self.find, made["StackId"]), detail)
        if stack is None or stack.has_failed:
            way_out = "correct the cause, and run the command again: it tells what CloudFormation asks for first"
            raise DeploymentError(f"The stack {name}", f"it failed: {_causes(progress, stack)}{detail()}", way_out)

    def _described(self, change_set: str) -> dict[str, Any]:
        while True:
            described: dict[str, Any] = self._api.describe_change_set(ChangeSetName=change_set)
            if described["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
                return described
            self._account.sleep(_POLL_SECONDS)


def _check_parameters(template: str, given: Mapping[str, str], known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        problem = f"it has no parameter {', '.join(unknown)}"
        raise DeploymentError(f"The template {template}.yaml", problem, f"it has {', '.join(sorted(known))}")


def _causes(progress: Progress, stack: Stack | None) -> str:
    """Return what failed first, since the rest follows from it."""
    return progress.failures[0] if progress.failures else (stack and stack.reason) or "no reason given"
