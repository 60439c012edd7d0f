"""What Amazon MWAA takes is whole, and the same each time."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.deployment.package import build

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(PROJECT, tmp_path_factory.mktemp("built"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of what is packaged, to change."""
    project = tmp_path / "copy"
    for folder in ("plugins", "dags", "scripts"):
        shutil.copytree(PROJECT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "requirements.txt", project)
    return project


def names(built: Path) -> set[str]:
    with ZipFile(built / "plugins.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(archive.namelist())
        return set(archive.namelist())


def files_of(folder: Path) -> set[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name for name in found if "__pycache__" not in name and not re.search(r"(^|/)\.(?!airflowignore$)", name)}


def test_every_file_of_the_plugin_is_there_and_nothing_else(built):
    assert names(built) == files_of(PROJECT / "plugins")
    assert {".airflowignore", "label_loop_plugin.py"} <= names(built)
    assert {path.name for path in built.iterdir()} == {"plugins.zip", "requirements.txt", "dags"}
    assert files_of(built / "dags") == files_of(PROJECT / "dags")
    assert (built / "requirements.txt").read_bytes() == (PROJECT / "requirements.txt").read_bytes()


def test_the_command_line_runs_from_it(built):
    environment = {**os.environ, "PYTHONPATH": str(built / "plugins.zip")}
    told = subprocess.run(
        [sys.executable, "-m", "label_loop", "provision", "no-path"],
        env=environment,
        cwd=built,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, "'no-path' is not a path" in told.stderr) == (2, True)


def test_the_same_tree_gives_the_same_bytes(built, copy, tmp_path):
    for path in copy.rglob("*"):  # what differs between two checkouts
        os.utime(path, (1_700_000_000, 1_700_000_000))
        path.chmod(0o700)
    litter = ("plugins/label_loop/__pycache__/x.pyc", "plugins/label_loop/.models.py.swp", "dags/.DS_Store")
    for name in litter:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_bytes(b"litter")
    again = build(copy, tmp_path / "again")
    assert (again / "plugins.zip").read_bytes() == (built / "plugins.zip").read_bytes()
    assert files_of(again / "dags") == files_of(built / "dags")


def test_another_release_of_a_file_has_another_time(built, copy, tmp_path):
    """The console's ETags are made of time and size."""
    name = "label_loop/console/static/console.js"
    script = copy / "plugins" / name
    script.write_bytes(script.read_bytes()[::-1])
    with ZipFile(built / "plugins.zip") as before, ZipFile(build(copy, tmp_path / "b") / "plugins.zip") as after:
        assert before.getinfo(name).file_size == after.getinfo(name).file_size
        assert before.getinfo(name).date_time != after.getinfo(name).date_time
        assert before.getinfo(".airflowignore").date_time == after.getinfo(".airflowignore").date_time


def test_a_dag_file_that_is_gone_does_not_stay_in_the_build(copy, tmp_path):
    target = build(copy, tmp_path / "c")
    (copy / "dags" / "training.py").unlink()
    assert "training.py" not in files_of(build(copy, target) / "dags")
