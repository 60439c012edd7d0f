"""The DAGs as Airflow's dag processor sees them, for two loops."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
STATES = ("approval", "bake", "detection", "human_review", "human_sampling", "parameter_sync", "quality", "training")
LOOPS = ("logos", "products")
TWICE_A_DAY = "DeltaTriggerTimetable 43200.0"  # seconds
CONTINUOUS = "ContinuousTimetable"

# What a sync of the parameters leaves, and what people have mistyped.
VARIABLES = {
    "LABEL_LOOP/PARAMETER_PATHS": "/added,no path",
    "LOGOS/PARAMETER-SYNC-STATE": "{}",
    "PRODUCTS/PARAMETER-SYNC-STATE": "{}",
    "LOGOS/AUTOMATIC-TRAINING-POLL-FREQUENCY": "90",
    "LOGOS/ENABLE-AUTOMATIC-HUMAN-SAMPLING": "off",
    "PRODUCTS/AUTOMATIC-TRAINING-POLL-FREQUENCY": "70,0",
    "PRODUCTS/AUTOMATIC-HUMAN-SAMPLING-FREQUENCY": "0",
}

# Serialized as Airflow stores them, in a process of their own, first without any Variable and then with some: this is
# what scheduler and UI get to see.
_DUMP = """
import json, os, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

def schedule(timetable):
    kind = timetable["__type"].rsplit(".", 1)[1]
    return f"{kind} {timetable['__var'].get('delta', '')}".strip()

def parse():
    bag = DagBag(dag_folder=sys.argv[1])
    dags = {
        dag_id: {
            "tags": sorted(dag.tags),
            "description": dag.description,
            "doc_md": dag.doc_md,
            "labels": {f"{a} > {b}": info["label"] for a, edges in dag.edge_info.items() for b, info in edges.items()},
            "max_active_runs": dag.max_active_runs,
            "catchup": dag.catchup,
            "schedule": schedule(DagSerialization.to_dict(dag)["dag"]["timetable"]),
            "start_date": str(dag.start_date),
            "file": dag.fileloc,
            "params": {name: param.dump() for name, param in dag.params.items()},
            "tasks": {
                task.task_id: {
                    "retries": task.retries,
                    "callbacks": [type(callback).__name__ for callback in task.on_failure_callback],
                    "downstream": sorted(task.downstream_task_ids),
                    "teardown": task.is_teardown,
                }
                for task in dag.tasks
            },
        }
        for dag_id, dag in bag.dags.items()
    }
    return {"dags": dags, "errors": bag.import_errors}

found = [parse()]
os.environ |= json.loads(sys.argv[2])
print("RESULT" + json.dumps([*found, parse()]))
"""

type Parsed = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def both(metadata_database: Path) -> list[Parsed]:
    environment = {
        **os.environ,
        "AIRFLOW__LABEL_LOOP__PARAMETER_PATHS": ",".join(f"/{name}" for name in LOOPS),
        "PYTHONPATH": str(PROJECT / "plugins"),
        # Any call to AWS would fail at once: nothing listens there.
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    variables = {f"AIRFLOW_VAR_{name}": value for name, value in VARIABLES.items()}
    command = [sys.executable, "-c", _DUMP, str(PROJECT / "dags"), json.dumps(variables)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
    line = next((text for text in done.stdout.splitlines() if text.startswith("RESULT")), None)
    assert line, done.stderr[-3000:]
    found: list[Parsed] = json.loads(line.removeprefix("RESULT"))
    return found


@pytest.fixture
def parsed(both: list[Parsed]) -> Parsed:
    return both[0]


def test_each_loop_has_one_dag_a_state_and_there_are_no_others(parsed):
    assert parsed["errors"] == {}
    assert set(parsed["dags"]) == {f"{loop}.{state}" for loop in LOOPS for state in STATES}


@pytest.mark.parametrize("dag_id", [f"logos.{state}" for state in STATES])
def test_every_dag_keeps_the_rules_of_the_house(parsed, dag_id):
    dag = parsed["dags"][dag_id]
    loop, state = dag_id.split(".")
    assert dag["tags"] == sorted({"label-loop", loop, state})
    assert dag["max_active_runs"] == (100 if state == "approval" else 1)  # an open question delays no other one
    assert dag["catchup"] is False
    assert dag["start_date"] != "None"  # a continuous DAG without one runs only once
    assert Path(dag["file"]).name == f"{state}.py"
    assert dag["doc_md"].startswith(f"### {dag['description']}\n")
    assert len(dag["description"]) > 20
    for words in ("**Schedule**", "**Variables read**", "**Idempotency**", "**When it fails**"):
        assert words in dag["doc_md"]
    for name, task in dag["tasks"].items():
        assert task["retries"] >= 2 or (state, name, task["retries"]) == ("approval", "ask", 0)
        assert task["callbacks"] == ["FailureNotifier"]


def test_training_deploys_in_order_and_always_cleans_up(parsed):
    tasks = parsed["dags"]["logos.training"]["tasks"]
    order = [
        "check",
        "write_manifest",
        "create_version",
        "wait_for_training",
        "evaluate",
        "start_version",
        "wait_for_start",
        "smoke_test",
        "move_endpoint",
        "stop_idle_versions",
    ]
    assert set(tasks) == {*order, "rescore_reviews", "request_approval", "audit_labels", "start_bake"}
    edges = {(before, after) for before, task in tasks.items() for after in task["downstream"]}
    # One chain, the way round the training for a version that is chosen by hand, the question to a person, and what
    # nothing waits for.
    ways = {
        ("check", "start_version"),
        ("evaluate", "request_approval"),
        ("wait_for_training", "request_approval"),
        ("move_endpoint", "rescore_reviews"),
        ("create_version", "audit_labels"),
        ("move_endpoint", "start_bake"),
        ("smoke_test", "start_bake"),
    }
    assert edges == {*itertools.pairwise(order), *ways}
    assert tasks["stop_idle_versions"]["teardown"]
    assert parsed["dags"]["logos.training"]["labels"] == {
        "check > write_manifest": "train",
        "check > start_version": "deploy by hand",
        "evaluate > start_version": "good enough",
        "evaluate > request_approval": "undecided",
    }


def test_a_question_is_asked_once_and_its_answer_applied(parsed):
    dag = parsed["dags"]["logos.approval"]
    edges = {(before, after) for before, task in dag["tasks"].items() for after in task["downstream"]}
    assert edges == {("read_question", "ask"), ("ask", "apply_answer"), ("read_question", "apply_answer")}
    assert dag["params"]["version"]["schema"]["type"] == "string"


def test_a_bake_watches_failures_and_shares_apart(parsed):
    tasks = parsed["dags"]["logos.bake"]["tasks"]
    assert {name: task["downstream"] for name, task in tasks.items()} == {"watch_failures": [], "watch_shares": []}


def test_an_operator_may_force_a_training_or_choose_a_version(parsed):
    params = parsed["dags"]["logos.training"]["params"]
    assert {name: param["value"] for name, param in params.items()} == {"force": False, "version": None}
    assert params["version"]["schema"]["type"] == ["null", "string"]
    assert all(param["description"] for param in params.values())


def test_nothing_that_may_be_switched_off_is_scheduled_before_the_first_sync(parsed):
    schedules = {name.split(".")[1]: dag["schedule"] for name, dag in parsed["dags"].items()}
    assert schedules == {
        "approval": "NullTimetable",
        "bake": "NullTimetable",
        "training": "NullTimetable",
        "human_sampling": "NullTimetable",
        "detection": CONTINUOUS,
        "human_review": CONTINUOUS,
        "parameter_sync": CONTINUOUS,
        "quality": "CronTriggerTimetable",
    }


def test_a_variable_adds_a_loop_at_the_next_parse_and_takes_none_away(both: list[Parsed]) -> None:
    added = {f"added.{state}" for state in STATES}
    assert both[1]["dags"].keys() == both[0]["dags"].keys() | added
    assert both[1]["dags"]["added.detection"]["schedule"] == CONTINUOUS


def test_schedules_follow_the_variables_and_survive_bad_ones(both: list[Parsed]) -> None:
    assert both[1]["errors"] == {}
    schedules = {name: dag["schedule"] for name, dag in both[1]["dags"].items()}
    assert schedules["logos.training"] == "DeltaTriggerTimetable 5400.0"
    assert schedules["logos.human_sampling"] == "NullTimetable"
    assert schedules["products.training"] == TWICE_A_DAY
    assert schedules["products.human_sampling"] == TWICE_A_DAY
