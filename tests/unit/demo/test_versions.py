import threading
from typing import Any

import pytest

from demo.versions import History, Moment, VersionWatcher, describe


@pytest.mark.parametrize(
    ("before", "statuses", "after", "gap"),
    [
        (None, {}, None, False),
        (None, {"v1": "RUNNING"}, "v1", False),
        ("v1", {"v1": "RUNNING", "v2": "STARTING"}, "v1", False),
        ("v1", {"v1": "STOPPING", "v2": "RUNNING"}, "v2", False),
        ("v1", {"v1": "RUNNING", "v2": "RUNNING"}, "v2", False),
        ("v1", {"v1": "STOPPING", "v2": "RUNNING"}, "v1", True),
        ("v1", {"v1": "STOPPED", "v2": "STARTING"}, "v2", True),
        ("v1", {}, "v1", True),
        ("v1", {"v1": "STOPPED"}, None, True),
    ],
)
def test_a_gap_is_a_moment_in_which_no_endpoint_runs(
    before: str | None, statuses: dict[str, str], after: str | None, gap: bool
) -> None:
    assert Moment(before, statuses, after).is_gap is gap


def test_the_history_tells_each_change_once_and_counts_the_looks() -> None:
    history = History()
    assert history.add(Moment(None, {"a": "STARTING"}, None)) == ["version 1 is STARTING"]
    assert history.add(Moment(None, {"a": "RUNNING"}, "a")) == ["version 1 is RUNNING", "version 1 serves"]
    assert history.add(Moment("a", {"a": "RUNNING"}, "a")) == []
    assert history.add(Moment("a", {"a": "RUNNING", "b": "RUNNING"}, "b")) == [
        "version 2 is RUNNING",
        "version 2 serves",
    ]
    assert (history.served_looks, history.gaps) == (2, [])
    history.add(Moment("b", {"a": "STOPPED", "b": "FAILED"}, "b"))
    assert history.gaps == ["1 STOPPED, 2 FAILED (serves)"]
    assert history.served_looks == 2


def test_no_version_is_described_as_such() -> None:
    assert describe(Moment(None, {}, None)) == "no version yet"


def test_the_watcher_reads_the_endpoint_on_both_sides_of_the_versions() -> None:
    looked = threading.Event()
    asked: list[str] = []

    def endpoint() -> str:
        asked.append("endpoint")
        if asked[-2:] == ["versions", "endpoint"]:
            looked.set()
        return "v1"

    def versions() -> list[dict[str, Any]]:
        asked.append("versions")
        return [{"ProjectVersionArn": "v1", "Status": "RUNNING"}]

    watcher = VersionWatcher(endpoint, versions)
    watcher.start()
    assert looked.wait(10)
    watcher.stop()
    assert asked[:3] == ["endpoint", "versions", "endpoint"]
    assert watcher.history.served_looks >= 1
    assert watcher.text() == "1 RUNNING (serves)"
