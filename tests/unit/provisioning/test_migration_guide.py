"""The guide to the takeover of the AWS sample, followed in this process: what its commands do and print."""

import shlex
from collections.abc import Callable
from typing import Any

import pytest
from tests.testing.guide import follow
from tests.unit.provisioning.guided import GuidedSample, there_and_back

from label_loop.cli import main

PROGRAM = "PYTHONPATH=plugins .venv/bin/python -m label_loop "


def test_the_guide_leads_to_an_adopted_loop_and_back(
    client: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    sample = GuidedSample(client)

    def run(command: str) -> str:
        capsys.readouterr()
        assert main(shlex.split(command.removeprefix(PROGRAM))) == 0
        return capsys.readouterr().out

    there, back = ([step for step in some if step.command.startswith(PROGRAM)] for some in there_and_back())
    follow(there, run)
    sample.check_adopted()
    follow(back, run)
    sample.check_given_back()
