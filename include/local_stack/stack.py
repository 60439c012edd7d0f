"""Starts and stops the local stack: the AWS endpoint and Airflow, each unless it is already running."""

import json
import os
import shutil
import sqlite3
import sys
import urllib.error
import urllib.request
from contextlib import closing
from typing import Any

from local_stack.environment import LOOPBACK, MARKER, PROJECT, StackSettings
from local_stack.processes import BackgroundProcess, port_is_taken, wait_until

AIRFLOW_BOOT_SECONDS = 420  # a busy machine takes ten times as long as an idle one
ENDPOINT_BOOT_SECONDS = 60
_COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
# The API server writes its audit log on its event loop. If one of its requests holds the lock and needs that loop to
# release it, only SQLite's timeout frees both. The other processes need a longer timeout, which would end a scheduler.
_SQLITE_PATIENCE = """import sys

seconds = 5 if "api-server" in sys.argv else 60
CONNECT, CONNECT_ASYNC = {"timeout": seconds}, {"timeout": seconds}
"""

# What Airflow's processes import, copied since nothing of include/ is on their path.
_DOOR_FILES = ("local_aws/door.py", "local_stack/airflow_door.py")
_DOOR_PLUGIN = "[airflow.plugins]\nlocal_door = local_stack.airflow_door:AirflowDoorPlugin\n"


class StackError(Exception):
    """The stack could not be started or used; the message says why and what to do."""


class LocalStack:
    """The two processes of the stack, with their files in ``home``."""

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings
        self.endpoint = BackgroundProcess("local-aws", settings.home)
        self.airflow = BackgroundProcess("airflow", settings.home)

    def start_endpoint(self) -> None:
        """Start the AWS endpoint and wait until it responds. Raises StackError if it does not."""
        environment = {
            **self.settings.airflow_environment(),
            "PYTHONPATH": str(PROJECT / "include"),
            "LOCAL_AWS_PORT": str(self.settings.local_aws_port),
            "LOCAL_AWS_ORIGINS": os.environ.get("LOCAL_AWS_ORIGINS") or ",".join(self.settings.airflow_origins),
        }
        self._start(self.endpoint, [sys.executable, "-m", "local_aws"], environment, self.settings.local_aws_port)
        if not wait_until(self.endpoint_answers, timeout_seconds=ENDPOINT_BOOT_SECONDS):
            raise StackError(f"The local AWS endpoint did not start:\n{self.endpoint.last_lines()}")

    def start_airflow(self) -> None:
        """Start Airflow without waiting for it. Raises StackError if its port is taken."""
        command = [str(PROJECT / ".venv" / "bin" / "airflow"), "standalone"]
        self.prepare_airflow()
        self._start(self.airflow, command, self.settings.airflow_environment(), self.settings.airflow_port)

    def wait_for_airflow(self) -> None:
        """Wait until all components of Airflow are healthy. Raises StackError if they do not become so."""
        is_healthy = False

        def settled() -> bool:
            nonlocal is_healthy
            is_healthy = self.airflow_is_healthy()
            return is_healthy or self.airflow.find() is None

        wait_until(settled, timeout_seconds=AIRFLOW_BOOT_SECONDS)
        if not is_healthy:  # not checked again: on a busy machine, the next response may be late
            raise StackError(f"Airflow did not become healthy:\n{self.airflow.last_lines()}")

    def stop(self) -> list[str]:
        """Stop both processes; return the names of those that were running."""
        return [process.name for process in (self.airflow, self.endpoint) if process.stop()]

    def endpoint_answers(self) -> bool:
        """Return whether the AWS endpoint responds."""
        return _get(f"{self.settings.aws_url}/_local/health") is not None

    def airflow_is_healthy(self) -> bool:
        """Return whether all components of Airflow report that they are healthy."""
        health = _get(f"{self.settings.airflow_url}/api/v2/monitor/health") or {}
        return all((health.get(name) or {}).get("status") == "healthy" for name in _COMPONENTS)

    def check_ports(self) -> None:
        """Raise StackError if another program uses a port of the stack."""
        self._check_port(self.endpoint, self.settings.local_aws_port)
        self._check_port(self.airflow, self.settings.airflow_port)

    def _check_port(self, process: BackgroundProcess, port: int) -> None:
        if process.find() is None and port_is_taken(LOOPBACK, port):
            setting = "AIRFLOW_PORT" if process is self.airflow else "LOCAL_AWS_PORT"
            raise StackError(
                f"Port {port} is in use by another program. Stop that program, or choose another port: "
                f"make … {setting}={port + 10}"
            )

    def _make_home(self) -> None:
        if not self.settings.home.exists():
            self.settings.home.mkdir(parents=True)
            (self.settings.home / MARKER).touch()
        if self.settings.roles:
            self.settings.passwords_file.write_text(json.dumps({role: role for role in self.settings.roles}))

    def prepare_airflow(self) -> None:
        """Create what Airflow finds in its home: its database, and the modules in its folder ``config``."""
        self._make_home()
        config = self.settings.home / "config"
        config.mkdir(exist_ok=True)
        (config / "sqlite_patience.py").write_text(_SQLITE_PATIENCE)
        for name in _DOOR_FILES:
            (config / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(PROJECT / "include" / name, config / name)
        distribution = config / "local_door-1.dist-info"
        distribution.mkdir(exist_ok=True)
        (distribution / "entry_points.txt").write_text(_DOOR_PLUGIN)
        # It can be written while it is read; else, on a busy machine, a lock may end the scheduler.
        with closing(sqlite3.connect(self.settings.database, timeout=30)) as database:
            database.execute("PRAGMA journal_mode=WAL")

    def _start(self, process: BackgroundProcess, command: list[str], environment: dict[str, str], port: int) -> None:
        self._check_port(process, port)
        self._make_home()
        process.start(command, environment)


def _get(url: str) -> dict[str, Any] | None:
    # Only loopback addresses are requested, which must bypass any proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except (OSError, ValueError):
        return None
