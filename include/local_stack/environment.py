"""The local stack's settings, and the environment of its processes."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"
MARKER = ".made-by-label-loop"  # in a home that the stack created, and may therefore delete


@dataclass(frozen=True)
class StackSettings:
    """The ports and folders of one stack. Everything that it writes is below ``home``.

    For each of ``roles`` (viewer, user, op, admin), Airflow has a user whose name and password are the role's name.
    Without roles, everybody is an admin and no login is needed.
    """

    home: Path = PROJECT / ".airflow"
    airflow_port: int = 8080
    local_aws_port: int = 4566
    parameter_paths: str = ""  # more loops can be added while the stack runs
    roles: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls) -> "StackSettings":
        """Read AIRFLOW_PORT, LOCAL_AWS_PORT, LABEL_LOOP_HOME and the option ``[label_loop] parameter_paths``."""
        return cls(
            home=Path(os.environ.get("LABEL_LOOP_HOME") or cls.home).absolute(),
            airflow_port=_port("AIRFLOW_PORT", cls.airflow_port),
            local_aws_port=_port("LOCAL_AWS_PORT", cls.local_aws_port),
            parameter_paths=os.environ.get("AIRFLOW__LABEL_LOOP__PARAMETER_PATHS", cls.parameter_paths),
        )

    @property
    def airflow_url(self) -> str:
        """The address of the Airflow UI."""
        return f"http://{LOOPBACK}:{self.airflow_port}"

    @property
    def airflow_origins(self) -> tuple[str, ...]:
        """What a browser names as the origin of Airflow's pages."""
        return self.airflow_url, f"http://localhost:{self.airflow_port}"

    @property
    def aws_url(self) -> str:
        """The address of the local AWS endpoint."""
        return f"http://{LOOPBACK}:{self.local_aws_port}"

    def aws_environment(self) -> dict[str, str]:
        """Return the variables that point any AWS client to the local endpoint, which accepts any credentials."""
        return {
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",  # the endpoint has only one host name
        }

    def airflow_environment(self) -> dict[str, str]:
        """Return the environment of every Airflow process: that of this process, but only with the stack's settings."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS_"))}
        bin_folder = PROJECT / ".venv" / "bin"
        return {
            **inherited,
            **self.aws_environment(),
            "PATH": f"{bin_folder}{os.pathsep}{inherited.get('PATH', '')}",
            "PYTHONPATH": str(self.home / "config"),  # where Airflow looks for modules, too late for a plugin
            "NO_PROXY": "*",
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS": "sqlite_patience.CONNECT",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS_ASYNC": "sqlite_patience.CONNECT_ASYNC",
            # A busy machine imports slowly, and a DAG whose import times out would disappear.
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "180",
            "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "240",
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__CORE__LAZY_LOAD_PLUGINS": "False",
            **self._logins(),
            # The connection that every hook looks up; this one uses the environment, and avoids a warning each time.
            "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
            "AIRFLOW__API__HOST": LOOPBACK,
            "AIRFLOW__API__PORT": str(self.airflow_port),
            "AIRFLOW__API__BASE_URL": self.airflow_url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "20",
            "AIRFLOW__LABEL_LOOP__PARAMETER_PATHS": self.parameter_paths,
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        }

    @property
    def database(self) -> Path:
        """Airflow's metadata database."""
        return self.home / "airflow.db"

    @property
    def passwords_file(self) -> Path:
        """The file from which Airflow reads its users' passwords."""
        return self.home / "passwords.json"

    def _logins(self) -> dict[str, str]:
        if not self.roles:
            # The UI is reachable only from this machine, so no password is needed to try it.
            return {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True"}
        return {
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{role}:{role}" for role in self.roles),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.passwords_file),
        }


def point_at(environment: Mapping[str, str]) -> None:
    """Point this process to the stack's endpoint, whatever AWS account its user is signed in to."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {**environment, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    os.environ["NO_PROXY"] = "*"


def _port(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise SystemExit(f"{name} is {text!r}, but must be a port number from 1 to 65535.")
    return int(text)


def free_port() -> int:
    """Return a port of this machine that is not in use."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
