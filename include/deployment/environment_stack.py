"""Deploys an environment's stack."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from label_loop.provisioning.account import Account
from label_loop.provisioning.stack import ENVIRONMENT, Stack
from label_loop.provisioning.stacks import Stacks

TEMPLATE = Path(__file__).resolve().parents[1] / "cloudformation" / "mwaa.yaml"


def deploy_environment_stack(
    account: Account, name: str, given: Mapping[str, str], detail: Callable[[], str] = str
) -> Stack | None:
    """Create the stack or bring it up to date; return it, or None if a dry run found none.

    Parameters that are not given keep their values. Raises DeploymentError.
    """
    stacks = Stacks(account)
    stack = stacks.find_ours(name, ENVIRONMENT)
    plan = stacks.plan(name, stack, TEMPLATE, ENVIRONMENT, given)
    if plan is None:
        account.say(f"  unchanged: stack {name}")
        return stack
    what = f"{'created' if plan.is_new else 'updated'}: stack {name} ({plan.what})"
    account.do(what, partial(stacks.execute, plan, detail))
    return stack if account.dry_run else stacks.find(name)
