"""Starts and stops the local stack: the AWS endpoint first, then Airflow, each when it is not there yet."""

import json
import os
import shutil
import sqlite3
import sys
import urllib.error
import urllib.request
from contextlib import closing
from typing import Any

from local_stack.environment import LOOPBACK, MARKER, PROJECT, Stack
from local_stack.processes import BackgroundProcess, port_is_taken, wait_until

AIRFLOW_BOOT_SECONDS = 420  # a busy machine takes ten times as long as an idle one
ENDPOINT_BOOT_SECONDS = 60
_COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
# The API server writes its audit log on its event loop. Where one of its own requests has the lock, and needs that loop
# to let it go, only the end of SQLite's patience frees both. The others have to outlast that: it ends a scheduler.
_SQLITE_PATIENCE = """import sys

seconds = 5 if "api-server" in sys.argv else 60
CONNECT, CONNECT_ASYNC = {"timeout": seconds}, {"timeout": seconds}
"""

# What Airflow's processes import, copied since nothing of include/ is on their path.
_DOOR_FILES = ("local_aws/door.py", "local_stack/airflow_door.py")
_DOOR_PLUGIN = "[airflow.plugins]\nlocal_door = local_stack.airflow_door:AirflowDoorPlugin\n"


class StackError(Exception):
    """The stack could not start; the message says why and what to do."""


class LocalStack:
    """The two processes of the stack, over their files in ``home``."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.endpoint = BackgroundProcess("local-aws", stack.home)
        self.airflow = BackgroundProcess("airflow", stack.home)

    def start_endpoint(self) -> None:
        """Start the AWS endpoint and wait until it answers. Raises StackError where it does not."""
        environment = {
            **self.stack.airflow_environment(),
            "PYTHONPATH": str(PROJECT / "include"),
            "LOCAL_AWS_PORT": str(self.stack.local_aws_port),
            "LOCAL_AWS_ORIGINS": os.environ.get("LOCAL_AWS_ORIGINS") or ",".join(self.stack.airflow_origins),
        }
        self._start(self.endpoint, [sys.executable, "-m", "local_aws"], environment, self.stack.local_aws_port)
        if not wait_until(self.endpoint_answers, timeout_seconds=ENDPOINT_BOOT_SECONDS):
            raise StackError(f"The local AWS endpoint did not start:\n{self.endpoint.last_lines()}")

    def start_airflow(self) -> None:
        """Start Airflow, without waiting. Raises StackError where its port is taken."""
        command = [str(PROJECT / ".venv" / "bin" / "airflow"), "standalone"]
        self.prepare_airflow()
        self._start(self.airflow, command, self.stack.airflow_environment(), self.stack.airflow_port)

    def wait_for_airflow(self) -> None:
        """Wait until all components of Airflow are healthy. Raises StackError where they do not get there."""
        is_healthy = False

        def settled() -> bool:
            nonlocal is_healthy
            is_healthy = self.airflow_is_healthy()
            return is_healthy or self.airflow.find() is None

        wait_until(settled, timeout_seconds=AIRFLOW_BOOT_SECONDS)
        if not is_healthy:  # not asked again: a busy machine's next answer may be late
            raise StackError(f"Airflow did not become healthy:\n{self.airflow.last_lines()}")

    def stop(self) -> list[str]:
        """Stop what runs; return the names of what did."""
        return [process.name for process in (self.airflow, self.endpoint) if process.stop()]

    def endpoint_answers(self) -> bool:
        """Return whether the AWS endpoint is up."""
        return _get(f"{self.stack.aws_url}/_local/health") is not None

    def airflow_is_healthy(self) -> bool:
        """Return whether all components of Airflow say that they are healthy."""
        health = _get(f"{self.stack.airflow_url}/api/v2/monitor/health") or {}
        return all((health.get(name) or {}).get("status") == "healthy" for name in _COMPONENTS)

    def check_ports(self) -> None:
        """Raise StackError where another program has a port of the stack."""
        self._check_port(self.endpoint, self.stack.local_aws_port)
        self._check_port(self.airflow, self.stack.airflow_port)

    def _check_port(self, process: BackgroundProcess, port: int) -> None:
        if process.find() is None and port_is_taken(LOOPBACK, port):
            setting = "AIRFLOW_PORT" if process is self.airflow else "LOCAL_AWS_PORT"
            raise StackError(
                f"Port {port} is taken by another program. Stop it, or choose another: make … {setting}={port + 10}"
            )

    def _make_home(self) -> None:
        if not self.stack.home.exists():
            self.stack.home.mkdir(parents=True)
            (self.stack.home / MARKER).touch()
        if self.stack.roles:
            self.stack.passwords_file.write_text(json.dumps({role: role for role in self.stack.roles}))

    def prepare_airflow(self) -> None:
        """Lay out what Airflow finds in its home: its database, and the modules of its folder ``config``."""
        self._make_home()
        config = self.stack.home / "config"
        config.mkdir(exist_ok=True)
        (config / "sqlite_patience.py").write_text(_SQLITE_PATIENCE)
        for name in _DOOR_FILES:
            (config / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(PROJECT / "include" / name, config / name)
        distribution = config / "local_door-1.dist-info"
        distribution.mkdir(exist_ok=True)
        (distribution / "entry_points.txt").write_text(_DOOR_PLUGIN)
        # It can be written while it is read: else, on a busy machine, a lock ends Airflow's scheduler.
        with closing(sqlite3.connect(self.stack.database, timeout=30)) as database:
            database.execute("PRAGMA journal_mode=WAL")

    def _start(self, process: BackgroundProcess, command: list[str], environment: dict[str, str], port: int) -> None:
        self._check_port(process, port)
        self._make_home()
        process.start(command, environment)


def _get(url: str) -> dict[str, Any] | None:
    # Only our own loopback addresses come here, and no proxy shall stand between.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except (OSError, ValueError):
        return None
