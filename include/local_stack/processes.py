"""Background processes that outlive the command that starts them; a file records the process ID of each."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

# The system knows when a process began since it was booted. The time of day follows from its clock, which is adjusted.
_CLOCK_CHANGES_SECONDS = 60


class BackgroundProcess:
    """One named process of the stack. Its file holds pid and start time, since the system may reuse the pid."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.file = folder / f"{name}.pid"
        self.log = folder / f"{name}.log"

    def find(self) -> psutil.Process | None:
        """Return the running process, or None."""
        try:
            saved = json.loads(self.file.read_text())
            process = psutil.Process(saved["pid"])
            is_it = abs(process.create_time() - saved["created"]) < _CLOCK_CHANGES_SECONDS
            alive = is_it and process.status() != psutil.STATUS_ZOMBIE
        except (OSError, ValueError, TypeError, KeyError, psutil.Error):
            return None
        return process if alive else None

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the process in a session of its own, unless it is already running."""
        if self.find():
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            started = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_heed_interrupts,  # noqa: PLW1509 - no thread runs in this command
            )
        created = psutil.Process(started.pid).create_time()
        self.file.write_text(json.dumps({"pid": started.pid, "created": created}))

    def stop(self, patience_seconds: float = 30) -> bool:
        """Interrupt the process and its children, kill those that do not end in time; return whether it was running."""
        process = self.find()
        if process is None:
            self.file.unlink(missing_ok=True)
            return False
        family = [process, *process.children(recursive=True)]
        process.send_signal(signal.SIGINT)
        _, alive = psutil.wait_procs(family, timeout=patience_seconds)
        for survivor in alive:
            survivor.kill()
        psutil.wait_procs(alive, timeout=5)
        self.file.unlink(missing_ok=True)
        return True

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the process's log, for an error message."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
        except OSError:
            return "(no log)"


def _heed_interrupts() -> None:
    # A background job of a shell ignores SIGINT, and its children inherit that; Airflow exits cleanly only on SIGINT.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until(check: Callable[[], bool], *, timeout_seconds: float, interval_seconds: float = 0.5) -> bool:
    """Call ``check`` until it returns True; return whether it did so in time."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if check():
            return True
        time.sleep(interval_seconds)
    return False


def port_is_taken(host: str, port: int) -> bool:
    """Return whether another program listens on a port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0
