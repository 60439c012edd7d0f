"""The page Overview: what serves, what waits, what it costs, what failed, and what an operator should look at."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, update
from tests.console.conftest import LOOP
from tests.integration.world import World

from label_loop.console.caching import Cached
from label_loop.console.context import contexts
from label_loop.console.pages import overview
from label_loop.domain.quality import DriftAlarm, QualityReport


def now(ask) -> str:
    answer = ask("viewer", "GET", "overview/now")
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


def test_a_new_loop_says_that_no_model_serves_yet(ask, world: World):
    world.upload("a.png")
    text = now(ask)
    assert "No model is deployed yet" in text
    assert "1 upload(s) waiting" in text
    assert "$ 0.00" in text


def test_a_loop_that_serves_is_well_and_costs_what_its_units_cost(ask, world: World, model):
    world.deploy(model)
    world.set_record(review_backend="airflow")
    world.set_state(endpoint_moved_at=(datetime.now(UTC) - timedelta(hours=3)).isoformat())
    text = now(ask)
    assert "All is well" in text
    assert "deployed 3 h ago" in text
    assert "$ 4.00" in text
    assert "$ 96 per day" in text


def test_an_image_costs_what_the_day_costs_by_its_detections(ask, world: World, model):
    world.deploy(model)
    day = datetime.now(UTC).date().isoformat()
    counted = {"Month": day[:7], "DayAndVersion": f"{day}#v1", "detections": 4800}
    world.add_items("statistics_table", [counted])
    assert "about $ 0.02 per image" in now(ask)


def test_a_model_that_sleeps_is_no_alarm(ask, world: World, model):
    arn = world.deploy(model)
    world.set_status(arn, "STOPPED")
    assert "is stopped and does not serve" in now(ask)
    world.set_state(stopped_because="idle")
    world.set_variable("Idle-Model-Stop-Minutes", "30")
    contexts()["pages"].store.forget()
    text = now(ask)
    assert "All is well" in text
    assert "idle: stopped after 30 minutes without uploads; the next upload starts it" in text
    assert "$ 0.00" in text
    assert "not running" not in text


def test_drift_of_the_serving_version_is_told(ask, world: World, model, monkeypatch):
    monkeypatch.setattr(overview, "_drift", Cached(0.0))
    world.deploy(model)
    alarm = DriftAlarm("input", "2026-11-29", "What v1 sees has changed since about 2026-11-25.")
    world.put(
        "quality/dt=2026-11-29/report.json", QualityReport("2026-11-29", "v1", alarms=(alarm,)).to_json().encode()
    )
    world.set_state(quality_reported_on="2026-11-29")
    contexts()["pages"].store.forget()
    assert "What v1 sees has changed since about 2026-11-25. <a" in now(ask)
    world.deploy(model, name="v2")
    contexts()["pages"].store.forget()
    assert "What v1 sees" not in now(ask)


def test_a_version_that_runs_without_serving_is_told_with_its_cost(ask, world: World, model):
    from local_aws.rekognition import models

    world.deploy(model)
    world.add_version(model, "left-behind", models.RUNNING)
    text = now(ask)
    assert "left-behind is running and billed, but does not serve" in text
    assert "$ 8.00" in text


def test_what_failed_is_told_with_a_link_to_its_run(ask, world: World, dags):
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState

    from label_loop.console import airflow_db

    class User:
        def get_name(self):
            return "ann"

    run = airflow_db.trigger(LOOP.dag_id("training"), {}, User())  # type: ignore[arg-type]
    with create_session() as session:
        session.execute(
            update(TaskInstance)
            .where(TaskInstance.run_id == run.run_id, TaskInstance.task_id == "evaluate")
            .values(state=TaskInstanceState.FAILED, end_date=datetime.now(UTC))
        )
    try:
        text = now(ask)
    finally:
        from airflow.models.dagrun import DagRun

        with create_session() as session:
            session.execute(delete(DagRun).where(DagRun.run_id == run.run_id))
    assert "1 task(s) failed in the last 24 hours" in text
    assert f'href="/dags/{LOOP.name}.training/runs/' in text
    assert "pages.training: evaluate" in text


def test_aws_being_away_leaves_what_airflow_knows(ask, world: World):
    world.fault("rekognition", "DescribeProjectVersions")
    text = now(ask)
    assert "AWS is not responding" in text
    assert "DAG runs" in text


def test_new_images_are_counted_once_a_minute(ask, world: World):
    for name in ("a", "b", "c"):
        world.put(f"images_labeled_by_folder/1/{name}.png", name.encode())
    text = ask("viewer", "GET", "overview/training").text
    assert "<b>3</b> of 10 new labelled images" in text
    calls = world.calls(lambda: ask("viewer", "GET", "overview/training"))
    assert "s3.ListObjectsV2" not in calls


def test_datasets_of_the_project_are_told_with_what_they_mean(ask, world: World):
    assert "dataset" not in ask("viewer", "GET", "overview/training").text
    overview._datasets.forget()
    arn = world.record()["rekognition_project_arn"]
    for kind in ("TEST", "TRAIN"):
        world.client("rekognition").create_dataset(ProjectArn=arn, DatasetType=kind)
    text = ask("viewer", "GET", "overview/training").text
    assert "The project has a training and a test dataset, so Rekognition takes no manifests: " in text
    assert "rekognition.DescribeProjects" not in world.calls(lambda: ask("viewer", "GET", "overview/training"))


def test_folders_that_are_no_label_of_their_own_are_named(ask, world: World):
    for folder in ("cat", "Cat", "<b> "):
        world.put(f"images_labeled_by_folder/{folder}/a.png", folder.encode())
    text = ask("viewer", "GET", "overview/training").text
    assert "<b>2</b> of 10 new labelled images" in text
    assert "images_labeled_by_folder/cat/</bdi>: merged into" in text
    assert "images_labeled_by_folder/&lt;b&gt; /</bdi>: skipped: a label must not begin or end with a space" in text


def test_what_cannot_be_trained_on_is_counted_and_named(ask, world: World):
    for name in ("a", "b"):
        world.put(f"images_labeled_by_folder/cat/{name}.png", name.encode())
    assert "cannot be trained on" not in ask("viewer", "GET", "overview/training").text
    overview._new_images.forget()
    for number in range(6):
        world.put(f"images_labeled_by_folder/<i>/more/{number}.png", b"x")
    world.client("s3").put_object(
        Bucket=world.bucket, Key="images_labeled_by_folder/cat/c.png", Body=b"c", StorageClass="GLACIER"
    )
    text = ask("viewer", "GET", "overview/training").text
    assert "<b>2</b> of 10 new labelled images" in text
    assert "7 objects in the labels' folders cannot be trained on" in text
    assert "images_labeled_by_folder/&lt;i&gt;/more/0.png</bdi>: not directly in the folder of a label" in text
    assert "images_labeled_by_folder/&lt;i&gt;/more/5.png" not in text  # five are named


def test_the_page_costs_few_calls_with_ten_thousand_uploads(ask, world: World, model):
    world.deploy(model)
    world.fill("images_for_detection/", 10_000)
    now(ask)
    assert sum(world.calls(lambda: now(ask)).values()) <= 8
