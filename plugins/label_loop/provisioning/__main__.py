"""The command: ``python -m label_loop.provisioning /logos``."""

import argparse
import sys
from collections.abc import Sequence

import boto3
from botocore.exceptions import BotoCoreError

from label_loop.exceptions import LabelLoopError
from label_loop.provisioning.provision import A2I, AIRFLOW, provision
from label_loop.provisioning.report import Line
from label_loop.provisioning.site import Options
from label_loop.settings import Loop


def main(arguments: Sequence[str] | None = None) -> int:
    """Set a loop up; return the exit status: 0, or 1 with the reason on standard error."""
    given = _parser().parse_args(arguments)
    options = Options(
        bucket=given.bucket,
        labels=_labels(given.labels),
        workteam_arn=given.workteam_arn,
        a2i_role_arn=given.a2i_role_arn,
        operator_email=given.operator_email,
        review_backend=given.review_backend,
        dry_run=given.dry_run,
    )
    try:
        loop = Loop(given.loop.rstrip("/"))
        values = provision(loop, options, boto3.Session(), _print)
    except (LabelLoopError, BotoCoreError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if given.dry_run:
        sys.stdout.write("This was a dry run: nothing was changed.\n")
    else:
        sys.stdout.write(f"The loop {loop.path} is set up; its review backend is {values['review_backend']}.\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m label_loop.provisioning",
        description="Make a loop's AWS resources, or bring them up to date. Safe to repeat and to interrupt.",
    )
    parser.add_argument("loop", help="the loop's path in Parameter Store, such as /logos")
    parser.add_argument("--bucket", help="default: label-loop-<loop>-<account>-<region>")
    parser.add_argument("--labels", help="the labels reviewers choose from, a,b,c; default: the folders of labels")
    parser.add_argument("--workteam-arn", help="Amazon A2I's work team of reviewers")
    parser.add_argument("--a2i-role-arn", help="the role with which Amazon A2I reads images and writes answers")
    parser.add_argument("--operator-email", help="subscribed to the loop's messages")
    parser.add_argument(
        "--review-backend",
        choices=(A2I, AIRFLOW),
        help="default: what the loop has, else Amazon A2I where it can be set up, else the page in the Airflow UI",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be made, and change nothing")
    return parser


def _labels(text: str | None) -> tuple[str, ...] | None:
    labels = (label.strip() for label in (text or "").split(","))
    return tuple(dict.fromkeys(label for label in labels if label)) or None


def _print(line: Line) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
