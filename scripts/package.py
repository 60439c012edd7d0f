"""Build what Amazon MWAA takes, in ``build/``: plugins.zip, requirements.txt and dags/.

The same files give the same bytes, whenever and wherever it runs. It needs Python alone.
"""

import argparse
import hashlib
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

PROJECT = Path(__file__).resolve().parents[1]
_IGNORE_FILE = ".airflowignore"  # without it Airflow executes each file of the package as a plugin of its own
_FIRST = datetime(1980, 1, 1)  # that a zip can tell
_MOMENTS = 1 << 28  # two seconds each, as a zip counts: until 1997


def shipped(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, sorted, without bytecode and without what editors and systems hide there."""
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        parts = path.relative_to(folder).parts
        is_hidden = any(part.startswith(".") and part != _IGNORE_FILE for part in parts)
        if path.is_file() and not is_hidden and "__pycache__" not in parts and path.suffix != ".pyc":
            yield path


def build(project: Path, target: Path) -> None:
    """Write the three into a folder, in place of those of an earlier build."""
    target.mkdir(parents=True, exist_ok=True)
    _zip(project / "plugins", target / "plugins.zip")
    shutil.copyfile(project / "requirements.txt", target / "requirements.txt")
    shutil.rmtree(target / "dags", ignore_errors=True)
    for path in shipped(project / "dags"):
        copy = target / path.relative_to(project)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _zip(folder: Path, target: Path) -> None:
    # Stored, since what deflate makes depends on the library's version; it is a megabyte.
    with ZipFile(target, "w", ZIP_STORED) as archive:
        for path in shipped(folder):
            body = path.read_bytes()
            entry = ZipInfo(path.relative_to(folder).as_posix(), _moment(body))
            entry.create_system = 3  # Unix, whatever this is: permissions are its
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, body)


def _moment(body: bytes) -> tuple[int, int, int, int, int, int]:
    """Return a file's time, which its content alone decides.

    Not one time for all: the console's ETags and Python's bytecode are known by time and size, and two releases of a
    file may be of one size.
    """
    number = int.from_bytes(hashlib.sha256(body).digest()[:8], "big") % _MOMENTS
    moment = _FIRST + timedelta(seconds=2 * number)
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Build what Amazon MWAA takes.")
    parser.add_argument("--target", type=Path, default=PROJECT / "build", help="default: build/")
    target = parser.parse_args().target
    build(PROJECT, target)
    size = (target / "plugins.zip").stat().st_size
    print(f"{target}: plugins.zip ({size:,} bytes), requirements.txt, dags/")


if __name__ == "__main__":
    main()
