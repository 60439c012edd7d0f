"""Training goes on in a project that somebody opened in the AWS console, and nothing labelled there is lost."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from botocore.exceptions import ClientError
from tests.integration.model import Model
from tests.integration.pictures import TRAINING_DIGITS
from tests.integration.site import events
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.domain import datasets
from label_loop.domain.training import DEPLOYED, MAX_TRIES
from label_loop.exceptions import VersionNotCreatedError
from label_loop.operators.training import TrainingCreateVersionOperator
from label_loop.payloads import CONSOLE_FOLDER, TrainingAttempt
from label_loop.triggers.datasets import DatasetsTrigger
from local_aws.rekognition.training import Trainer


@pytest.fixture
def instant(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trainings end at once, with the shared model."""
    monkeypatch.setattr(Trainer, "run", lambda self: model.outcome)


def prepared(world: World, forced: bool = False) -> TrainingAttempt:
    decision = world.training().check(forced=forced)
    attempt = world.training().prepare(resume=decision.action == "resume", forced=forced, run_id="r")
    assert attempt, decision
    return attempt


def created(world: World, attempt: TrainingAttempt) -> str:
    """Create the version as the DAG does, which waits in between; return its name."""
    return str(eventually(lambda: world.training().create_version(attempt)))


@pytest.fixture
def opened(world: World, instant: None) -> World:
    """Give a loop whose trained project somebody opened in the AWS console."""
    world.label(TRAINING_DIGITS[:40])
    name = created(world, prepared(world))
    eventually(lambda: world.status(name) == "TRAINING_COMPLETED")
    end(world)
    assert world.aws.rekognition.open_in_console(world.record()["rekognition_project_arn"].split("/")[1])
    eventually(lambda: not any(one.is_changing for one in found(world)))
    world.told()
    return world


def end(world: World) -> None:
    """Let the last attempt be deployed, so that the next check may train."""
    last = world.state().last_training_attempt
    assert last
    world.set_state(last_training_attempt=replace(last, outcome=DEPLOYED))


def found(world: World) -> list[Any]:
    return world.context().clients.rekognition.datasets(world.record()["rekognition_project_arn"])


def entries(world: World, kind: str) -> list[dict[str, Any]]:
    (dataset,) = [one for one in found(world) if one.kind == kind]
    return [json.loads(line) for line in world.context().clients.rekognition.dataset_entries(dataset.arn)]


def test_a_training_goes_on_from_datasets_of_the_loop_s_images(opened: World) -> None:
    opened.label(TRAINING_DIGITS[40:80])
    attempt = prepared(opened)
    name = created(opened, attempt)
    assert opened.status(name) in {"TRAINING_IN_PROGRESS", "TRAINING_COMPLETED"}
    train, test = entries(opened, "TRAIN"), entries(opened, "TEST")
    assert (len(train), len(test)) == (attempt.images, attempt.test_images)
    assert len(train) + len(test) == 80
    assert 8 <= len(test) <= 24
    assert {entry["label-metadata"]["class-name"] for entry in test} == {p.label for p in TRAINING_DIGITS[:80]}
    state = opened.state().last_training_attempt
    assert state
    assert (state.from_datasets, state.outcome, state.tries) == (True, None, 0)
    assert opened.keys(CONSOLE_FOLDER) == []  # nobody labelled anything there
    assert events(opened.told(), "datasets") == []
    eventually(lambda: opened.status(name) == "TRAINING_COMPLETED")
    end(opened)
    opened.label(TRAINING_DIGITS[80:])
    created(opened, prepared(opened))  # and the next one, over its own datasets
    state = opened.state().last_training_attempt
    assert state
    assert state.labelled_images == len(TRAINING_DIGITS)
    assert (len(entries(opened, "TRAIN")), len(entries(opened, "TEST"))) == (state.images, state.test_images)


def test_what_people_labelled_in_the_console_is_saved_and_reported(opened: World) -> None:
    (dataset,) = found(opened)
    entry = entries(opened, "TRAIN")[0]
    other = next(p.label for p in TRAINING_DIGITS if p.label != entry["label-metadata"]["class-name"])
    entry["label-metadata"]["class-name"] = other
    changes = {"GroundTruth": json.dumps(entry).encode()}
    opened.client("rekognition").update_dataset_entries(DatasetArn=dataset.arn, Changes=changes)
    opened.label(TRAINING_DIGITS[40:80])
    created(opened, prepared(opened))
    (key,) = opened.keys(CONSOLE_FOLDER)
    assert dataset.name in key
    (line,) = opened.context().clients.s3.read_key(key, opened.bucket).splitlines()
    assert json.loads(line)["source-ref"] == entry["source-ref"]
    (told,) = events(opened.told(), "datasets")
    for part in ("1 entries", key, "python -m label_loop console-labels"):
        assert part in told["body"]["message"]


def test_the_task_waits_without_a_worker_while_datasets_are_made(
    opened: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.label(TRAINING_DIGITS[40:80])
    attempt = prepared(opened)
    task = TrainingCreateVersionOperator(task_id="create", loop_path=opened.loop.path, attempt=attempt.to_json())
    monkeypatch.setattr(task, "loop_context", opened.context)
    with pytest.raises(TaskDeferred) as waiting:
        task.execute({})
    trigger = waiting.value.trigger
    assert isinstance(trigger, DatasetsTrigger)
    monkeypatch.setattr(DatasetsTrigger, "_context", opened.context())
    assert eventually(trigger.poll)
    resume: Callable[..., Any] = getattr(task, waiting.value.method_name)
    for _ in range(10):
        try:
            assert resume({}, {"status": "success"}) == attempt.version_name
            break
        except TaskDeferred:
            eventually(trigger.poll)
    else:
        pytest.fail("the version was never created")


def test_what_aws_refuses_for_good_is_not_tried_again_until_a_person_forces_it(world: World, instant: None) -> None:
    world.label(TRAINING_DIGITS[:40])
    attempt = prepared(world)
    world.fault("rekognition", "CreateProjectVersion", code="InvalidParameterException", status=400)
    task = TrainingCreateVersionOperator(task_id="create", loop_path=world.loop.path, attempt=attempt.to_json())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task, "loop_context", world.context)
        with pytest.raises(AirflowFailException, match="InvalidParameterException") as caught:
            task.execute({})
    for part in (attempt.version_name, "force", world.loop.dag_id("training")):
        assert part in str(caught.value)
    world.heal()
    assert world.training().check(forced=False).action == "none"
    assert prepared(world, forced=True).version_name != ""


def test_what_aws_may_grant_later_is_tried_a_bounded_number_of_times(world: World, instant: None) -> None:
    world.label(TRAINING_DIGITS[:40])
    attempt = prepared(world)
    world.fault("rekognition", "CreateProjectVersion", code="AccessDeniedException", status=400)
    for _ in range(MAX_TRIES - 1):
        with pytest.raises(ClientError):
            world.training().create_version(attempt)
        assert world.training().check(forced=False).action == "resume"
    with pytest.raises(VersionNotCreatedError, match="AccessDeniedException"):
        world.training().create_version(attempt)
    assert world.training().check(forced=False).action == "none"


def test_a_set_is_split_with_each_label_in_both_parts() -> None:
    from label_loop.payloads import LabelledImage

    images = [LabelledImage(f"labelled/{label}/{n}.png", label, "2026") for label in "ab" for n in range(2, 12)]
    train, test = datasets.split(images)
    assert datasets.split(reversed(images)) == (train, test)
    assert sorted(image.key for image in [*train, *test]) == sorted(image.key for image in images)
    assert {image.label for image in train} == {image.label for image in test} == {"a", "b"}
    assert len(test) == 4
