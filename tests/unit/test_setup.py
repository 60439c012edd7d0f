"""Set-up clears no environment that it did not make."""

import shutil
import subprocess
from pathlib import Path

import pytest

from local_stack.environment import PROJECT


@pytest.mark.parametrize("folder", [".venv", ".tools"])
@pytest.mark.parametrize("kind", ["environment", "folder", "link"])
def test_what_others_made_is_left_alone(tmp_path: Path, folder: str, kind: str) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(PROJECT / "scripts" / "setup", tmp_path / "scripts" / "setup")
    theirs = tmp_path / ("elsewhere" if kind == "link" else folder)
    theirs.mkdir()
    (theirs / "kept").touch()
    if kind != "folder":
        (theirs / "pyvenv.cfg").touch()
    if kind == "link":
        (tmp_path / folder).symlink_to(theirs)
        (theirs / ".ready").touch()
    # Nothing that it could call is there: it refuses before it does anything.
    done = subprocess.run(
        [shutil.which("bash") or "bash", "scripts/setup"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHON": "/missing"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert f"{folder} was not created by scripts/setup" in done.stderr
    assert (theirs / "kept").exists()
