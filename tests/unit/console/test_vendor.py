"""The libraries of others are committed: what is served is what was locked, with its licence beside it."""

import hashlib
import json
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
VENDOR = PROJECT / "plugins/label_loop/console/static/vendor"
ROW = re.compile(r"\| `(?P<file>\S+)` \| (?P<package>\S+) \| (?P<version>\S+) \| \S+ \| (?P<digest>[0-9a-f]{64}) \|")
RECORDED = [match.groupdict() for match in ROW.finditer((VENDOR / "README.md").read_text())]


def test_every_file_is_recorded_once():
    assert sorted(row["file"] for row in RECORDED) == sorted(
        path.name for path in VENDOR.iterdir() if path.name != "README.md"
    )


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row["file"])
def test_a_file_is_the_one_that_was_recorded(row):
    assert hashlib.sha256((VENDOR / row["file"]).read_bytes()).hexdigest() == row["digest"]


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row["file"])
def test_a_version_is_the_locked_one(row):
    locked = json.loads((PROJECT / "package-lock.json").read_text())["packages"]
    assert locked[f"node_modules/{row['package']}"]["version"] == row["version"]


def test_the_lock_ties_no_one_to_a_registry():
    locked = json.loads((PROJECT / "package-lock.json").read_text())["packages"]
    assert [name for name, package in locked.items() if "resolved" in package] == []
    assert [name for name, package in locked.items() if name and "integrity" not in package] == []
