"""The package under MWAA's Python: it works from empty folders, and nothing of it may be missing."""

import json
import os
import subprocess

import pytest
from tests.deployment.package import build, lay_out
from tests.parity import image, looks

LEFT_OUT = {
    "plugins/.airflowignore": "Airflow executes",
    "plugins/label_loop_plugin.py": "Airflow executes 0 files",
    "plugins/label_loop/waiters/rekognition.json": "waiters/rekognition.json",
    "plugins/label_loop/triggers/settling.py": "imports label_loop.triggers.settling:settle",
    "plugins/label_loop/operators/inbox.py": "detection.py: ModuleNotFoundError",
    "plugins/label_loop/review/a2i.py": "imports label_loop.review.a2i:A2IReview",
    "plugins/label_loop/console/pages/models.py": "No module named 'label_loop.console.pages.models'",
    "plugins/label_loop/console/templates/macros.html": "no template macros.html",
    "plugins/label_loop/console/static/vendor/htmx.min.js": "no static/vendor/htmx.min.js",
    "dags/training.py": "the DAGs differ by ['label-loop.training']",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return what is lacking where a file is left out, by its name; "" is the whole package."""
    folder = tmp_path_factory.mktemp("alone")
    built = build(image.PROJECT, folder / "built")
    homes = [lay_out(built, folder / str(number)) for number in range(len(LEFT_OUT) + 1)]
    for home, name in zip(homes[1:], LEFT_OUT, strict=True):
        (home / name).unlink()
    done = subprocess.run(
        [image.python(), "-I", looks.__file__, *homes],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "AIRFLOW_HOME": str(folder / "home"), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert "RESULT" in done.stdout, done.stderr
    return dict(zip(["", *LEFT_OUT], json.loads(done.stdout.split("RESULT", 1)[1]), strict=True))


def test_it_works_from_empty_folders(found):
    assert found[""] == []


@pytest.mark.parametrize("name", LEFT_OUT)
def test_nothing_may_be_missing(found, name):
    assert any(LEFT_OUT[name] in problem for problem in found[name]), found[name]
