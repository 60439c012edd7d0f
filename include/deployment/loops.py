"""Deploys a loop: its stack, and what the setup adds to that."""

from dataclasses import dataclass, field, replace

from deployment.account import Account
from deployment.errors import DeploymentError
from deployment.models import Models
from deployment.names import check_loop_name, loop_stack
from deployment.stack import LOOP, Stack
from deployment.stacks import Stacks
from deployment.task_ui import LEFT_TO_SETUP, task_ui
from label_loop.loop import Loop
from label_loop.provisioning import Options, Outcome, provision
from label_loop.provisioning.provision import A2I
from label_loop.provisioning.report import Line

_PORTAL = "PortalDomain"


@dataclass(frozen=True)
class Wishes:
    """What the setup is told, and whether Amazon A2I's reviewers get a user pool of their own."""

    options: Options = field(default_factory=Options)
    private_workforce: bool = False


class Loops:
    """The loops of an account and region."""

    def __init__(self, account: Account, stacks: Stacks) -> None:
        self._account = account
        self._stacks = stacks

    def deploy(self, loop: Loop, wishes: Wishes, *, has_policy: bool) -> list[str]:
        """Deploy a loop and set it up; return the policies that Airflow needs for it.

        A loop that no stack made is only set up, where a policy for it is known from elsewhere (``has_policy``).
        """
        name = loop_stack(loop)
        present = self._stacks.ours(name, LOOP)
        if present is None and Models(self._account).record(loop) is not None:
            _check_policy(loop, has_policy)
            self._set_up(loop, wishes.options)
            return []
        check_loop_name(loop)
        given = self._given(loop, wishes, present)
        stack = self._stacks.deploy(name, "application", LOOP, given)
        if stack is None:
            self._account.say("  to be set up: what no template makes (folders, since when samples are taken)")
            return [f"(the policy of the stack {name})"]
        if stack.outputs.get(_PORTAL, "") != stack.parameters.get(_PORTAL, ""):
            # Reviewers log in to a portal whose name AWS chooses: known only now.
            portal = {_PORTAL: stack.outputs.get(_PORTAL, "")}
            stack = self._stacks.deploy(name, "application", LOOP, given | portal) or stack
        self._stacks.keep_policy(name, "application-stack-policy")
        self._set_up(loop, _with_outputs(wishes.options, stack))
        return [stack.outputs["LoopPolicyArn"]]

    def _given(self, loop: Loop, wishes: Wishes, present: Stack | None) -> dict[str, str]:
        options, given = wishes.options, {"Loop": loop.name}
        if options.operator_email is not None:
            given["OperatorEmail"] = options.operator_email
        if options.review_backend is not None:
            given["A2I"] = str(options.review_backend == A2I).lower()
            if options.review_backend != A2I:
                given |= LEFT_TO_SETUP  # the stack lets go of the page, which stays
        if wishes.private_workforce:
            given["PrivateWorkforce"] = "true"
        if options.review_backend == A2I and options.labels:
            given |= task_ui(self._account, loop, options.labels, present)
        return given

    def _set_up(self, loop: Loop, options: Options) -> None:
        def tell(line: Line) -> None:
            if line.outcome is not Outcome.UNCHANGED:
                self._account.say(f"  {line}")

        provision(loop, options, self._account.session, tell)


def _with_outputs(options: Options, stack: Stack) -> Options:
    """Return the options with the role and the work team that the stack made, where no others are given."""
    if options.review_backend != A2I:
        return options
    return replace(
        options,
        a2i_role_arn=options.a2i_role_arn or stack.outputs.get("A2IRoleArn"),
        workteam_arn=options.workteam_arn or stack.outputs.get("WorkteamArn"),
    )


def _check_policy(loop: Loop, has_policy: bool) -> None:
    if not has_policy:
        problem = "it was not made by a stack, so its rights are not known here"
        way_out = "give POLICIES=arn:…, a policy that is as LoopAccess in application.yaml, for its resources"
        raise DeploymentError(f"The loop {loop.path}", problem, way_out)
