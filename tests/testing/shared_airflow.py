"""One real Airflow over one local endpoint, for all files and all workers of a test run.

Starting it takes longer than most of what is tested in it. The first to ask starts it, the last to leave stops it; each
kind of test has a loop of its own in it, so that none is in another's way.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from tests.testing import stack
from tests.testing.sample_layout import SampleStack
from tests.testing.stack import RunningStack

from deployment.__main__ import main as deployment
from label_loop.loop import Loop
from label_loop.provisioning import Options, provision
from local_stack.environment import StackSettings, free_port

ROLES = ("viewer", "user", "op", "admin")
# The console opens with the first one: what a person does there, the tests do with the pictures.
SAMPLE = SampleStack()
PICTURES, ALPHA, _, DEPLOYED = LOOPS = (Loop("/pictures"), Loop("/alpha"), SAMPLE.loop, Loop("/deployed"))
ADDED = Loop("/added")  # while Airflow runs, by a Variable
DEPLOYED_STACK = "story"
DIGITS = tuple("0123456789")
# Nobody watches. Each loop may run as many models as if it were alone.
_ENDPOINT = {
    "LOCAL_AWS_TRAINING_SECONDS": "0.5",
    "LOCAL_AWS_START_SECONDS": "0.5",
    "LOCAL_AWS_STOP_SECONDS": "0.5",
    "LOCAL_AWS_MAX_RUNNING_MODELS": str(2 * len(LOOPS)),
    "LOCAL_AWS_MAX_CONCURRENT_TRAININGS": str(2 * len(LOOPS)),
}


class SharedAirflow:
    """What all workers of a run share, by files in a folder of theirs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / "airflow.lock")
        self._users = folder / "airflow.users"
        self._saved = folder / "airflow.json"

    @contextmanager
    def running(self) -> Iterator[RunningStack]:
        """Give Airflow: started where nobody has it yet, stopped where nobody has it any more."""
        with self._lock:
            found = self._read() if self._count() else self._start()
            self._users.write_text(str(self._count() + 1))
        try:
            yield RunningStack(found)
        finally:
            with self._lock:
                self._users.write_text(str(self._count() - 1))
                if not self._count():
                    stack.stop(found)

    @contextmanager
    def once(self, what: str) -> Iterator[bool]:
        """Tell whether a preparation is still to be made; nobody else makes it meanwhile."""
        mark = self._folder / f"{what}.done"
        with FileLock(self._folder / f"{what}.lock"):
            yield not mark.exists()
            mark.touch()

    def _count(self) -> int:
        return int(self._users.read_text()) if self._users.exists() else 0

    def _start(self) -> StackSettings:
        paths = ",".join(loop.path for loop in LOOPS)
        made = StackSettings(self._folder / "airflow", free_port(), free_port(), paths, ROLES)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in _ENDPOINT.items():
                patch.setenv(name, value)
            stack.start(made, self._prepare)
        self._saved.write_text(json.dumps(asdict(made) | {"home": str(made.home)}))
        return made

    def _read(self) -> StackSettings:
        saved: dict[str, Any] = json.loads(self._saved.read_text())
        return StackSettings(**saved | {"home": Path(saved["home"]), "roles": tuple(saved["roles"])})

    def _prepare(self, running: RunningStack) -> None:
        """Make all loops before Airflow looks at them: what is missing would fail its runs."""
        provision(ALPHA, Options(labels=("even", "odd")), running.session(), print)
        provision(PICTURES, Options(labels=("0", "1"), review_backend="airflow"), running.session(), print)
        SAMPLE.lay_out(running.client)
        labels, build = ",".join(DIGITS), str(self._folder / "build")
        deploy = ["deploy", DEPLOYED_STACK, "--loops", DEPLOYED.name, "--labels", labels, "--build", build]
        assert deployment(deploy) == 0
        for loop in (DEPLOYED, PICTURES):
            running.set_parameter(loop.parameter("Minimum-Inference-Units"), "5")
        # The tests train versions that nothing is known of, and look at what follows their deployment.
        running.set_parameter(PICTURES.parameter("Approve-Deployments"), "never")
        # Whatever a model says of the pictures, people are asked.
        running.set_parameter(PICTURES.parameter("Minimum-Label-Detection-Confidence"), "100")
