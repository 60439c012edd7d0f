"""What the commands have in common: the loop's path, its account and region, the format of the output, dry runs."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

from label_loop.cli.output import Output
from label_loop.exceptions import InvalidParameterError, shown
from label_loop.loop import Loop
from label_loop.provisioning.review import A2I, AIRFLOW
from label_loop.provisioning.site import Options, Site

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

PROGRAM = "python -m label_loop"
DRY_RUN = "This was a dry run: nothing was changed."


def only_dry_run(given: "Namespace") -> Options:
    """Return the options of a command that creates nothing."""
    return Options(dry_run=given.dry_run)


@dataclass(frozen=True)
class Command:
    """One command. ``run`` executes it and returns the exit status; --help shows ``help`` and ``example``."""

    name: str
    help: str
    example: str
    add_arguments: Callable[["ArgumentParser"], None]
    run: Callable[["Namespace", Site, Output], int]
    options: Callable[["Namespace"], Options] = only_dry_run

    def add_to(self, commands: "_SubParsersAction[ArgumentParser]") -> None:
        """Add the command's parser."""
        sentence = f"{self.help[0].upper()}{self.help[1:]}."
        parser = commands.add_parser(
            self.name, help=self.help, description=sentence, epilog=f"Example: {PROGRAM} {self.example}"
        )
        parser.set_defaults(command=self)
        parser.add_argument("loop", type=_loop, help="the loop's path in Parameter Store, such as /logos")
        self.add_arguments(parser)
        parser.add_argument("--region", help="default: the region of the AWS configuration")
        parser.add_argument("--profile", help="a profile of the AWS configuration; default: the one that is active")
        parser.add_argument("--dry-run", action="store_true", help="show what would be done, without changing anything")
        parser.add_argument("--json", action="store_true", help="print one JSON document to standard output")


def add_setup_arguments(parser: "ArgumentParser") -> None:
    """Add the arguments of every command that sets up a loop."""
    parser.add_argument("--operator-email", help="the address to which the loop's messages are sent")
    parser.add_argument(
        "--review-backend",
        choices=(A2I, AIRFLOW),
        help="default: the loop's current one, else Amazon A2I if it can be set up, else the page in the Airflow UI",
    )


def new_site(given: "Namespace", options: Options, output: Output) -> Site:
    """Return the loop in the account and region to work in. Raises BotoCoreError if the profile does not exist."""
    session = boto3.Session(region_name=given.region or None, profile_name=given.profile or None)
    return Site(given.loop, options, session, output.resource, output.line)


def _loop(text: str) -> Loop:
    try:
        return Loop(text.rstrip("/"))
    except InvalidParameterError as error:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not {error.rule}") from error
