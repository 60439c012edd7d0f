"""``python -m local_stack up | down | status | loop``."""

import argparse
import sys
from collections.abc import Sequence
from urllib.parse import quote

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from label_loop.cli.output import write_line
from label_loop.exceptions import LabelLoopError
from label_loop.loop import Loop
from label_loop.payloads import LABELLED_FOLDER, UPLOADS_FOLDER
from local_stack.airflow_api import AirflowApi
from local_stack.environment import StackSettings, point_at
from local_stack.loopback import HttpError, UnreachableError
from local_stack.loops import AddedLoop, named_paths
from local_stack.stack import LocalStack, StackError

_FAILURES = (StackError, LabelLoopError, HttpError, UnreachableError, ClientError, BotoCoreError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0, 1 with the reason on standard error, 130 after an interruption."""
    given = _parser().parse_args(arguments)
    stack = LocalStack(StackSettings.from_environment())
    try:
        given.run(stack, given)
    except _FAILURES as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. Run the command again to continue; `make down` stops everything.", file=sys.stderr)
        return 130
    return 0


def _up(stack: LocalStack, _: argparse.Namespace) -> None:
    is_new = stack.endpoint.find() is None
    write_line("Starting the local AWS endpoint …")
    stack.start_endpoint()
    write_line("Starting Airflow (about half a minute) …")
    stack.start_airflow()
    stack.wait_for_airflow()
    exports = " ".join(f"{name}={value}" for name, value in stack.settings.aws_environment().items())
    write_line(f"Airflow UI: {stack.settings.airflow_url}\nAWS endpoint: export {exports}")
    for path in named_paths(AirflowApi(stack.settings.airflow_url)) if is_new else ():
        write_line(f"The endpoint lost the loop {path} when it was stopped: set it up again with make loop")
    write_line("Add a loop: make loop LOOP=logos LABELS=cat,dog\nStop both: make down")


def _down(stack: LocalStack, _: argparse.Namespace) -> None:
    stopped = stack.stop()
    write_line(f"Stopped: {', '.join(stopped)}" if stopped else "Nothing was running.")


def _status(stack: LocalStack, _: argparse.Namespace) -> None:
    write_line(f"local AWS endpoint: {'up' if stack.endpoint_answers() else 'down'}  {stack.settings.aws_url}")
    write_line(f"Airflow: {'healthy' if stack.airflow_is_healthy() else 'down'}  {stack.settings.airflow_url}")


def _loop(stack: LocalStack, given: argparse.Namespace) -> None:
    loop = Loop(f"/{given.loop.strip('/')}")
    point_at(stack.settings.aws_environment())
    labels = [label.strip() for label in given.labels.split(",") if label.strip()]
    bucket = AddedLoop(loop, labels, write_line).add(stack, AirflowApi(stack.settings.airflow_url), boto3.Session())
    console = f"{stack.settings.airflow_url}/label-loop/{quote(loop.name)}"
    label = labels[0] if labels else "<label>"  # one folder each
    write_line(
        f"\nThe loop {loop.name} is ready.\n"
        f"  1. Upload at least 10 labelled images, under their labels: {console}/upload\n"
        f"     or into s3://{bucket}/{LABELLED_FOLDER}{label}/ and so on\n"
        f"  2. Train: Train now…, then Check:  {console}/models\n"
        f"  3. Upload images for detection:    {console}/upload\n"
        f"     or into s3://{bucket}/{UPLOADS_FOLDER}\n"
        f"  4. Review uncertain detections:    {console}/review\n"
        f"In the Airflow UI, all of it is under Label Loop: {stack.settings.airflow_url}/plugin/label-loop"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_stack", description="Run Label Loop on this machine.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, run, text in (
        ("up", _up, "start the local AWS endpoint and Airflow in the background"),
        ("down", _down, "stop both"),
        ("status", _status, "show whether both are running"),
        ("loop", _loop, "add a loop to the running stack; safe to repeat"),
    ):
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.set_defaults(run=run)
    command.epilog = "Example: make loop LOOP=logos LABELS=cat,dog"
    command.add_argument("loop", type=_name, help="the loop's name, such as logos")
    command.add_argument("--labels", default="", help="the labels, a,b,c: each gets a folder")
    return parser


def _name(text: str) -> str:
    if not text.strip("/ "):
        raise argparse.ArgumentTypeError("the loop needs a name: make loop LOOP=logos LABELS=cat,dog")
    return text


if __name__ == "__main__":
    sys.exit(main())
