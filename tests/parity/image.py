"""The Python of Amazon MWAA: what its image has, and requirements.txt on top, in a virtual environment of its own.

The image's packages are those that its published build installs (github.com/aws/amazon-mwaa-docker-images,
images/airflow/3.3.1/bootstrap/02-airflow/001-install-required-pip-packages.sh), but for those of its broker and its
logs, which nothing here uses: celery[sqs], pycurl, fluent-logger, watchtower, virtualenv and type stubs.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from tests.deployment.template import template

PROJECT = Path(__file__).resolve().parents[2]
VERSION = template("mwaa")["Resources"]["Environment"]["Properties"]["AirflowVersion"]
IMAGE = (
    f"apache-airflow[celery,statsd]=={VERSION}",
    f"apache-airflow-core[gunicorn]=={VERSION}",
    "apache-airflow-providers-amazon[aiobotocore]",
    "apache-airflow-providers-fab",
    "apache-airflow-providers-postgres",
    "apache-airflow-providers-standard",
)
_REQUIREMENTS = PROJECT / "requirements.txt"
_CONSTRAINTS = PROJECT / "include" / "mwaa" / f"constraints-{VERSION}-python-3.12.txt"
_UV = PROJECT / ".tools" / "bin" / "uv"
_FOLDER = PROJECT / ".run" / "mwaa"


def cannot(why: str) -> NoReturn:
    """Skip a test for who lacks what it needs; fail it in CI, where that would be a hole that nobody sees."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"REQUIRE_SERVICES=1, but {why}")
    pytest.skip(why)


def python() -> Path:
    """Return the interpreter; its packages are installed when they are not yet, or others are asked for."""
    asked = "\n".join([*IMAGE, _REQUIREMENTS.read_text(), _CONSTRAINTS.read_text()])
    digest, mark = hashlib.sha256(asked.encode()).hexdigest(), _FOLDER / "installed"
    interpreter = _FOLDER / "bin" / "python"
    if not mark.exists() or mark.read_text() != digest:
        _uv("venv", "--clear", "--python", sys.executable, str(_FOLDER))
        source = ("-r", str(_REQUIREMENTS), "-c", str(_CONSTRAINTS))
        _uv("pip", "install", "--compile-bytecode", "--python", str(interpreter), *IMAGE, *source)
        mark.write_text(digest)
    return interpreter


def _uv(*arguments: str) -> None:
    done = subprocess.run([_UV, "--quiet", *arguments], capture_output=True, text=True, check=False, timeout=540)
    if done.returncode:
        cannot(f"the packages of MWAA cannot be installed:\n{done.stderr[-2000:]}")
