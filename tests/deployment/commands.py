"""Runs the commands in this process, over a local endpoint, and tells what they called."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from deployment.__main__ import main
from local_aws.server import LocalAws

REGION = "eu-west-1"
_READS = re.compile(r"\w[\w-]*\.(Describe|Get|Head|List)\w*")


@dataclass(frozen=True)
class Outcome:
    """The exit status, what was printed, and the calls that change something."""

    status: int
    out: str
    err: str
    writes: dict[str, int]


class Commands:
    """``make deploy`` and ``make destroy`` without make."""

    def __init__(self, aws: LocalAws, build: Path, session: boto3.Session, capture: pytest.CaptureFixture[str]) -> None:
        self.aws = aws
        self._session = session
        self._build = build
        self._capture = capture

    def client(self, service: str) -> Any:
        return self._session.client(service)

    def deploy(self, stack: str, *arguments: str) -> Outcome:
        return self._run(["deploy", stack, "--build", str(self._build), *arguments])

    def destroy(self, stack: str, *arguments: str) -> Outcome:
        return self._run(["destroy", stack, *arguments])

    def environment(self, name: str) -> dict[str, Any]:
        return dict(self.client("mwaa").get_environment(Name=name)["Environment"])

    def output(self, stack: str, key: str) -> str:
        (described,) = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return next(one["OutputValue"] for one in described["Outputs"] if one["OutputKey"] == key)

    def _run(self, arguments: Sequence[str]) -> Outcome:
        self._capture.readouterr()
        self.aws.calls.reset()
        status = main(arguments)
        writes = {name: count for name, count in self.aws.calls.counts().items() if not _READS.fullmatch(name)}
        printed = self._capture.readouterr()
        return Outcome(status, printed.out, printed.err, writes)


@contextmanager
def pointed_at(aws: LocalAws) -> Iterator[None]:
    """Let boto3 reach the endpoint alone."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }.items():
            patch.setenv(name, value)
        yield
