"""Builds the package for Amazon MWAA in ``build/``: plugins.zip, requirements.txt and dags/.

The build is reproducible: the same files give the same bytes. It needs only Python.
"""

import argparse
import hashlib
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

PROJECT = Path(__file__).resolve().parents[1]
_IGNORE_FILE = ".airflowignore"  # without it, Airflow executes each file of the package as a plugin of its own
_FIRST = datetime(1980, 1, 1)  # the earliest time in the zip format
_MOMENTS = 1 << 28  # of two seconds each, the resolution of the zip format: until 1997


def shipped(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, sorted, without bytecode and hidden files."""
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        parts = path.relative_to(folder).parts
        is_hidden = any(part.startswith(".") and part != _IGNORE_FILE for part in parts)
        if path.is_file() and not is_hidden and "__pycache__" not in parts and path.suffix != ".pyc":
            yield path


def build(project: Path, target: Path) -> None:
    """Write the package into a folder, replacing an earlier build."""
    target.mkdir(parents=True, exist_ok=True)
    _zip(project / "plugins", target / "plugins.zip")
    shutil.copyfile(project / "requirements.txt", target / "requirements.txt")
    shutil.rmtree(target / "dags", ignore_errors=True)
    for path in shipped(project / "dags"):
        copy = target / path.relative_to(project)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _zip(folder: Path, target: Path) -> None:
    # Uncompressed, since the output of deflate depends on the library's version; the package has a megabyte.
    with ZipFile(target, "w", ZIP_STORED) as archive:
        for path in shipped(folder):
            body = path.read_bytes()
            entry = ZipInfo(path.relative_to(folder).as_posix(), _moment(body))
            entry.create_system = 3  # Unix on every system, since the permissions are Unix's
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, body)


def _moment(body: bytes) -> tuple[int, int, int, int, int, int]:
    """Return a file's modification time, derived from its content.

    The files do not share one time, because the console's ETags and Python's bytecode cache depend on time and size,
    and two releases of a file may have the same size.
    """
    number = int.from_bytes(hashlib.sha256(body).digest()[:8], "big") % _MOMENTS
    moment = _FIRST + timedelta(seconds=2 * number)
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Build the package for Amazon MWAA.")
    parser.add_argument("--target", type=Path, default=PROJECT / "build", help="default: build/")
    target = parser.parse_args().target
    build(PROJECT, target)
    size = (target / "plugins.zip").stat().st_size
    print(f"{target}: plugins.zip ({size:,} bytes), requirements.txt, dags/")


if __name__ == "__main__":
    main()
