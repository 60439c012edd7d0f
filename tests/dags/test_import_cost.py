"""What a DAG file costs at each parse and at each start of a task."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
FILES = sorted((PROJECT / "dags").glob("*.py"))

# One process imports what Airflow has imported before it parses a file, and each file is run in a fork of it.
_MEASURE = """
import json, os, runpy, sys, time
begin = time.process_time()
import airflow.sdk
from airflow.sdk import DAG, BaseNotifier, BaseOperator, DeltaTriggerTimetable, Param, Variable, conf
from airflow.sdk.exceptions import AirflowFailException
airflow_seconds = time.process_time() - begin
conf.get("core", "dags_folder")
try:
    Variable.get("what is read at every parse, once", default=None)
except Exception:
    pass
aws = ("boto3", "botocore", "aiobotocore", "airflow.providers.amazon.aws", "PIL")

def measure(file):
    before = time.process_time()
    runpy.run_path(file)
    seconds = time.process_time() - before
    heavy = [name for name in aws if name in sys.modules]
    return {"file": file, "share": seconds / airflow_seconds, "heavy": heavy}

for file in sys.argv[1:]:
    child = os.fork()
    if not child:
        print("RESULT" + json.dumps(measure(file)), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def costs() -> dict[str, dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "plugins")}
    # Twice: the first import may compile the files, and each task start finds them compiled.
    command = [sys.executable, "-c", _MEASURE, *map(str, FILES * 2)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.removeprefix("RESULT") for line in done.stdout.splitlines() if line.startswith("RESULT")]
    found = [json.loads(line) for line in lines]
    assert len(found) == 2 * len(FILES), done.stderr[-2000:]
    return {one["file"]: one for one in sorted(found, key=lambda one: -one["share"])}  # the cheaper one of two


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_importing_a_dag_costs_little_and_loads_no_aws_library(file: Path, costs: dict[str, dict[str, Any]]) -> None:
    cost = costs[str(file)]
    assert cost["heavy"] == []
    # Of the CPU time that Airflow's own import takes on the same machine, in the same process.
    assert cost["share"] < 0.2, cost
