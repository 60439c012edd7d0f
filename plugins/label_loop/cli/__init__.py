"""The command line: ``python -m label_loop COMMAND /path``. See ``--help``."""

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from label_loop import __version__
from label_loop.cli.adopt import ADOPT
from label_loop.cli.command import PROGRAM, Command, new_site
from label_loop.cli.console_labels import CONSOLE_LABELS
from label_loop.cli.correct import CORRECT
from label_loop.cli.dataset import DATASET
from label_loop.cli.dead_letters import DEAD_LETTERS
from label_loop.cli.output import Output
from label_loop.cli.provision import PROVISION
from label_loop.cli.recount import RECOUNT
from label_loop.exceptions import LabelLoopError
from label_loop.provisioning.report import ProvisioningError

COMMANDS = (PROVISION, ADOPT, DEAD_LETTERS, RECOUNT, CONSOLE_LABELS, CORRECT, DATASET)
FAILED, INTERRUPTED = 1, 130  # argparse exits with 2 if it cannot parse the arguments


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0, 1 with the reason on standard error, 130 after an interruption."""
    given = parser().parse_args(arguments)
    command: Command = given.command
    output = Output(as_json=given.json)
    try:
        return command.run(given, new_site(given, command.options(given), output), output)
    except LabelLoopError as error:
        reason = str(error)
    except (ClientError, BotoCoreError) as error:
        reason = str(ProvisioningError.of("loop", given.loop.path, error))
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. To continue where this command stopped, run it again.\n")
        return INTERRUPTED
    sys.stderr.write(f"{reason}\n")
    return FAILED


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    made = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Set up loops in AWS and operate them. Account and region come from your AWS configuration.",
        epilog="Exit status: 0 success, 1 failure, with the reason on standard error, 2 invalid arguments.",
    )
    made.add_argument("--version", action="version", version=__version__)
    commands = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    return made
