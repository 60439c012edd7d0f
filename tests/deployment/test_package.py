"""What Amazon MWAA takes is whole, the same each time, and works without the checkout."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

PROJECT = Path(__file__).resolve().parents[2]
LEFT_OUT = {
    ".airflowignore": "Airflow executes",
    "label_loop/waiters/rekognition.json": "waiters/rekognition.json",
    "label_loop/console/templates/macros.html": "no template macros.html",
    "label_loop/console/static/vendor/htmx.min.js": "no static/vendor/htmx.min.js",
    "label_loop/review/a2i.py": "imports label_loop.review.a2i:A2IReview",
    "label_loop/console/pages/models.py": "No module named 'label_loop.console.pages.models'",
}


def build(project: Path, target: Path) -> Path:
    command = [sys.executable, str(project / "scripts" / "package.py"), "--target", str(target)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return target


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
    assert {".airflowignore", "label_loop_plugin.py", *LEFT_OUT} <= names(built)
    assert {path.name for path in built.iterdir()} == {"plugins.zip", "requirements.txt", "dags"}
    assert files_of(built / "dags") == files_of(PROJECT / "dags")
    assert (built / "requirements.txt").read_bytes() == (PROJECT / "requirements.txt").read_bytes()


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


def test_it_works_from_an_empty_folder_and_nothing_may_be_missing(built, tmp_path):
    folders = [tmp_path / "whole"]
    with ZipFile(built / "plugins.zip") as archive:
        archive.extractall(folders[0])
        for number, name in enumerate(LEFT_OUT):
            folders.append(tmp_path / str(number))
            archive.extractall(folders[-1])
            (folders[-1] / name).unlink()
    script = Path(__file__).with_name("unpacked.py")
    environment = {key: value for key, value in os.environ.items() if key != "AIRFLOW__CORE__PLUGINS_FOLDER"}
    done = subprocess.run(
        [sys.executable, "-I", str(script), *map(str, folders)],
        cwd=tmp_path,
        env={**environment, "AIRFLOW_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert "RESULT" in done.stdout, done.stderr
    whole, *others = json.loads(done.stdout.split("RESULT", 1)[1])
    assert whole == []
    for (name, told), found in zip(LEFT_OUT.items(), others, strict=True):
        assert any(told in problem for problem in found), (name, found)
