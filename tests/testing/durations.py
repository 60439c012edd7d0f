"""Files in the order of what they last took, the longest first: no worker begins a long one when the others end.

``--record-durations`` writes what each file takes to ``tests/durations.json``, which is checked in; files that do not
run stay as they were. Only the order depends on it: a figure that is out of date costs time and breaks nothing.
"""

import json
from collections import defaultdict
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[1] / "durations.json"
_KNOWN: dict[str, float] = json.loads(FILE.read_text()) if FILE.exists() else {}
_UNKNOWN_SECONDS = 10.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-durations", action="store_true", help=f"write what each file takes to {FILE.name}")


def pytest_configure(config: pytest.Config) -> None:
    is_worker = hasattr(config, "workerinput")
    if config.getoption("--record-durations") and not is_worker:
        config.pluginmanager.register(_Recorder())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files; within a file its tests keep their order."""
    items.sort(key=lambda item: -_KNOWN.get(_file(item.nodeid), _UNKNOWN_SECONDS))


def _file(nodeid: str) -> str:
    return nodeid.split("::", 1)[0]


class _Recorder:
    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[_file(report.nodeid)] += report.duration

    def pytest_sessionfinish(self) -> None:
        known = _KNOWN | {file: round(seconds, 1) for file, seconds in self._seconds.items()}
        kept = {file: seconds for file, seconds in sorted(known.items()) if (FILE.parents[1] / file).exists()}
        FILE.write_text(json.dumps(kept, indent=2) + "\n")
