"""Training over a real endpoint: blue-green, resumable at each step, and nothing paid twice."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.integration.clients import REGION
from tests.integration.model import Model, registry
from tests.integration.pictures import FRESH_DIGITS, TRAINING_DIGITS, png
from tests.integration.site import events
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.domain.training import DEPLOYED
from label_loop.exceptions import SmokeTestFailedError, UnusableTrainingSetError
from label_loop.payloads import LABELLED_FOLDER, MANIFESTS_FOLDER
from local_aws.rekognition.training import Trainer, TrainingOutcome

ENDPOINT = "rekognition_project_version_arn"
STEPS = ("prepare", "record", "create", "train", "gate", "start", "run", "smoke", "move", "stop")


@pytest.fixture
def instant(model: Model, monkeypatch: pytest.MonkeyPatch) -> Callable[[TrainingOutcome], None]:
    """Let trainings end at once, with the shared model or another outcome."""
    outcomes = [model.outcome]
    monkeypatch.setattr(Trainer, "run", lambda self: outcomes[-1])
    return outcomes.append


class CrashError(Exception):
    pass


def run(world: World, run_id: str, *, times: int = 1, crash_after: str = "", forced: bool = False) -> str:
    """Do what the DAG does: each step with a state of its own, some number of times; return the version's name."""

    def step(name: str, work: Callable[[], Any]) -> Any:
        for _ in range(times):
            result = work()
        if crash_after == name:
            raise CrashError
        return result

    decision = world.training().check(forced=forced)
    assert decision.action != "none", decision.reason
    resume = decision.action == "resume"
    attempt = step("prepare", lambda: world.training().prepare(resume=resume, forced=forced, run_id=run_id))
    assert attempt
    if crash_after == "record":
        world.fault("rekognition", "CreateProjectVersion", code="AccessDeniedException")
        with pytest.raises(ClientError):
            world.training().create_version(attempt)
        world.heal()
        raise CrashError
    name = step("create", lambda: world.training().create_version(attempt))
    step("train", lambda: eventually(lambda: world.status(name) not in {"TRAINING_IN_PROGRESS"}))
    assert step("gate", lambda: world.evaluation().accepts(name))
    step("start", lambda: world.deployment().start_version(name))
    step("run", lambda: eventually(lambda: world.status(name) == "RUNNING"))
    step("smoke", lambda: world.deployment().smoke_test(name))
    step("move", lambda: world.deployment().move_endpoint(name))
    for _ in range(times):
        eventually(lambda: not world.serving().stop_unused())
    return str(name)


def endpoint_name(world: World) -> str:
    return str(world.state().endpoint_arn.split("/")[-2])


def test_a_real_training_is_deployed_beside_the_old_version_and_then_takes_over(world: World) -> None:
    world.label(TRAINING_DIGITS[:60])
    world.set_variable("Minimum-F1-Score", "0")
    world.set_variable("Approve-Deployments", "never")
    old = world.state().endpoint_arn
    statuses: list[tuple[str, str]] = []
    decision = world.training().check(forced=False)
    assert decision.action == "train"
    attempt = world.training().prepare(resume=False, forced=False, run_id="r")
    assert attempt
    name = world.training().create_version(attempt)
    eventually(lambda: world.status(name) == "TRAINING_COMPLETED")
    assert world.evaluation().accepts(name)
    world.deployment().start_version(name)
    eventually(lambda: world.status(name) == "RUNNING")
    statuses.append((world.status(old), world.state().endpoint_arn))
    world.deployment().smoke_test(name)
    world.deployment().move_endpoint(name)
    statuses.append((world.status(old), endpoint_name(world)))
    assert world.serving().stop_unused() == []
    assert statuses == [("RUNNING", old), ("RUNNING", name)]  # the old one serves until the new one does
    eventually(lambda: world.status(old) == "STOPPED")
    assert world.status(name) == "RUNNING"
    attempt = world.state().last_training_attempt
    assert attempt
    assert attempt.outcome == DEPLOYED
    assert world.record()["previous_trained_images"] == world.state().previous_trained_images == 60
    assert (attempt.images, attempt.test_images) == (50, 10)
    texts = [one["body"]["message"] for one in events(world.told(), "model_status")]
    for word in ("training started with 50 images", "accepted", "starting with 1", "is now serving", "stopped"):
        assert any(word in text for text in texts), word
    world.upload("a.png")
    assert world.detect().detected == 1
    assert world.row()["ProjectVersionArn"] == world.record()[ENDPOINT] == world.state().endpoint_arn


def test_every_step_can_be_repeated(world: World, instant: Any) -> None:
    world.label(TRAINING_DIGITS[:20])
    old = world.state().endpoint_arn
    name = run(world, "r", times=2)
    assert endpoint_name(world) == name
    assert world.version_names() == ["v1", name]
    assert world.status(old) in {"STOPPING", "STOPPED"}
    assert world.training().check(forced=False).action == "none"


@pytest.mark.parametrize(
    ("step", "stopped"),
    [
        pytest.param(
            step,
            stopped,
            id=f"{step}-{'stopped by the teardown' if stopped else 'left running'}",
            # A crash between any two calls is among the chaos tests; here each way on has one step.
            marks=[] if (step, stopped) in {("create", False), ("run", True)} else pytest.mark.slow,
        )
        for step in STEPS[:-1]
        for stopped in (False, True)
    ],
)
def test_the_next_run_goes_on_after_a_crash(world: World, instant: Any, step: str, stopped: bool) -> None:
    world.label(TRAINING_DIGITS[:20])
    old = world.state().endpoint_arn
    with pytest.raises(CrashError):
        run(world, "first", crash_after=step)
    if stopped:
        eventually(lambda: not world.serving().stop_unused())
        eventually(lambda: all(v.status != "STOPPING" for v in _versions(world)))
    if step == "move":
        assert world.training().check(forced=False).action == "none"
        world.serving().stop_unused()
    else:
        run(world, "second")
    assert len(world.version_names()) == 2
    assert endpoint_name(world) == world.version_names()[1]
    assert world.status(endpoint_name(world)) == "RUNNING"
    assert world.status(old) in {"STOPPING", "STOPPED"}
    assert world.training().check(forced=False).action == "none"


def _versions(world: World) -> list[Any]:
    state = registry(world.aws)
    with state.lock:
        return list(state.project(world.record()["rekognition_project_arn"], REGION).versions.values())


def test_a_persons_edit_of_the_record_during_a_training_is_kept(world: World, instant: Any) -> None:
    world.label(TRAINING_DIGITS[:20])
    state = world.training()
    attempt = state.prepare(resume=False, forced=False, run_id="r")
    assert attempt
    name = state.create_version(attempt)
    world.set_record(a_note="kept", review_backend="edited")
    eventually(lambda: world.status(name) == "TRAINING_COMPLETED")
    world.evaluation().accepts(name)
    world.deployment().start_version(name)
    eventually(lambda: world.status(name) == "RUNNING")
    world.deployment().move_endpoint(name)
    record = world.record()
    assert (record["a_note"], record["review_backend"]) == ("kept", "edited")
    assert json.loads(world.variable("For-System-Use-Only") or "") == record


def test_unusable_images_are_left_out_and_reported(bare: World, instant: Any) -> None:
    bare.label(TRAINING_DIGITS[:20])
    good = TRAINING_DIGITS[0]
    bad = {
        f"{LABELLED_FOLDER}1/text.png": b"no image",
        f"{LABELLED_FOLDER}1/small.png": png(side=32),
        f"{LABELLED_FOLDER}1/cut.png": good.body[:200],
        f"{LABELLED_FOLDER}stray.png": good.body,
        f"{LABELLED_FOLDER}1/nested/a.png": good.body,
        f"{LABELLED_FOLDER}1/notes.txt": b"hello",
    }
    for key, body in {**bad, f"{LABELLED_FOLDER}1/": b""}.items():
        bare.put(key, body)
    attempt = bare.training().prepare(resume=False, forced=False, run_id="r")
    assert attempt
    assert attempt.images == 20
    text = bare.client("s3").get_object(Bucket=bare.bucket, Key=attempt.manifest_key)["Body"].read().decode()
    sources = {json.loads(line)["source-ref"] for line in text.splitlines()}
    assert len(sources) == 20
    assert not any(key.split("/")[-1] in source for key in bad for source in sources)
    (told,) = events(bare.told(), "manifest")
    assert set(told["body"]["left_out"]) == set(bad)
    (report,) = [key for key in bare.keys(MANIFESTS_FOLDER) if key.endswith(".left-out.json")]
    assert set(json.loads(bare.client("s3").get_object(Bucket=bare.bucket, Key=report)["Body"].read())) == set(bad)


def test_new_images_that_are_all_unusable_start_nothing(bare: World, instant: Any) -> None:
    for n in range(12):
        bare.put(f"{LABELLED_FOLDER}{n % 2}/{n}.png", b"no image %d" % n)
    assert bare.training().check(forced=False).action == "train"
    assert bare.training().prepare(resume=False, forced=False, run_id="r") is None
    assert bare.version_names() == []
    # What was read once is known from then on.
    assert bare.training().check(forced=False).reason == "0 of 10 new labelled images"
    assert bare.calls(lambda: bare.training().prepare(resume=False, forced=False, run_id="s"))["s3.GetObject"] == 1


@pytest.mark.parametrize("labels", [["only"], ["a", "b-with-a-single-image"]], ids=["one label", "only one image"])
def test_a_set_that_cannot_train_starts_nothing(bare: World, labels: list[str]) -> None:
    for n in range(4):
        bare.put(f"{LABELLED_FOLDER}{labels[0]}/{n}.png", png(n))
    for label in labels[1:]:
        bare.put(f"{LABELLED_FOLDER}{label}/x.png", png(99))
    with pytest.raises(UnusableTrainingSetError):
        bare.training().prepare(resume=False, forced=True, run_id="r")
    assert bare.version_names() == []
    assert bare.state().last_training_attempt is None


def test_a_failed_training_is_recorded_and_not_repeated_on_the_same_images(
    world: World, instant: Callable[[TrainingOutcome], None]
) -> None:
    instant(
        TrainingOutcome(succeeded=False, message="The manifest has too few labels. (ERROR_MANIFEST_TOO_FEW_LABELS)")
    )
    world.label(TRAINING_DIGITS[:20])
    old = world.state().endpoint_arn
    attempt = world.training().prepare(resume=False, forced=False, run_id="r")
    assert attempt
    name = world.training().create_version(attempt)
    eventually(lambda: world.status(name) == "TRAINING_FAILED")
    assert "ERROR_MANIFEST_TOO_FEW_LABELS" in world.evaluation().record_failure(name)
    assert world.training().check(forced=False).action == "none"
    assert world.state().endpoint_arn == old
    assert world.status(old) == "RUNNING"
    world.label(TRAINING_DIGITS[20:30])  # ten new images: another try
    assert world.training().check(forced=False).action == "train"


def test_a_rejected_version_is_not_started_and_needs_new_images(
    world: World, model: Model, instant: Callable[[TrainingOutcome], None]
) -> None:
    assert model.outcome
    instant(replace(model.outcome, f1_score=0.79))
    world.label(TRAINING_DIGITS[:20])
    attempt = world.training().prepare(resume=False, forced=False, run_id="r")
    assert attempt
    name = world.training().create_version(attempt)
    eventually(lambda: world.status(name) == "TRAINING_COMPLETED")
    assert not world.evaluation().accepts(name)
    assert "0.79" in world.state().last_training_attempt.verdict
    world.label(TRAINING_DIGITS[20:29])
    assert world.training().check(forced=False).action == "none"
    world.label(TRAINING_DIGITS[29:30])
    assert world.training().check(forced=False).action == "train"


def test_a_version_that_fails_to_start_leaves_the_old_one_serving(world: World, instant: Any) -> None:
    world.label(TRAINING_DIGITS[:20])
    old = world.state().endpoint_arn
    with pytest.raises(CrashError):
        run(world, "r", crash_after="start")
    (new,) = [version.arn for version in _versions(world) if version.arn != old]
    world.set_status(new, "FAILED")
    world.serving().stop_unused()
    assert world.state().endpoint_arn == old
    assert world.status(old) == "RUNNING"
    assert world.training().check(forced=False).action == "none"
    assert world.training().check(forced=True).action == "train"


def test_a_failed_smoke_test_moves_nothing(world: World, instant: Any) -> None:
    world.label(TRAINING_DIGITS[:20])
    old = world.state().endpoint_arn
    with pytest.raises(CrashError):
        run(world, "r", crash_after="run")
    name = world.version_names()[1]
    world.fault("rekognition", "DetectCustomLabels", code="ResourceNotReadyException")
    with pytest.raises(SmokeTestFailedError, match="endpoint was not moved"):
        world.deployment().smoke_test(name)
    world.heal()
    assert world.state().endpoint_arn == old
    eventually(lambda: not world.serving().stop_unused())
    assert world.status(name) in {"STOPPING", "STOPPED"}
    assert world.status(old) == "RUNNING"


def test_force_trains_the_same_images_again(world: World, instant: Any) -> None:
    world.label(TRAINING_DIGITS[:20])
    first = run(world, "first")
    assert world.training().check(forced=False).action == "none"
    second = run(world, "second", forced=True)
    assert first != second
    assert endpoint_name(world) == second


def test_whatever_runs_without_serving_is_stopped_and_told(world: World, model: Model) -> None:
    by_hand = world.add_version(model, "by-hand", "RUNNING")
    starting = world.add_version(model, "still-starting", "STARTING", stays=True)
    assert world.serving().stop_unused() == ["still-starting"]
    assert world.status(by_hand) in {"STOPPING", "STOPPED"}
    world.set_status(starting, "RUNNING")
    assert world.serving().stop_unused() == []
    assert world.status(starting) in {"STOPPING", "STOPPED"}
    assert world.status(world.state().endpoint_arn) == "RUNNING"
    assert any("by-hand" in one["body"]["message"] for one in events(world.told(), "model_status"))


@pytest.mark.parametrize("count", [15, "15"], ids=["number", "text"])
def test_an_adopted_record_counts_new_images_from_its_number(bare: World, count: Any) -> None:
    bare.set_record(previous_trained_images=count)
    bare.label(TRAINING_DIGITS[:24])
    assert bare.training().check(forced=False).action == "none"
    bare.label(TRAINING_DIGITS[24:25])
    assert bare.training().check(forced=False).action == "train"


def test_a_replaced_image_counts_as_new(world: World, instant: Any) -> None:
    world.set_variable("Minimum-Untrained-Images", "1")
    world.label(TRAINING_DIGITS[:20])
    key = f"{LABELLED_FOLDER}{TRAINING_DIGITS[0].label}/{TRAINING_DIGITS[0].name}"
    world.date(key, datetime(2026, 11, 1, tzinfo=UTC))  # S3 dates objects by the second
    run(world, "first")
    assert world.training().check(forced=False).action == "none"
    world.put(key, FRESH_DIGITS[0].body)
    assert world.training().check(forced=False).action == "train"


def test_the_same_image_under_two_labels_trains_under_neither_and_is_told(bare: World) -> None:
    bare.label(TRAINING_DIGITS[:30])
    wrong = f"{LABELLED_FOLDER}{TRAINING_DIGITS[0].label}/{TRAINING_DIGITS[1].name}"
    bare.put(wrong, TRAINING_DIGITS[1].body)
    attempt = bare.training().prepare(resume=False, forced=False, run_id="r")
    assert attempt
    assert (attempt.images, attempt.labelled_images) == (29, 31)
    bare.training().check(forced=False)
    published = bare.told()
    (checked,), (manifest,) = (events(published, kind) for kind in ("training_checked", "manifest"))
    right = f"{LABELLED_FOLDER}{TRAINING_DIGITS[1].label}/{TRAINING_DIGITS[1].name}"
    told = dict.fromkeys([right, wrong], "the same image is labelled 0 and 1: keep the right one")
    assert checked["body"]["left_out"] == manifest["body"]["left_out"] == told


def test_a_manifest_that_is_gone_is_written_again_and_the_same_images_are_not_paid_again(
    world: World, instant: Any
) -> None:
    world.label(TRAINING_DIGITS[:20])
    name = run(world, "first")
    key = f"{MANIFESTS_FOLDER}{name}.manifest"
    body = world.client("s3").get_object(Bucket=world.bucket, Key=key)["Body"].read()
    world.client("s3").delete_object(Bucket=world.bucket, Key=key)
    assert world.training().check(forced=False).action == "train"
    assert world.training().prepare(resume=False, forced=False, run_id="second") is None
    assert world.client("s3").get_object(Bucket=world.bucket, Key=key)["Body"].read() == body
    assert world.training().check(forced=False).action == "none"
    assert any("was restored" in one["body"]["message"] for one in events(world.told(), "manifest"))


def test_a_manifest_that_is_gone_holds_back_neither_force_nor_new_images(world: World, instant: Any) -> None:
    world.label(TRAINING_DIGITS[:20])
    key = f"{MANIFESTS_FOLDER}{run(world, 'first')}.manifest"
    world.client("s3").delete_object(Bucket=world.bucket, Key=key)
    assert world.training().prepare(resume=False, forced=True, run_id="second")
    world.label(TRAINING_DIGITS[20:21])
    assert world.training().prepare(resume=False, forced=False, run_id="third")


def test_a_test_set_without_half_of_the_labels_is_not_used_yet(bare: World) -> None:
    bare.label(TRAINING_DIGITS[:20])
    for picture in TRAINING_DIGITS[:4]:
        bare.put(f"images_for_testing/{picture.label}/{picture.name}", picture.body)
    few = bare.training().prepare(resume=False, forced=False, run_id="r")
    assert few
    assert (few.test_manifest_key, few.test_images, few.images) == (None, 4, 12)  # those in both folders only test
    (manifest,) = events(bare.told(), "manifest")
    assert "fewer than half of the labels" in manifest["body"]["left_out"]["images_for_testing/"]
    picture = TRAINING_DIGITS[4]
    bare.put(f"images_for_testing/{picture.label}/{picture.name}", picture.body)
    enough = bare.training().prepare(resume=False, forced=False, run_id="r")
    assert enough
    assert enough.test_manifest_key


def test_a_test_set_is_given_to_the_training_where_there_is_one(bare: World, instant: Any) -> None:
    bare.label(TRAINING_DIGITS[:20])
    for picture in TRAINING_DIGITS[60:80]:
        bare.put(f"images_for_testing/{picture.label}/{picture.name}", picture.body)
    attempt = bare.training().prepare(resume=False, forced=False, run_id="r")
    assert attempt
    assert attempt.test_manifest_key
    text = bare.client("s3").get_object(Bucket=bare.bucket, Key=attempt.test_manifest_key)["Body"].read().decode()
    assert len(text.splitlines()) == attempt.test_images == 20
    bare.training().create_version(attempt)
    (version,) = _versions(bare)
    assert [location.key for location in version.testing] == [attempt.test_manifest_key]
