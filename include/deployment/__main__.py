"""The commands ``python -m deployment deploy | destroy STACK``, which ``make deploy`` and ``make destroy`` run."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deployment.deploy import DeployRequest, deploy
from deployment.destroy import destroy
from deployment.environments import split
from deployment.errors import of_aws
from label_loop.exceptions import LabelLoopError
from label_loop.provisioning import Options
from label_loop.provisioning.account import Account
from label_loop.provisioning.report import DeploymentError

PROJECT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0, 1 with the reason on standard error, 130 after an interruption."""
    given = _parser().parse_args(arguments)
    try:
        _run(given)
    except (DeploymentError, LabelLoopError) as error:
        return _failed(str(error))
    except (ClientError, BotoCoreError) as error:
        return _failed(str(of_aws(error)))
    except KeyboardInterrupt:
        _failed("Interrupted. AWS finishes what it has started; run the command again to wait for that and continue.")
        return 130
    print("\nThis was a dry run: nothing was changed." if given.dry_run else "\nDone.")
    return 0


def new_session(region: str) -> boto3.Session:
    """Return a session from the AWS configuration, whose region may be overridden."""
    return boto3.Session(region_name=region or None)


def _run(given: argparse.Namespace) -> None:
    account = Account(new_session(given.region), _say, dry_run=given.dry_run)
    account.say(f"Account {account.number}, region {account.region}")
    if given.command == "destroy":
        destroy(account, given.stack)
        return
    _package(given.build)
    options = Options(
        labels=tuple(split(given.labels)) or None,
        workteam_arn=given.workteam_arn or None,
        a2i_role_arn=given.a2i_role_arn or None,
        operator_email=given.email or None,
        review_backend=given.review_backend or None,
        private_workforce=given.private_workforce,
        dry_run=given.dry_run,
    )
    paths = [f"/{name.strip('/')}" for name in split(given.loops)] or None
    policies = tuple(split(given.policies))
    deploy(account, DeployRequest(given.stack, given.build, paths, options, policies, dict(given.set)))


def _package(build: Path) -> None:
    command = [sys.executable, str(PROJECT / "scripts" / "package.py"), "--target", str(build)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise DeploymentError("The package", f"it could not be built in {build}: {reason}", "see `make package`")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deployment", description="Deploy loops to Amazon MWAA, or destroy an environment."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("deploy", help="deploy loops and the environment that serves them, or update them")
    made.add_argument("--loops", default="", help="names or paths, a,b,c; default: the deployed ones, else label-loop")
    made.add_argument("--email", default="", help="the address to which the loops' messages are sent")
    made.add_argument("--labels", default="", help="the labels that reviewers choose from, a,b,c; default: the folders")
    made.add_argument("--review-backend", choices=("", "a2i", "airflow"), default="")
    made.add_argument("--private-workforce", action="store_true", help="with a2i, create a workforce and its user pool")
    made.add_argument("--workteam-arn", default="", help="Amazon A2I's work team")
    made.add_argument("--a2i-role-arn", default="", help="Amazon A2I's role")
    made.add_argument("--policies", default="", help="ARNs of further policies for the environment's role")
    made.add_argument(
        "--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="a parameter of mwaa.yaml"
    )
    made.add_argument("--build", type=Path, default=PROJECT / "build", help="where the package is built")
    gone = commands.add_parser("destroy", help="remove what is billed by the hour, and list what is kept")
    for command in (made, gone):
        command.add_argument("stack", help="the name of the stack and of its environment")
        command.add_argument("--region", default="", help="default: the region of the AWS configuration")
        command.add_argument(
            "--dry-run", action="store_true", default=_is_set("DRY_RUN"), help="only show what would be done"
        )
    return parser


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").lower() not in {"", "0", "false", "no"}


def _say(line: str) -> None:
    print(line, flush=True)


def _failed(text: str) -> int:
    print(f"\n{text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
