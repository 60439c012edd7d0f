"""A loop is added to an Airflow that runs, as ``make loop`` does: no restart, and its images reach people."""

import pytest
from tests.testing.shared_airflow import ADDED as LOOP
from tests.testing.stack import RunningStack, clients_of
from tests.waiting import eventually

from label_loop.loop import PATHS_VARIABLE
from local_stack.loops import WORKFLOWS, AddedLoop, named_paths
from local_stack.stack import LocalStack


@pytest.fixture
def bucket(running: RunningStack) -> str:
    with clients_of(running):
        added = AddedLoop(LOOP, ("cat", "dog"), print)
        return added.add(LocalStack(running.stack), running.api, running.session())


def test_it_is_served_without_a_restart_beside_the_loops_of_the_option(running: RunningStack, bucket: str):
    for workflow in WORKFLOWS:
        assert running.dag(LOOP.dag_id(workflow))["is_paused"] is False
    assert running.variable(LOOP.variable("Minimum-F1-Score")) == "0.8"
    assert running.call("GET", "/importErrors")["import_errors"] == []
    assert running.dag("alpha.detection")["is_stale"] is False

    # A task finds its loop as well: each starts by reading its DAG file again.
    assert running.finished(LOOP.dag_id("training"), running.trigger(LOOP.dag_id("training"))) == "success"
    running.set_parameter(LOOP.parameter("Minimum-Untrained-Images"), "12")
    key = LOOP.variable("Minimum-Untrained-Images")
    eventually(lambda: running.variable(key) == "12", "the Variable to follow")

    choice = running.client("s3").list_objects_v2(Bucket=bucket, Prefix="images_labeled_by_folder/")["Contents"]
    assert {"images_labeled_by_folder/cat/", "images_labeled_by_folder/dog/"} <= {each["Key"] for each in choice}


def test_a_bad_entry_of_the_variable_takes_no_loop_away(running: RunningStack, bucket: str):
    running.set_variable(PATHS_VARIABLE, f"no path,{LOOP.path}")
    try:
        since = running.dag(LOOP.dag_id("detection"))["last_parsed_time"]
        eventually(lambda: running.dag(LOOP.dag_id("detection"))["last_parsed_time"] > since, "another look")
        assert running.call("GET", "/importErrors")["import_errors"] == []
        assert running.dag("alpha.detection")["is_stale"] is False
    finally:
        running.set_variable(PATHS_VARIABLE, LOOP.path)
    assert named_paths(running.api) == [LOOP.path]
