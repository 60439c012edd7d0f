import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.local_aws.endpoint import Endpoint

from local_aws.http_server import PortTakenError
from local_aws.server import LocalAws
from local_aws.settings import EndpointSettings

INCLUDE = Path(__file__).parents[2] / "include"


def run(**settings: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(INCLUDE)} | settings
    return subprocess.Popen(
        [sys.executable, "-m", "local_aws"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_says_how_to_be_used_and_stops_cleanly() -> None:
    process = run(LOCAL_AWS_PORT="0")
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:" in line
    assert "AWS_ACCESS_KEY_ID=" in line
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=20)
    assert (process.returncode, out, errors) == (0, "", "")


def test_a_taken_port_names_the_port_and_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} .*LOCAL_AWS_PORT"):
            LocalAws(EndpointSettings(port=port))


def test_each_endpoint_begins_empty_and_closes_twice(start: Callable[..., Endpoint]) -> None:
    first = start()
    first.client("s3").create_bucket(Bucket="bucket")
    first.aws.close()
    first.aws.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", first.aws.port), timeout=2)
    assert start().client("s3").list_buckets()["Buckets"] == []


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_AWS_REFUSE_HUMAN_LOOPS", "False")
    monkeypatch.setenv("LOCAL_AWS_PORT", "4570")
    settings = EndpointSettings.from_environment()
    assert (settings.port, settings.refuse_human_loops) == (4570, False)
    monkeypatch.setenv("LOCAL_AWS_REFUSE_HUMAN_LOOPS", "maybe")
    with pytest.raises(ValueError, match="LOCAL_AWS_REFUSE_HUMAN_LOOPS"):
        EndpointSettings.from_environment()
