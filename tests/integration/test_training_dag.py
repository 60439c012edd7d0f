"""The training DAG as the scheduler runs it: which tasks run, which are skipped, and what is never started."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.integration.model import Model
from tests.integration.pictures import DIGITS, FRESH_DIGITS, TRAINING_DIGITS
from tests.integration.world import World

from label_loop.operators import training as operators
from label_loop.payloads import LABELLED_FOLDER
from label_loop.triggers import polling
from label_loop.triggers import rekognition as triggers
from local_aws.rekognition.training import Trainer, TrainingOutcome

TRAINING = ("write_manifest", "create_version", "wait_for_training", "evaluate")
DEPLOYMENT = ("start_version", "wait_for_start", "smoke_test", "move_endpoint")


async def no_pause() -> None:
    pass


@pytest.fixture(scope="module")
def dag(provisioned: World, metadata_database: Path) -> Iterator[Any]:
    """Give the DAG of the loop, in a metadata database of this test run."""
    from airflow.dag_processing.dagbag import DagBag

    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__LABEL_LOOP__PARAMETER_PATHS", provisioned.loop.path)
        dag = DagBag(dag_folder=folder / "training.py").dags[provisioned.loop.dag_id("training")]
        for task in dag.tasks:
            task.retry_delay = timedelta(seconds=0.2)
            if hasattr(task, "poll_interval_seconds"):
                task.poll_interval_seconds = 1
        yield dag


@pytest.fixture
def run(dag: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, dict[str, str]]]:
    """Run the DAG with the scheduler's own decisions; give the run's state and that of each task."""
    sleep = time.sleep
    monkeypatch.setattr(triggers, "settle", no_pause)
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.02)))  # between the scheduler's looks

    def run_once(**conf: Any) -> tuple[str, dict[str, str]]:
        dag_run = dag.test(run_conf=conf)
        return str(dag_run.state), {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances()}

    return run_once


@pytest.fixture
def outcome(model: Model, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let trainings end at once, with the shared model and perhaps another score."""
    made: list[TrainingOutcome | None] = [model.outcome]
    monkeypatch.setattr(Trainer, "run", lambda self: made[-1])

    def change(**changes: Any) -> None:
        assert model.outcome
        made.append(replace(model.outcome, **changes))

    return change


def states(training: str, deployment: str) -> dict[str, str]:
    """Return the states of a run whose check and cleaning succeeded."""
    return {
        "check": "success",
        **dict.fromkeys(TRAINING, training),
        "audit_labels": training,
        "request_approval": "upstream_failed" if training == "upstream_failed" else "skipped",
        **dict.fromkeys(DEPLOYMENT, deployment),
        "stop_idle_versions": "success",
        "rescore_reviews": "upstream_failed" if "failed" in deployment else "skipped",  # the loop reviews in A2I
        "start_bake": "upstream_failed" if "failed" in deployment else "skipped",
    }


@pytest.fixture(autouse=True)
def no_bake(request: pytest.FixtureRequest) -> None:
    """Let no version be watched: the run that does would be of a DAG that is not loaded here."""
    for name in {"world", "bare"} & set(request.fixturenames):
        request.getfixturevalue(name).set_variable("Bake-Hours", "0")


def starts(world: World) -> int:
    return world.counts().get("rekognition.StartProjectVersion", 0)


def test_new_images_train_and_the_version_serves(world: World, run: Any, outcome: Any) -> None:
    world.label(TRAINING_DIGITS[:20])
    assert run() == ("success", states("success", "success"))
    assert world.state().endpoint_arn.split("/")[-2] == world.version_names()[-1] != "v1"
    assert starts(world) == 1  # the count of what the other tests expect none of


@pytest.mark.slow
def test_the_story_goes_on_in_a_project_that_was_opened_in_the_console(
    bare: World, run: Any, outcome: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "settle", no_pause)
    monkeypatch.setattr(operators, "DATASETS_POLL_SECONDS", 0.05)
    for name, text in {"Label-Detection-Confidence": "100", "Untrained-Images": "4", "Inference-Units": "5"}.items():
        bare.set_variable(f"Minimum-{name}", text)
    bare.label(TRAINING_DIGITS[:30])
    bare.upload("first.png", FRESH_DIGITS[0].body)
    # Nothing serves yet that could say whether a label is wrong.
    assert run() == ("success", states("success", "success") | {"audit_labels": "skipped"})
    assert bare.aws.rekognition.open_in_console(bare.record()["rekognition_project_arn"].split("/")[1])
    for number in range(1, 4):
        bare.upload(f"{number}.png", FRESH_DIGITS[number].body)
    assert bare.detect().detected == 4
    for human_loop in bare.human_loops():
        bare.answer("7", human_loop["name"])
    assert bare.review().answered == 4

    assert run() == ("success", states("success", "success"))
    attempt = bare.state().last_training_attempt
    assert attempt
    assert (attempt.from_datasets, attempt.images) == (True, 34)
    assert bare.state().endpoint_arn.split("/")[-2] == attempt.version_name
    assert len(bare.version_names()) == 2
    bare.upload("last.png", FRESH_DIGITS[10].body)
    assert bare.detect().detected == 1
    assert [row["ProjectVersionArn"] for row in bare.rows()].count(bare.state().endpoint_arn) == 1


def test_a_rejected_version_is_never_started(world: World, run: Any, outcome: Any) -> None:
    outcome(f1_score=0.5)
    world.label(TRAINING_DIGITS[:20])
    endpoint = world.state().endpoint_arn
    assert run() == ("success", states("success", "skipped"))
    assert starts(world) == 0
    assert world.state().endpoint_arn == endpoint


def test_too_few_new_images_start_nothing(world: World, run: Any) -> None:
    assert run() == ("success", states("skipped", "skipped"))
    assert starts(world) == 0


def test_too_few_usable_images_start_nothing(world: World, run: Any) -> None:
    for n in range(12):
        world.put(f"{LABELLED_FOLDER}{n % 2}/{n}.png", b"no image %d" % n)
    assert run() == ("success", states("skipped", "skipped") | {"write_manifest": "success"})
    assert starts(world) == 0


def test_a_set_that_cannot_train_starts_nothing(world: World, run: Any) -> None:
    world.label([picture for picture in DIGITS if picture.label == "1"])
    state, tasks = run()
    assert state == "failed"
    assert tasks == states("upstream_failed", "upstream_failed") | {"write_manifest": "failed"}
    assert starts(world) == 0


@pytest.mark.slow
@pytest.mark.parametrize("conf", [{"version": "v0"}, {"version": "v0", "force": True}])
def test_a_version_chosen_by_hand_is_deployed_and_nothing_is_trained(
    world: World, model: Model, run: Any, conf: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(world.aws.settings), "start_seconds", 1.0)  # so that the wait is a trigger's
    world.label(TRAINING_DIGITS[:20])  # enough for a training
    old = world.add_version(model, "v0", "STOPPED")
    serving = world.state().endpoint_arn
    assert run(**conf) == ("success", states("skipped", "success"))
    assert world.state().endpoint_arn == old
    assert world.status(serving) in {"STOPPING", "STOPPED"}
    assert world.version_names() == ["v1", "v0"]


@pytest.mark.slow
def test_the_version_that_serves_needs_no_deployment(world: World, run: Any) -> None:
    assert run(version="v1") == ("success", states("skipped", "skipped"))
    assert starts(world) == 0


def test_a_version_that_cannot_be_deployed_fails_the_run_and_starts_nothing(world: World, run: Any) -> None:
    state, tasks = run(version="<v9>")
    assert state == "failed"
    assert tasks == states("upstream_failed", "upstream_failed") | {"check": "failed"}
    assert starts(world) == 0
    (told,) = [one["body"]["message"] for one in world.told() if one["attributes"]["event"] == "failure"]
    assert "'<v9>' is not a version of this project. Deployable versions, newest first: v1." in told


def test_a_failed_smoke_test_leaves_the_old_version_serving_and_stops_the_other(
    world: World, model: Model, run: Any
) -> None:
    world.label(TRAINING_DIGITS[:2])
    world.add_version(model, "v0", "STOPPED")
    serving = world.state().endpoint_arn
    world.fault("rekognition", "DetectCustomLabels", code="ResourceNotReadyException")
    state, tasks = run(version="v0")
    assert state == "failed"
    assert tasks == states("skipped", "success") | {
        "smoke_test": "failed",
        "move_endpoint": "upstream_failed",
        "rescore_reviews": "upstream_failed",
        "start_bake": "upstream_failed",
    }
    assert world.state().endpoint_arn == serving
    assert world.status(serving) == "RUNNING"
    assert world.status("v0") in {"STOPPING", "STOPPED"}
