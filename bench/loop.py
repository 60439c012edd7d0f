"""A loop over an endpoint in this process, for what is measured without Airflow."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

# Airflow writes its configuration into its home when it is first imported: never into the user's own.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="label-loop-bench-"))
os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")  # its lines would stand among the tables

from tests.integration.clients import REGION
from tests.integration.model import train_model
from tests.integration.world import World

from label_loop.loop import Loop
from label_loop.workflows import detection
from local_aws.server import LocalAws
from local_aws.settings import EndpointSettings

_ENDPOINT = EndpointSettings(port=0, training_seconds=0.05, start_seconds=0.1, stop_seconds=0.1, max_running_models=100)


def run_task(module: str, *arguments: str) -> float:
    """Run a module of this package in a process of its own; return the number that it prints last."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["plugins", "include", "."])}
    command = [sys.executable, "-m", f"bench.{module}", *arguments]
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return float(ended.stdout.split()[-1])


@contextmanager
def provisioned_loop(units: int = 1) -> Iterator[World]:
    """Give a loop without a model; the endpoint ends with it."""
    variables = {"loop/Minimum-Inference-Units": str(units)}
    with LocalAws(_ENDPOINT) as aws, _surroundings(aws.url, variables):
        world = World(aws, Loop("/loop"), variables)
        world.provision()
        yield world


@contextmanager
def serving_loop(*, units: int = 1, images_per_second_per_unit: float = 1000.0) -> Iterator[World]:
    """Give a loop whose model serves at a pace."""
    with provisioned_loop(units) as world:
        world.deploy(train_model(world.aws), units=units, unit=images_per_second_per_unit)
        yield world


@contextmanager
def _surroundings(url: str, variables: dict[str, str]) -> Iterator[None]:
    """Point every client at the endpoint, keep Airflow's Variables in a dict, and let no wait count as work."""
    from airflow.sdk import Variable

    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_PROFILE": "",
    }
    with (
        patch.dict(os.environ, environment),
        patch.object(Variable, "get", lambda key, default=None, **_: variables.get(key, default)),
        patch.object(Variable, "set", lambda key, value, *_, **__: variables.__setitem__(key, value)),
        patch.object(detection, "LINGER_SECONDS", 0),
    ):
        os.environ.pop("AWS_PROFILE")
        yield
