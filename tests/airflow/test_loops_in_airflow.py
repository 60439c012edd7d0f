"""Two loops in one real Airflow: one that was set up here, one laid out as the AWS sample leaves it."""

import json
import urllib.request

import pytest
from tests.testing.shared_airflow import ADDED, LOOPS, SAMPLE
from tests.testing.stack import RunningStack
from tests.waiting import eventually

from sample_images.digits import digits

STATES = ("approval", "bake", "detection", "human_review", "human_sampling", "parameter_sync", "quality", "training")
WAITING = {"detection": "wait_for_uploads", "human_review": "wait_for_answers", "parameter_sync": "sync"}


def test_each_loop_has_its_dags(running: RunningStack):
    wanted = {loop.dag_id(state) for loop in LOOPS for state in STATES}
    others = {ADDED.dag_id(state) for state in STATES}  # of a test that may have run before

    def has_those_alone() -> bool:
        return {dag["dag_id"] for dag in running.call("GET", "/dags?limit=200")["dags"]} - others == wanted

    eventually(has_those_alone, "all DAGs of each loop")
    assert running.call("GET", "/importErrors")["import_errors"] == []


@pytest.mark.parametrize("loop", ["alpha", SAMPLE.loop.name])
def test_waiting_holds_no_worker(running: RunningStack, loop: str):
    def all_deferred() -> bool:
        waiting = {f"{loop}.{state}": task for state, task in WAITING.items()}
        latest = {dag_id: running.runs(dag_id)[:1] for dag_id in waiting}
        return all(
            runs and running.tasks(dag_id, runs[0]["dag_run_id"])[waiting[dag_id]] == "deferred"
            for dag_id, runs in latest.items()
        )

    eventually(all_deferred, "three waiting tasks, all deferred")
    path = f"/dags/~/dagRuns/~/taskInstances?dag_id_prefix_pattern={loop}.&state=running&state=queued"
    eventually(lambda: running.call("GET", path)["total_entries"] == 0, "no task that holds a worker")


def test_a_parameter_changed_in_parameter_store_shows_as_a_variable(running: RunningStack):
    running.set_parameter("/alpha/Minimum-Untrained-Images", "12")
    eventually(lambda: running.variable("alpha/Minimum-Untrained-Images") == "12", "the Variable to follow")


def test_a_variable_that_is_changed_shows_in_parameter_store(running: RunningStack):
    eventually(lambda: running.variable("alpha/Human-Sampling-Interval"), "the first sync")
    running.set_variable("alpha/Human-Sampling-Interval", "250")
    eventually(lambda: running.parameter("/alpha/Human-Sampling-Interval") == "250", "Parameter Store to follow")


def test_a_changed_frequency_moves_the_next_run_without_a_restart(running: RunningStack):
    # Until the first sync has brought the switch and the frequency, there is no schedule.
    before = eventually(lambda: running.dag("alpha.training")["next_dagrun_run_after"], "the first schedule")
    running.set_parameter("/alpha/Automatic-Training-Poll-Frequency", "45")

    def moved() -> bool:
        dag = running.dag("alpha.training")
        return dag["timetable_summary"] == "0:45:00" and dag["next_dagrun_run_after"] < before

    eventually(moved, "the next run to move")


def test_an_invalid_value_changes_nothing_and_says_so(running: RunningStack):
    eventually(lambda: running.variable("alpha/Minimum-F1-Score"), "the first sync")
    running.set_variable("alpha/Minimum-F1-Score", "70,0")

    def refused() -> str | None:
        failed = [run["dag_run_id"] for run in running.runs("alpha.parameter_sync") if run["state"] == "failed"]
        return failed[0] if failed else None

    run_id = eventually(refused, "a failed run of parameter_sync")
    assert running.tasks("alpha.parameter_sync", run_id)["refuse"] == "failed"
    log = running.task_log("alpha.parameter_sync", run_id, "refuse")
    for word in ("Minimum-F1-Score", "70,0", "a number from 0 to 1"):
        assert word in log
    assert running.parameter("/alpha/Minimum-F1-Score") == "0.8"
    running.set_variable("alpha/Minimum-F1-Score", "0.75")
    eventually(
        lambda: running.parameter("/alpha/Minimum-F1-Score") == "0.75",
        "the corrected value to be applied",
    )


def test_the_samples_loop_trains_detects_and_learns_from_answers(running: RunningStack):
    s3, table = running.client("s3"), running.client("dynamodb")
    pictures = [picture for picture in digits() if picture.label in "01"]
    for picture in pictures[:30]:
        s3.put_object(
            Bucket=SAMPLE.bucket, Key=f"images_labeled_by_folder/{picture.label}/{picture.name}", Body=picture.body
        )
    training = SAMPLE.loop.dag_id("training")
    assert running.finished(training, running.trigger(training)) == "success"
    record = json.loads(running.parameter(SAMPLE.loop.parameter("For-System-Use-Only")))
    assert "/version/" in record["rekognition_project_version_arn"]

    # Everything is sent to review, so that one answer can be given.
    confidence = "Minimum-Label-Detection-Confidence"
    running.set_parameter(SAMPLE.loop.parameter(confidence), "100")
    eventually(lambda: running.variable(SAMPLE.loop.variable(confidence)) == "100", "the Variable")
    for picture in pictures[30:33]:
        s3.put_object(Bucket=SAMPLE.bucket, Key=f"images_for_detection/{picture.name}", Body=picture.body)
    rows = eventually(
        lambda: (found := table.scan(TableName=SAMPLE.table)["Items"]) and len(found) == 3 and found, "rows"
    )
    name = next(row["HumanLoopName"]["S"] for row in rows)
    _answer(running, name, "1")

    def reviewed() -> bool:
        answered = [row for row in table.scan(TableName=SAMPLE.table)["Items"] if "CopiedS3ObjectKey" in row]
        return [row["HumanLabel"]["S"] for row in answered] == ["1"]

    eventually(reviewed, "the answer in the log, and the copy of its image")
    copied = s3.list_objects_v2(Bucket=SAMPLE.bucket, Prefix="images_labeled_by_folder/1/")["KeyCount"]
    assert copied == sum(picture.label == "1" for picture in pictures[:30]) + 1
    assert len(table.scan(TableName=SAMPLE.table)["Items"]) == 3


def _answer(running: RunningStack, human_loop_name: str, label: str) -> None:
    request = urllib.request.Request(
        f"{running.stack.aws_url}/_local/human-loops/{human_loop_name}/answer",
        data=json.dumps({"label": label}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        assert answer.status == 200
