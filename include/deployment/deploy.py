"""Deploys the loops, then network, bucket and role, then the package, then the environment that runs the package."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from deployment.environment_stack import deploy_environment_stack
from deployment.environments import MwaaEnvironments, split
from deployment.models import Models
from deployment.names import check_apart, check_stack_name, loop_stack
from deployment.uploads import Uploads
from label_loop.loop import Loop
from label_loop.provisioning import Options, ResourceLine, ResourceOutcome, provision
from label_loop.provisioning.account import Account
from label_loop.provisioning.report import DeploymentError
from label_loop.provisioning.review import AIRFLOW
from label_loop.provisioning.stack import ENVIRONMENT, Stack
from label_loop.provisioning.stacks import Stacks

_MOST_POLICIES = 10  # that IAM attaches to a role


@dataclass(frozen=True)
class DeployRequest:
    """What is to be deployed. None stands for what is already deployed, else for the default."""

    stack: str
    build: Path
    paths: list[str] | None = None
    options: Options = field(default_factory=Options)
    policy_arns: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def deploy(account: Account, request: DeployRequest) -> None:
    """Deploy, or bring up to date; what is up to date is not touched. Raises DeploymentError."""
    stacks, environments = Stacks(account), MwaaEnvironments(account)
    name = request.stack
    check_stack_name(name)
    present = stacks.find_ours(name, ENVIRONMENT)
    paths = request.paths or split((present.parameters if present else {}).get("ParameterPaths", "/label-loop"))
    loops = [Loop(path) for path in paths]
    check_apart(name, loops)
    _check_alone(environments, name, paths)

    policies = [*request.policy_arns]
    for loop in loops:
        account.say(f"\nThe loop {loop.path}")
        policies.append(_deploy_loop(account, stacks, loop, request.options))
    if len(set(policies)) > _MOST_POLICIES:
        problem = f"its loops have {len(set(policies))} policies, and IAM attaches at most {_MOST_POLICIES} to a role"
        raise DeploymentError(f"The environment {name}", problem, "serve some of the loops with another environment")

    account.say(f"\nThe environment {name}")
    environments.wait_until_idle(name)
    served = {
        "EnvironmentName": name,
        "ParameterPaths": ",".join(paths),
        "LoopPolicyArns": ",".join(dict.fromkeys(policies)),
        **request.environment,
    }
    detail = partial(environments.detail, name)
    if present is None:
        # Everything but the environment, which needs its package in the bucket.
        present = deploy_environment_stack(account, name, served, detail)
    _report_dropped(account, present, paths)
    uploads = Uploads(account, present.outputs["BucketName"] if present else None, request.build)
    versions = {
        "PluginsVersion": uploads.version("plugins.zip"),
        "RequirementsVersion": uploads.version("requirements.txt"),
    }
    is_first = present is None or not present.parameters.get("PluginsVersion")
    if is_first:
        uploads.dags()
    _environment(account, stacks, name, served | versions, detail)
    environments.check(name)
    if not is_first:  # new DAG files take effect within a minute, and must not run with the old package meanwhile
        uploads.dags()
    done = stacks.find(name)
    if done and "WebserverUrl" in done.outputs:
        account.say(f"\nAirflow is at {done.outputs['WebserverUrl']}")


def _deploy_loop(account: Account, stacks: Stacks, loop: Loop, options: Options) -> str:
    """Set up a loop; return the policy that Airflow needs for it."""

    def report(line: ResourceLine) -> None:
        if line.outcome is not ResourceOutcome.UNCHANGED:
            account.say(f"  {line}")

    if options.review_backend is None and Models(account).record(loop) is None:
        options = replace(options, review_backend=AIRFLOW)  # Amazon A2I only on request
    provision(loop, options, account.session, report, account.say)
    stack = stacks.find(loop_stack(loop))
    return stack.outputs["LoopPolicyArn"] if stack else f"(the policy of the stack {loop_stack(loop)})"


def _environment(account: Account, stacks: Stacks, name: str, given: Mapping[str, str], detail: partial[str]) -> None:
    if account.dry_run and stacks.find(name) is None:
        account.say(f"  to be updated: stack {name} (with the versions of the uploads; takes about half an hour)")
    else:
        deploy_environment_stack(account, name, given, detail)


def _check_alone(environments: MwaaEnvironments, name: str, paths: list[str]) -> None:
    for path, other in environments.serving(paths, but=name).items():
        problem = f"the environment {other} serves it, and with two environments, each training would be paid for twice"
        raise DeploymentError(f"The loop {path}", problem, f"remove it from {other} first, or leave it out of LOOPS")


def _report_dropped(account: Account, present: Stack | None, paths: list[str]) -> None:
    """Report the loops that this environment will no longer serve, since their models keep running."""
    before = split(present.parameters.get("ParameterPaths", "")) if present else []
    for path in [path for path in before if path not in paths]:
        running = Models(account).running(Loop(path))
        cost = f"; {', '.join(running)} keeps running and costs money" if running else ""
        account.say(f"  no longer served: {path}{cost}")
