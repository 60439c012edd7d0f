"""Builds what Amazon MWAA takes, as ``make package`` does, and lays it out as MWAA does."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile


def build(project: Path, target: Path) -> Path:
    """Build a project's package into a folder, and return the folder."""
    command = [sys.executable, str(project / "scripts" / "package.py"), "--target", str(target)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return target


def lay_out(built: Path, home: Path) -> Path:
    """Unpack plugins.zip into an empty folder ``plugins``, copy ``dags`` beside it, and return where both are."""
    with ZipFile(built / "plugins.zip") as archive:
        archive.extractall(home / "plugins")
    shutil.copytree(built / "dags", home / "dags")
    return home
