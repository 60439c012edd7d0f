"""What a DAG file costs at each parse and at each start of a task."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

_MEASURE = """
import json, runpy, sys, time
import airflow.sdk
from airflow.sdk import DAG, BaseNotifier, BaseOperator, DeltaTriggerTimetable, Param, Variable, conf
from airflow.sdk.exceptions import AirflowFailException
conf.get("core", "dags_folder")
try:
    Variable.get("what is read at every parse, once", default=None)
except Exception:
    pass
before = time.process_time()
runpy.run_path(sys.argv[1])
seconds = time.process_time() - before
aws = ("boto3", "botocore", "aiobotocore", "airflow.providers.amazon.aws", "PIL")
heavy = [name for name in aws if name in sys.modules]
print("RESULT" + json.dumps({"seconds": seconds, "heavy": heavy}))
"""


@pytest.mark.parametrize("file", sorted((PROJECT / "dags").glob("*.py")), ids=lambda path: path.stem)
def test_importing_a_dag_costs_little_and_loads_no_aws_library(file):
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "plugins")}
    for _ in range(2):  # the first import may compile the files; each task start finds them compiled
        command = [sys.executable, "-c", _MEASURE, str(file)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        line = next((text for text in done.stdout.splitlines() if text.startswith("RESULT")), None)
        assert line, done.stderr[-2000:]
        run = json.loads(line.removeprefix("RESULT"))
        if run["seconds"] < 0.5:
            break
    assert run["heavy"] == []
    assert run["seconds"] < 0.5  # of CPU time, which a busy machine does not stretch
