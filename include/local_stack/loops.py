"""Adds a loop to the running stack."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import boto3

from label_loop.loop import PATHS_VARIABLE, Loop
from label_loop.parameters import PARAMETERS
from label_loop.provisioning import Options, ResourceLine, provision
from label_loop.provisioning.review import AIRFLOW
from label_loop.system_record import RecordKey
from local_stack.airflow_api import AirflowApi
from local_stack.loopback import UnreachableError
from local_stack.processes import wait_until
from local_stack.stack import LocalStack, StackError

WORKFLOWS = (
    "parameter_sync",
    "training",
    "approval",
    "bake",
    "detection",
    "human_review",
    "human_sampling",
    "quality",
)
_DESCRIPTION = "The paths of loops, separated by commas, that this Airflow serves besides those in its option."
# Airflow parses a DAG file again after half a minute; on a busy machine, it takes several times as long.
PATIENCE_SECONDS = 300.0
_BUSY_SECONDS = 60.0


@dataclass
class AddedLoop:
    """A loop to add, with its labels. ``say`` is called with a line whenever there is news."""

    loop: Loop
    labels: Sequence[str]
    say: Callable[[str], None]
    patience_seconds: float = PATIENCE_SECONDS
    sleep: Callable[[float], None] = time.sleep

    def add(self, stack: LocalStack, airflow: AirflowApi, session: boto3.Session) -> str:
        """Create its resources, have Airflow serve it, wait until it does; return its bucket. Safe to repeat.

        Raises StackError if the stack is not running or Airflow does not serve the loop in time, and what
        ``provision`` raises.
        """
        check_running(stack)
        bucket = self._make(session)
        self._register(airflow)
        for what, count in (("DAGs", self._parsed), ("parameters as Variables", self._mirrored)):
            self._wait(stack, airflow, what, count)
        return bucket

    def _make(self, session: boto3.Session) -> str:
        self.say(f"Creating the AWS resources of {self.loop.path} at the local endpoint …")
        lines: list[ResourceLine] = []
        options = Options(labels=tuple(self.labels) or None, review_backend=AIRFLOW)
        record = provision(self.loop, options, session, lines.append)
        outcomes = Counter(str(line.outcome) for line in lines)
        self.say(f"  {', '.join(f'{count} {outcome}' for outcome, count in outcomes.items())}")
        return str(record[RecordKey.BUCKET])

    def _register(self, airflow: AirflowApi) -> None:
        paths = named_paths(airflow)
        if self.loop.path not in paths:
            airflow.put_variable(PATHS_VARIABLE, ",".join([*paths, self.loop.path]), _DESCRIPTION)
        self.say(f"Airflow's Variable {PATHS_VARIABLE} lists {self.loop.path}. Waiting for Airflow (about a minute) …")

    def _wait(
        self, stack: LocalStack, airflow: AirflowApi, what: str, count: Callable[[AirflowApi], tuple[int, int]]
    ) -> None:
        deadline, reported = time.monotonic() + self.patience_seconds, ""
        while True:
            try:
                there, wanted = count(airflow)
                seen = f"{there} of {wanted} {what}"
            except UnreachableError as error:
                there, wanted, seen = 0, 1, str(error)
            if seen != reported:
                self.say(f"  {seen}")
                reported = seen
            if there == wanted:
                return
            if time.monotonic() > deadline:
                raise StackError(self._overdue(stack, airflow, seen))
            self.sleep(1)

    def _parsed(self, airflow: AirflowApi) -> tuple[int, int]:
        return sum(airflow.knows(self.loop.dag_id(workflow)) for workflow in WORKFLOWS), len(WORKFLOWS)

    def _mirrored(self, airflow: AirflowApi) -> tuple[int, int]:
        return sum(airflow.variable(self.loop.variable(name)) is not None for name in PARAMETERS), len(PARAMETERS)

    def _overdue(self, stack: LocalStack, airflow: AirflowApi, seen: str) -> str:
        try:
            errors = "; ".join(airflow.import_errors()) or "no DAG file failed to parse"
        except UnreachableError as error:
            errors = str(error)
        return (
            f"The loop {self.loop.path} exists, but Airflow does not serve it after {self.patience_seconds:.0f} s: "
            f"{seen}; {errors}. Run the command again to continue. Airflow's log is {stack.airflow.log}"
        )


def named_paths(airflow: AirflowApi) -> list[str]:
    """Return the paths that the Variable lists."""
    text = airflow.variable(PATHS_VARIABLE) or ""
    return [path.strip() for path in text.split(",") if path.strip()]


def check_running(stack: LocalStack) -> None:
    """Raise StackError if the endpoint or Airflow does not respond."""
    for name, url, process, is_up in (
        ("The local AWS endpoint", stack.settings.aws_url, stack.endpoint, stack.endpoint_answers),
        ("Airflow", stack.settings.airflow_url, stack.airflow, stack.airflow_is_healthy),
    ):
        # A process that runs but does not respond at once is busy, or has just started.
        if not (is_up() or (process.find() and wait_until(is_up, timeout_seconds=_BUSY_SECONDS))):
            raise StackError(
                f"{name} does not respond at {url}. Start both with `make up`; if they have other ports, set "
                "AIRFLOW_PORT and LOCAL_AWS_PORT for this command as well."
            )
