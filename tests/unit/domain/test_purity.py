"""The domain imports neither Airflow nor AWS: decisions stay testable and imports stay light."""

import subprocess
import sys
from pathlib import Path

import pytest

import label_loop.domain

PACKAGE = Path(label_loop.domain.__file__).parents[1]
HEAVY = ("airflow", "boto3", "botocore", "aiobotocore", "sqlalchemy", "PIL")
WITH_AIRFLOW = ("airflow", "pydantic", "tenacity", "PIL")


def loaded_by(modules, heavy=HEAVY):
    """Return which heavy packages a fresh interpreter has after importing the modules."""
    code = (
        f"import importlib, sys\nsys.path.insert(0, {str(PACKAGE.parent)!r})\n"
        f"[importlib.import_module(name) for name in {modules!r}]\n"
        f"print(*(name for name in {heavy!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_importing_the_domain_loads_no_airflow_and_no_aws():
    modules = sorted(f"label_loop.domain.{path.stem}" for path in (PACKAGE / "domain").glob("[!_]*.py"))
    assert len(modules) >= 10
    assert loaded_by(modules) == []


@pytest.mark.parametrize("name", ["loop", "parameters", "payloads", "exceptions", "system_record", "variables"])
def test_what_every_dag_file_imports_is_light(name):
    assert loaded_by([f"label_loop.{name}"], (*HEAVY, *WITH_AIRFLOW)) == []


def test_provisioning_needs_nothing_that_comes_with_airflow():
    modules = sorted(f"label_loop.provisioning.{path.stem}" for path in (PACKAGE / "provisioning").glob("[!_]*.py"))
    assert len(modules) >= 10
    assert loaded_by(modules, WITH_AIRFLOW) == []


def test_the_check_would_notice():
    assert loaded_by(["boto3"]) == ["boto3", "botocore"]
