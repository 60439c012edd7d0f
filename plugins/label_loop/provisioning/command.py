"""What the commands on a loop have in common: their arguments, and how they end."""

import argparse
import sys
from collections.abc import Callable

import boto3
from botocore.exceptions import BotoCoreError

from label_loop.exceptions import LabelLoopError
from label_loop.loop import Loop
from label_loop.provisioning.provision import A2I, AIRFLOW
from label_loop.provisioning.report import Line
from label_loop.provisioning.site import Options, Site


def parser_of(module: str, description: str) -> argparse.ArgumentParser:
    """Return the parser of a command, which takes a loop's path."""
    parser = argparse.ArgumentParser(prog=f"python -m label_loop.provisioning{module}", description=description)
    parser.add_argument("loop", help="the loop's path in Parameter Store, such as /logos")
    return parser


def add_setup_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is chosen wherever a loop is set up."""
    parser.add_argument("--operator-email", help="subscribed to the loop's messages")
    parser.add_argument(
        "--review-backend",
        choices=(A2I, AIRFLOW),
        help="default: what the loop has, else Amazon A2I where it can be set up, else the page in the Airflow UI",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")


def run(work: Callable[[Site], str], path: str, options: Options) -> int:
    """Do a command's work and say the words that it returns.

    Return the exit status: 0, or 1 with the reason on standard error.
    """
    try:
        site = Site(Loop(path.rstrip("/")), options, boto3.Session(), _print)
        words = work(site)
    except (LabelLoopError, BotoCoreError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{'This was a dry run: nothing was changed.' if options.dry_run else words}\n")
    return 0


def _print(line: Line) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
