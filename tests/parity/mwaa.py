"""Airflow as Amazon MWAA starts it: its processes, its options and those of our template, over the local endpoint.

MWAA's options are those of its image's published build (github.com/aws/amazon-mwaa-docker-images,
images/airflow/3.3.1/python/mwaa/config/airflow.py), without what names an AWS resource of its own and what Airflow 3.3
no longer reads. Redis stands in for its queue in SQS. No connection is made: hooks find the credentials themselves.
"""

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.deployment.template import resolved, template
from tests.testing.stack import RunningStack
from tests.waiting import eventually

from local_stack.environment import LOOPBACK, StackSettings, free_port
from local_stack.processes import BackgroundProcess
from local_stack.stack import LocalStack

_SECRET = secrets.token_urlsafe(32)
PROCESSES = ("api-server", "scheduler", "dag-processor", "triggerer", "celery worker")
_MWAA = {
    "AIRFLOW__API__SERVER_TYPE": "gunicorn",
    "AIRFLOW__API__WORKER_REFRESH_BATCH_SIZE": "1",
    "AIRFLOW__API__WORKER_REFRESH_INTERVAL": "43200",
    "AIRFLOW__API_AUTH__JWT_ALGORITHM": "HS256",
    "AIRFLOW__CELERY__WORKER_ENABLE_REMOTE_CONTROL": "False",
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "43200",
    "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    "AIRFLOW__CORE__EXECUTE_TASKS_NEW_PYTHON_INTERPRETER": "True",
    "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES": "proxy,proxies",
    "AIRFLOW__EXECUTION_API__JWT_EXPIRATION_TIME": "86400",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "1800.0",
    "AIRFLOW__TRIGGERER__QUEUES_ENABLED": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
_THIS_MACHINE = {  # MWAA's machines are one for each process, and larger
    "AIRFLOW__API__HOST": LOOPBACK,
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "NO_PROXY": "*",
}


def options(parameter_paths: str) -> dict[str, str]:
    """Return the options that our template gives an environment, as its processes get them."""
    properties = template("mwaa")["Resources"]["Environment"]["Properties"]
    asked = resolved(properties["AirflowConfigurationOptions"], {"ParameterPaths": parameter_paths})
    return {f"AIRFLOW__{name.upper().replace('.', '__')}": value for name, value in asked.items()}


@dataclass(frozen=True)
class Mwaa:
    """An environment of MWAA: its interpreter, its folder with ``dags`` and ``plugins``, and what backs it."""

    python: Path
    home: Path
    stack: StackSettings
    database: str
    redis: str

    def environment(self) -> dict[str, str]:
        """Return the environment of each process, which has nothing of the caller's own."""
        database = f"postgresql+psycopg2://{self.database}"
        return {
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            **self.stack.aws_environment(),
            **_THIS_MACHINE,
            **options(self.stack.parameter_paths),
            **_MWAA,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__API__PORT": str(self.stack.airflow_port),
            "AIRFLOW__API__BASE_URL": self.stack.airflow_url,
            "AIRFLOW__API__SECRET_KEY": _SECRET,
            "AIRFLOW__API_AUTH__JWT_SECRET": _SECRET,
            "AIRFLOW__CELERY__BROKER_URL": f"redis://{self.redis}",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.stack.airflow_url}/execution",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the interpreter's to its end."""
        return subprocess.run(
            [self.python.with_name(command[0]), *command[1:]],
            cwd=self.home,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )

    def migrate(self) -> None:
        """Make the tables, and an administrator of that name and password."""
        user = "users create --role Admin --firstname A --lastname Admin --email admin@airflow.test"
        for command in ("db migrate", f"{user} --username admin --password admin"):
            done = self.run("airflow", *command.split())
            assert done.returncode == 0, f"airflow {command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"

    @contextmanager
    def running(self) -> Iterator[RunningStack]:
        """Start all processes, far from the checkout; end them, whatever happens."""
        environment = self.environment()
        processes = [BackgroundProcess(name.replace(" ", "-"), self.home / "run") for name in PROCESSES]
        try:
            with contextlib.chdir(self.home):
                for name, process in zip(PROCESSES, processes, strict=True):
                    process.start([str(self.python.with_name("airflow")), *name.split()], environment)
            self._wait_until_healthy(processes)
            yield RunningStack(self.stack)
        finally:
            for process in processes:
                process.stop(patience_seconds=2)  # nothing is left to be finished

    def _wait_until_healthy(self, processes: list[BackgroundProcess]) -> None:
        local = LocalStack(self.stack)

        def ended() -> list[BackgroundProcess]:
            return [process for process in processes if process.find() is None]

        eventually(lambda: ended() or local.airflow_is_healthy(), "an Airflow in good health", seconds=420)
        assert not ended(), "\n".join(f"{process.name} ended:\n{process.last_lines(40)}" for process in ended())
