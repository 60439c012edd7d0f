"""The services of docker-compose.yaml as processes of this machine: their own commands in their own environments."""

import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
from tests.cluster.compose import Service

from local_stack.environment import PROJECT, free_port

# Where a service listens in its container, and what tells it to listen elsewhere: containers share no ports, these do.
_LISTENS = {
    "api-server": (8080, "AIRFLOW__API__PORT"),
    "local-aws": (4566, "LOCAL_AWS_PORT"),
    "scheduler": (8974, "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT"),
    "triggerer": (8794, "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT"),
    "worker": (8793, "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT"),
}
_STOP_SECONDS = 40
NO_SETTINGS: Mapping[str, str] = {}


@dataclass
class Container:
    """One replica of a service, run as a container would run it, but for the names of hosts and folders."""

    name: str
    service: Service
    home: Path
    places: Mapping[str, str]
    process: psutil.Popen | None = None

    def local(self, text: str) -> str:
        """Say on this machine what a text of the container says."""
        for there, here in self.places.items():
            text = text.replace(there, here)
        return text

    @property
    def environment(self) -> dict[str, str]:
        own = {name: self.local(str(value)) for name, value in self.service.environment.items()}
        path = f"{PROJECT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        listening = {}
        if self.service.name in _LISTENS:
            port, setting = _LISTENS[self.service.name]
            listening = {setting: self.places[f"localhost:{port}"].rpartition(":")[2]}
        return {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8", "HOSTNAME": self.name, **own, **listening}

    @property
    def log(self) -> Path:
        return self.home / "output.log"

    def start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = psutil.Popen(
                [self.local(part) for part in self.service.command],
                cwd=PROJECT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self) -> None:
        """Run it to its end, which must be a good one."""
        self.start()
        assert self.process
        code = self.process.wait(timeout=400)
        assert code == 0, f"{self.name} ended with {code}:\n{self.last_lines(40)}"

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def family(self) -> list[psutil.Process]:
        """Return its processes that live, also those whose parent has gone: all are of its session."""
        if self.process is None:
            return []
        return [each for each in psutil.process_iter() if _session(each) == self.process.pid]

    def kill(self) -> None:
        """End it without a word, as a lost machine ends."""
        # The first one goes first, so that it replaces none of the others.
        while family := sorted(self.family(), key=lambda each: each.pid != self.process.pid):  # type: ignore[union-attr]
            for each in family:
                _signal(each, hard=True)
            psutil.wait_procs(family, timeout=10)

    def stop(self) -> None:
        """Ask it to end, then insist."""
        if self.process is not None:
            _signal(self.process, hard=False)
            psutil.wait_procs([self.process], timeout=_STOP_SECONDS)
            self.kill()

    def is_healthy(self, settings: Mapping[str, str] = NO_SETTINGS) -> bool:
        """Run the service's own health check, with further settings."""
        command = [self.local(part) for part in self.service.health_check]
        assert command, f"{self.name} has no health check"
        done = subprocess.run(
            command, cwd=PROJECT, env={**self.environment, **settings}, capture_output=True, timeout=240, check=False
        )
        return done.returncode == 0

    def last_lines(self, count: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:]) if self.log.exists() else ""


def _session(process: psutil.Process) -> int:
    try:
        session = os.getsid(process.pid)
        return 0 if process.status() == psutil.STATUS_ZOMBIE else session
    except (psutil.Error, OSError):
        return 0


def _signal(process: psutil.Process, *, hard: bool) -> None:
    try:
        process.kill() if hard else process.terminate()
    except psutil.NoSuchProcess:
        return


class Cluster:
    """All services of ours, over a database and a Redis of one's own."""

    def __init__(self, services: Mapping[str, Service], home: Path, database: str, queue: str) -> None:
        self.home = home
        self.ports = {name: free_port() for name in ("api-server", "local-aws")}
        self._shared = _places(services["api-server"], database, queue) | {
            f"{host}:{_LISTENS[name][0]}": f"127.0.0.1:{self.ports[name]}"
            for name in self.ports
            for host in (name, "localhost")
        }
        self.containers = [
            self._container(service, number)
            for service in services.values()
            if service.is_ours
            for number in range(1, service.replicas + 1)
        ]

    def _container(self, service: Service, number: int) -> Container:
        name = f"{service.name}-{number}"
        home = self.home / name
        own = {}
        if service.name in _LISTENS and service.name not in self.ports:
            own = {f"localhost:{_LISTENS[service.name][0]}": f"localhost:{free_port()}"}
        folders = {
            "/opt/airflow/logs": str(self.home / "logs"),
            "/opt/airflow": str(home),
            "/opt/label-loop": str(PROJECT),
        }
        return Container(name, service, home, {**self._shared, **own, **folders})

    def of(self, service: str) -> list[Container]:
        return [each for each in self.containers if each.service.name == service]

    def serving(self) -> list[Container]:
        """Return those that run for ever."""
        return [each for each in self.containers if each.service.health_check]

    def start(self, prepare: Callable[[], None]) -> None:
        """Start all in the order that the file's conditions force; ``prepare`` is done before Airflow looks."""
        (endpoint,), (init,) = self.of("local-aws"), self.of("init")
        endpoint.start()
        init.run()
        prepare()
        for each in self.serving():
            if each is not endpoint:
                each.start()

    def stop(self) -> None:
        """Stop all at once; leave nothing behind."""
        threads = [threading.Thread(target=each.stop) for each in self.containers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _places(service: Service, database: str, queue: str) -> dict[str, str]:
    """Return where PostgreSQL and Redis are here, by where the service looks for them."""
    environment = service.environment
    return {
        environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].partition("://")[2]: database,
        environment["AIRFLOW__CELERY__BROKER_URL"].partition("://")[2]: queue,
    }
