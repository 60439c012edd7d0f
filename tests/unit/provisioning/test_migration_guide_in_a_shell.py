"""The guide to the takeover of the AWS sample, followed by a person in a shell."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from tests.testing.guide import ROOT, follow
from tests.unit.provisioning.guided import GuidedSample, there_and_back

CLI = ROOT / ".tools/aws/bin"


@pytest.mark.slow
@pytest.mark.skipif(not (CLI / "aws").exists(), reason="the aws CLI is not in .tools/aws/bin: run make setup")
def test_the_guide_leads_to_an_adopted_loop_and_back(client: Callable[[str], Any]) -> None:
    sample = GuidedSample(client)
    environment = {**os.environ, "PATH": f"{CLI}{os.pathsep}{os.environ['PATH']}"}

    def run(command: str) -> str:
        # The tests may run in another environment than the page's.
        line = command.replace(".venv/bin/python", sys.executable)
        ran = subprocess.run(
            ["/bin/bash", "-c", line],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    there, back = there_and_back()
    follow(there, run)
    sample.check_adopted()
    follow(back, run)
    sample.check_given_back()
