"""Airflow's metadata database: migrated once for a version of Airflow, and copied for each home that needs one."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from importlib.metadata import distributions
from pathlib import Path

from filelock import FileLock

from local_stack.environment import PROJECT

_FOLDER = PROJECT / ".run" / "metadata"
_MIGRATION_SECONDS = 400
NAME = "airflow.db"


def lay_out(home: Path) -> Path:
    """Put a migrated SQLite database into an Airflow home, unless it has one; return the file."""
    database = home / NAME
    if not database.exists():
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(migrated(), database)
    return database


def migrated() -> Path:
    """Return the database that is copied; it is made where there is none for the installed packages."""
    folder = _FOLDER / _digest()
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with FileLock(_FOLDER / "lock"):
        if not (folder / NAME).exists():
            with tempfile.TemporaryDirectory(dir=_FOLDER) as home:
                _migrate(Path(home))
                folder.mkdir(exist_ok=True)
                (Path(home) / NAME).rename(folder / NAME)
    return folder / NAME


def _digest() -> str:
    """Return what the tables follow from: Airflow and those of its providers that have tables of their own."""
    named = sorted(f"{each.name}=={each.version}" for each in distributions() if each.name.startswith("apache-airflow"))
    return hashlib.sha256("\n".join(named).encode()).hexdigest()[:16]


def _migrate(home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=_MIGRATION_SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"airflow db migrate ended with {done.returncode}:\n{done.stderr[-3000:]}")
    with closing(sqlite3.connect(home / NAME)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
