"""Removes what is billed by the hour: the environment with its network, and the models of loops that it served."""

from functools import partial

from deployment.environments import MwaaEnvironments, log_groups, split
from deployment.models import Models
from deployment.names import check_stack_name, loop_stack
from label_loop.loop import Loop
from label_loop.provisioning.account import Account
from label_loop.provisioning.report import DeploymentError
from label_loop.provisioning.stack import ENVIRONMENT
from label_loop.provisioning.stacks import Stacks
from label_loop.system_record import RecordKey


def destroy(account: Account, name: str) -> None:
    """Destroy an environment's stack, and stop the models of its loops. Raises DeploymentError."""
    stacks, environments, models = Stacks(account), MwaaEnvironments(account), Models(account)
    check_stack_name(name)
    stack = stacks.find_ours(name, ENVIRONMENT)
    if stack is None:
        problem = f"there is no stack with that name in the account {account.number} in {account.region}"
        raise DeploymentError(f"The stack {name}", problem, "check STACK and REGION")
    paths = split(stack.parameters.get("ParameterPaths", ""))
    others = environments.serving(paths, but=stack.parameters.get("EnvironmentName", name))
    own = [Loop(path) for path in paths if path not in others]
    for path, other in others.items():
        account.say(f"  kept running: the models of {path}, which the environment {other} serves")

    account.say("Models")
    for loop in own:
        models.stop(loop)
    account.say("The environment (takes about half an hour)")
    environments.wait_until_idle(name)
    stacks.delete(stack, partial(environments.detail, name))
    if not account.dry_run:
        for loop in own:  # until the environment was deleted, Airflow could start another
            models.stop(loop)
    account.say("What is kept, and what it costs:")
    bucket = stack.outputs.get("BucketName")
    if bucket:
        account.say(f"  bucket {bucket}: the last package and earlier ones; storage is billed")
    for group in log_groups(account, name):
        account.say(f"  log group {group}: the logs, which MWAA keeps; storage is billed")
    for loop in own:
        _report_kept(account, stacks, models, loop)


def _report_kept(account: Account, stacks: Stacks, models: Models, loop: Loop) -> None:
    record = models.record(loop) or {}
    for key, what in (
        (RecordKey.BUCKET, "bucket {}: images and their labels"),
        (RecordKey.LOG_TABLE, "table {}: the inference log"),
        (RecordKey.REVIEWS_TABLE, "table {}: the reviews"),
        (RecordKey.STATISTICS_TABLE, "table {}: the statistics"),
        (RecordKey.STATE_TABLE, "table {}: the loop's state"),
        (RecordKey.LABELS_TABLE, "table {}: who labelled which image"),
        (RecordKey.PROJECT_ARN, "project {}: its model versions, whose trainings were paid for"),
    ):
        if record.get(key):
            account.say(f"  {what.format(record[key])}; at most storage is billed")
    for version in models.training(loop):
        account.say(f"  {version} is being trained: AWS cannot stop this, and bills it; it will not run afterwards")
    kept = stacks.find(loop_stack(loop))
    if kept:
        account.say(
            f"  stack {kept.name}: the queues collect uploads until {loop.path} is served again; alarms are billed"
        )
