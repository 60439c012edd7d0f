"""An environment as Amazon MWAA would have it, with one loop, for all tests of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster import backing
from tests.deployment.package import build, lay_out
from tests.parity import image
from tests.parity.mwaa import Mwaa
from tests.testing.stack import RunningStack, stop

from label_loop.loop import Loop
from label_loop.provisioning import Options, provision
from local_stack.environment import PROJECT, StackSettings, free_port
from local_stack.stack import LocalStack

LOOP = Loop("/logos")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mwaa")
    return lay_out(build(PROJECT, folder / "built"), folder / "home")


@pytest.fixture(scope="module")
def mwaa(home: Path) -> Iterator[Mwaa]:
    """Prepare the environment and start the endpoint, which stands in for AWS."""
    backing.require()
    python = image.python()
    stack = StackSettings(home.parent / "aws", free_port(), free_port(), LOOP.path, roles=("admin",))
    local = LocalStack(stack)
    with backing.own_database() as database, backing.own_redis() as redis, pytest.MonkeyPatch.context() as patch:
        for name in ("TRAINING", "START"):
            patch.setenv(f"LOCAL_AWS_{name}_SECONDS", "0.5")
        try:
            local.start_endpoint()
            yield Mwaa(python, home, stack, database, redis)
        finally:
            stop(stack)


@pytest.fixture(scope="module")
def running(mwaa: Mwaa) -> Iterator[RunningStack]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in mwaa.stack.aws_environment().items():
            patch.setenv(name, value)
        provision(LOOP, Options(labels=("0", "1")), RunningStack(mwaa.stack).session(), print)
    mwaa.migrate()
    with mwaa.running() as running:
        yield running
