"""The components of an Airflow, each a process of its own that can be killed and started again alone."""

import base64
import secrets
from contextlib import suppress
from datetime import UTC, datetime

import psutil
from tests.testing import metadata_database
from tests.testing.stack import RunningStack
from tests.waiting import eventually

from local_stack.environment import PROJECT
from local_stack.loopback import UnreachableError
from local_stack.processes import BackgroundProcess
from local_stack.stack import LocalStack

AIRFLOW = str(PROJECT / ".venv" / "bin" / "airflow")
COMPONENTS = ("scheduler", "triggerer", "api-server", "dag-processor")
# How soon Airflow notes what a killed process leaves behind: minutes by itself.
_NOTED_SOON = {
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
}


class Components:
    def __init__(self, running: RunningStack) -> None:
        self.running = running
        self.environment = {
            **running.stack.airflow_environment(),
            **_NOTED_SOON,
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            # They start at the same time: each would make secrets of its own, and believe none of the others.
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        }
        self._processes = {name: BackgroundProcess(name, running.stack.home) for name in COMPONENTS}

    def start_all(self) -> None:
        metadata_database.lay_out(self.running.stack.home)
        LocalStack(self.running.stack).prepare_airflow()
        for name in COMPONENTS:
            self.start(name)
        for name in COMPONENTS:
            self.await_health(name, datetime.min.replace(tzinfo=UTC))

    def start(self, name: str) -> None:
        self._processes[name].start([AIRFLOW, name], self.environment)

    def kill(self, name: str) -> None:
        """End a component and all that it has started by SIGKILL."""
        process = self._processes[name].find()
        assert process, f"{name} ended by itself:\n{self._processes[name].last_lines()}"
        family = [process, *process.children(recursive=True)]
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family, timeout=60)

    def restart(self, *names: str) -> None:
        since = datetime.now(UTC)
        for name in names:
            self.start(name)
        for name in names:
            self.await_health(name, since)

    def await_health(self, name: str, since: datetime) -> None:
        """Wait until a component has given a sign of life after a moment; the API server does by answering."""
        part = name.replace("-", "_")

        def is_alive() -> bool:
            try:
                health = self.running.call("GET", "/monitor/health")
            except UnreachableError:
                return False
            beat = health.get(part, {}).get(f"latest_{part}_heartbeat")
            return name == "api-server" or bool(beat and datetime.fromisoformat(beat) > since)

        eventually(is_alive, f"{name} to be alive")

    def end(self) -> None:
        """Kill what runs: an orderly end would wait for the tasks that wait for work."""
        for name, process in self._processes.items():
            if process.find():
                self.kill(name)
