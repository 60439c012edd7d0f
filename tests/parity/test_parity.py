"""The package in an Airflow with Amazon MWAA's processes, options and packages, and nothing of the checkout."""

import json
from urllib.parse import quote

import httpx
from tests.parity.conftest import LOOP
from tests.parity.mwaa import Mwaa
from tests.testing.stack import RunningStack
from tests.waiting import eventually

from label_loop.console.render import PAGES
from sample_images.digits import digits

STATES = ("approval", "bake", "detection", "human_review", "human_sampling", "parameter_sync", "quality", "training")


def test_the_dags_are_parsed_without_an_error(running: RunningStack):
    wanted = {LOOP.dag_id(state) for state in STATES}
    eventually(lambda: {dag["dag_id"] for dag in running.call("GET", "/dags")["dags"]} == wanted, "the DAGs")
    assert running.call("GET", "/importErrors")["import_errors"] == []


def test_the_plugin_is_loaded(running: RunningStack):
    (plugin,) = [one for one in running.call("GET", "/plugins")["plugins"] if one["name"] == "label_loop"]
    assert [view["name"] for view in plugin["external_views"]] == ["Label Loop"]
    assert running.call("GET", "/plugins/importErrors")["import_errors"] == []


def test_the_pages_answer_whoever_has_logged_in_and_nobody_else(running: RunningStack):
    with httpx.Client(base_url=running.stack.airflow_url, timeout=120, trust_env=False) as browser:
        paths = [f"/label-loop/{LOOP.name}/{path}" for path, _, _ in PAGES]
        assert {browser.get(path).status_code for path in paths} == {401}
        token = browser.post("/auth/token", json={"username": "admin", "password": "admin"}).json()["access_token"]
        browser.cookies.set("_token", token)
        # Until the first sync of its parameters a loop has less to show.
        shown = dict.fromkeys(paths, 200)
        eventually(lambda: {path: browser.get(path).status_code for path in paths} == shown, "every page")
        assert browser.get("/label-loop/static/console.js").status_code == 200


def test_nothing_of_the_checkout_can_be_imported(mwaa: Mwaa):
    names = ("local_aws", "sample_images", "tests")
    look = f"import airflow, label_loop; from importlib.util import find_spec; print(list(map(find_spec, {names})))"
    assert mwaa.run("python", "-c", look).stdout.splitlines()[-1] == "[None, None, None]"


def test_workers_train_and_an_upload_wakes_what_waits_in_the_triggerer(running: RunningStack):
    s3, pictures = running.client("s3"), [picture for picture in digits() if picture.label in "01"]
    record = json.loads(running.parameter(LOOP.parameter("For-System-Use-Only")))
    bucket, table = record["s3_bucket"], record["dynamodb_table"]
    for picture in pictures[:30]:
        s3.put_object(Bucket=bucket, Key=f"images_labeled_by_folder/{picture.label}/{picture.name}", Body=picture.body)
    run_id = running.trigger(LOOP.dag_id("training"))
    assert running.finished(LOOP.dag_id("training"), run_id) == "success"

    waiting = eventually(lambda: _waits_for_uploads(running), "detection to wait for uploads in the triggerer")
    s3.put_object(Bucket=bucket, Key="images_for_detection/a b+ü.png", Body=pictures[30].body)
    assert running.finished(LOOP.dag_id("detection"), waiting) == "success"
    (row,) = running.client("dynamodb").scan(TableName=table)["Items"]
    assert row["S3ObjectKey"]["S"] == "images_for_detection/a b+ü.png"
    assert row["DetectedLabel"]["S"] in "01"


def _waits_for_uploads(running: RunningStack) -> str | None:
    """Return the run of detection whose trigger a triggerer has taken."""
    runs = running.runs(LOOP.dag_id("detection"))
    if not runs:
        return None
    run_id = runs[0]["dag_run_id"]
    path = f"/dags/{LOOP.dag_id('detection')}/dagRuns/{quote(run_id, safe='')}/taskInstances/wait_for_uploads"
    task = running.call("GET", path)
    is_taken = task["state"] == "deferred" and task["triggerer_job"]
    return run_id if is_taken and task["trigger"]["classpath"].endswith(".QueueTrigger") else None
