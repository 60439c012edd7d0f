"""What a training reads: what is left out of it and told, and what trains nothing again."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.simulation import runs
from tests.simulation.history import History
from tests.simulation.model_steps import ForgetRun, Train
from tests.simulation.scripts import begun
from tests.simulation.steps import Wait, process
from tests.simulation.world import BUCKET, LABELLED, World, picture

from label_loop.context import LoopContext
from label_loop.domain import training_set
from label_loop.domain.training_images import dated_fingerprint
from label_loop.exceptions import UnusableTrainingSetError
from label_loop.loop import Loop
from label_loop.loop_state import LoopState
from label_loop.payloads import LabelledImage, TrainingAttempt
from label_loop.workflows.training import NewImages, TrainingWorkflow

TESTING, MANIFESTS = "images_for_testing/", "manifests/"


def label(world: World, name: str, count: int, first: int = 0, folder: str = LABELLED) -> list[str]:
    """Put images, each with a content of its own, into a label's folder; return their keys."""
    keys = [f"{folder}{name}/{number:04}.png" for number in range(first, first + count)]
    for number, key in enumerate(keys, start=1000 * len(name) + first):
        world.s3.put(BUCKET, key, picture(name, 99.0, number))
    return keys


def trained(history: History, *, force: bool = False, f1: float = 0.1) -> list[str]:
    """Run a training check to its end; return the keys that it trained, none if it paid for no training."""
    world, before = history.world, len(history.world.rekognition.trainings)
    world.rekognition.next_f1 = f1
    runs.trigger_training(world, force=force)
    history.do(Train(20), Wait(4000.0), Train(20), Wait(700.0), Train(20))
    return [key for version in world.rekognition.trainings[before:] for key, _, _ in sorted(version.training_set)]


def workflow() -> TrainingWorkflow:
    return TrainingWorkflow(LoopContext.of(Loop("/sim"), aws_conn_id=None))


def done(world: World, work: Any) -> Any:
    """Return what a process finds. Raises its error."""
    found: list[Any] = []
    one = process(world, "work", lambda _: found.append(work(workflow())))
    world.run(one)
    if one.error:
        raise one.error
    return found[0]


def check(world: World) -> NewImages:
    found: NewImages = done(world, lambda steps: steps.new_images())
    return found


def prepare(world: World, *, force: bool = True, resume: bool = False) -> TrainingAttempt | None:
    attempt: TrainingAttempt | None = done(
        world, lambda steps: steps.prepare(resume=resume, forced=force, run_id="prepared")
    )
    return attempt


def told(world: World) -> dict[str, Any]:
    """Return the last message about a training set."""
    kinds = [json.loads(one["Message"]) for one in world.sns.published]
    return next(one for one in reversed(kinds) if one["event"] in {"manifest", "training_checked"})


def reads(world: World, work: Any) -> int:
    """Return how many objects some work reads."""
    world.gate.trace.clear()
    work()
    return sum(call.endswith(" s3:GetObject") for call in world.gate.trace)


# ------------------------------------------------------ what one object alone cannot do


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDenied", "access to it"),
        ("KMS.DisabledException", "KMS key"),
        ("KMS.NotFoundException", "KMS key"),
        ("InvalidRequest", "SSE-C"),
        ("NoSuchKey", "deleted"),
    ],
)
def test_an_image_that_cannot_be_read_is_left_out_and_told(code: str, words: str) -> None:
    history = begun()
    (bad, *good) = label(history.world, "cat", 4)
    history.world.s3.refusals[bad] = code
    assert set(good) < set(trained(history))
    assert bad not in trained(history)
    attempt = prepare(history.world)
    assert attempt
    assert attempt.labelled_images == 4 + len(good)
    assert words in told(history.world)["left_out"][bad]
    # It may be readable by now: what is no verdict on the content is looked at again.
    del history.world.s3.refusals[bad]
    assert bad in trained(history, force=True)


@pytest.mark.parametrize("code", ["SlowDown", "ExpiredToken", "InternalError"])
def test_what_concerns_all_images_leaves_none_out(code: str) -> None:
    history = begun()
    (one, *_) = label(history.world, "cat", 4)
    history.world.s3.refusals[one] = code
    with pytest.raises(Exception, match=code):
        prepare(history.world)
    assert trained(history) == []


def test_a_cause_that_all_images_share_is_one_error_that_names_it() -> None:
    world = begun().world
    for image in world.objects(LABELLED):
        world.s3.refusals[image.key] = "AccessDenied"
    with pytest.raises(UnusableTrainingSetError, match=r"None of 4 image\(s\) can be read.*denied"):
        prepare(world)


def test_a_cause_that_new_images_share_with_trained_ones_is_one_error() -> None:
    history = begun()
    assert len(trained(history, force=True)) == 4
    for key in label(history.world, "cat", 4):
        history.world.s3.refusals[key] = "AccessDenied"
    assert len(trained(history, force=True)) == 4  # the trained ones can be read
    for image in history.world.objects(LABELLED):
        history.world.s3.refusals[image.key] = "AccessDenied"
    with pytest.raises(UnusableTrainingSetError, match=r"None of 4 image\(s\) can be read.*denied"):
        prepare(history.world)


def test_an_image_that_is_replaced_while_it_is_read_is_looked_at_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    world = begun().world
    (key, *_) = label(world, "cat", 4)
    read = world.s3.get_object

    def replaced(**how: Any) -> Any:
        if how["Key"] == key:
            world.s3.put(BUCKET, key, picture("cat", 99.0, 7))
        return read(**how)

    with monkeypatch.context() as patch:
        patch.setattr(world.s3, "get_object", replaced)
        attempt = prepare(world)
    assert attempt
    assert attempt.labelled_images == 7
    assert "replaced in the meantime" in told(world)["left_out"][key]
    attempt = prepare(world)
    assert attempt
    assert attempt.labelled_images == 8


# ------------------------------------------------------------------------------ archives


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_archived_images_are_known_from_the_listing(storage_class: str) -> None:
    world = begun().world
    (archived, *_) = label(world, "cat", 4)
    world.s3.archive(BUCKET, archived, storage_class)
    found = check(world)
    assert found.count == 3  # beside the four that the sample's count has
    assert storage_class in found.left_out[archived]
    assert prepare(world)
    assert storage_class in told(world)["left_out"][archived]
    world.s3.restore(BUCKET, archived)
    assert check(world).count == 4
    attempt = prepare(world)
    assert attempt
    assert attempt.labelled_images == 8


def test_an_image_in_an_archive_tier_is_left_out_though_it_was_trained() -> None:
    history = begun()
    keys = label(history.world, "cat", 4)
    assert keys[0] in trained(history)
    history.world.s3.archive(BUCKET, keys[0], "INTELLIGENT_TIERING")
    label(history.world, "dog", 4)
    assert set(keys[1:]) == {key for key in trained(history) if key in keys}
    assert "archived" in told_about(history.world, keys[0])


def told_about(world: World, key: str) -> str:
    messages = [json.loads(one["Message"]) for one in world.sns.published]
    return next(one["left_out"][key] for one in messages if key in one.get("left_out", {}))


def test_an_archived_manifest_lets_nothing_be_paid_again() -> None:
    history = begun()
    assert len(trained(history, force=True)) == 4
    for image in history.world.objects(MANIFESTS):
        history.world.s3.archive(BUCKET, image.key)
    assert trained(history) == []
    assert "restored" in json.dumps(history.world.sns.published)
    assert check(history.world).count == 0


def test_a_training_that_was_not_created_is_prepared_again_before_it_is_paid() -> None:
    history = begun()
    keys = label(history.world, "cat", 4)
    first = prepare(history.world)
    assert first

    def recorded(state: LoopState) -> LoopState:
        return replace(state, last_training_attempt=first)

    done(history.world, lambda steps: steps.context.store.change_state(recorded))
    history.world.s3.archive(BUCKET, keys[0])
    assert keys[0] not in trained(history)
    (version,) = history.world.rekognition.trainings
    assert version.name == first.version_name
    assert len(version.training_set) == 7
    assert history.world.state()["last_training_attempt"]["labelled_images"] == 7


# --------------------------------------------------------------- content, not key and date


def copied(world: World, key_id: str = "") -> None:
    for image in world.objects(LABELLED):
        world.s3.put(BUCKET, image.key, image.body, key_id)


def test_images_that_are_encrypted_anew_train_nothing_again_and_are_read_once() -> None:
    history = begun()
    assert len(trained(history, force=True)) == 4
    copied(history.world, key_id="a key")  # the ETags are other ones, the contents are not
    assert trained(history) == []
    assert check(history.world).count == 0
    assert reads(history.world, lambda: prepare(history.world, force=False)) == 2  # the manifest and the verdicts
    copied(history.world)
    assert check(history.world).count == 0
    assert trained(history) == []


def test_images_under_other_names_and_in_the_folder_of_a_twin_train_nothing_again() -> None:
    history = begun()
    assert len(trained(history, force=True)) == 4
    for number, image in enumerate(history.world.objects(f"{LABELLED}cat/")):
        history.world.s3.put(BUCKET, f"{LABELLED}CAT/renamed-{number}.png", image.body)
    assert trained(history) == []


def test_a_set_that_an_earlier_version_trained_is_not_paid_again() -> None:
    history = begun()
    world = history.world
    keys = label(world, "cat", 4)
    assert len(trained(history)) == 8
    bodies = {key: world.s3.find(BUCKET, key).body for key in keys}
    for key in keys:
        world.s3.remove(BUCKET, key, world.s3.find(BUCKET, key).id)
    added = label(world, "dog", 4)
    assert len(trained(history)) == 8
    for key in added:
        world.s3.remove(BUCKET, key, world.s3.find(BUCKET, key).id)
    for key, body in bodies.items():
        world.s3.put(BUCKET, key, body)
    assert trained(history) == []
    assert "was trained with the same images" in json.dumps(world.sns.published)
    assert len(trained(history, force=True)) == 8


# ------------------------------------------------------------------------ older versions


def as_before(world: World, attempt: TrainingAttempt) -> TrainingAttempt:
    """Let a manifest and its attempt be as version 0.2 wrote them, which knew keys and dates alone."""
    text = world.s3.find(BUCKET, attempt.manifest_key).body.decode()
    lines = [json.loads(line) for line in text.splitlines()]
    images = []
    for line in lines:
        metadata = line["label-metadata"]
        metadata.pop("job-name")
        key = line["source-ref"].removeprefix(f"s3://{BUCKET}/")
        images.append(LabelledImage(key, metadata["class-name"], metadata["creation-date"]))
    body = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    world.s3.put(BUCKET, attempt.manifest_key, body.encode())
    older = replace(attempt, fingerprint=dated_fingerprint(BUCKET, images))
    done(world, lambda s: s.context.store.change_state(lambda state: replace(state, last_training_attempt=older)))
    return older


def last_attempt(world: World) -> TrainingAttempt:
    attempt: TrainingAttempt = done(world, lambda steps: steps.attempt)
    return attempt


def test_what_the_version_before_trained_is_not_paid_again() -> None:
    history = begun()
    assert len(trained(history, force=True)) == 4
    older = as_before(history.world, last_attempt(history.world))
    assert check(history.world).count == 0
    # Its manifest and what was read before, and no image.
    assert reads(history.world, lambda: prepare(history.world, force=False)) == 2
    assert trained(history) == []
    # Neither without its manifest, by its fingerprint, though its version is deleted.
    del history.world.s3.buckets[BUCKET].keys[older.manifest_key]
    del history.world.rekognition.versions[history.world.rekognition.trainings[-1].arn]
    assert trained(history) == []
    assert [one.key for one in history.world.objects(older.manifest_key)] == [older.manifest_key]
    assert check(history.world).count == 0


def test_a_training_that_the_version_before_began_goes_on() -> None:
    history = begun(parameters={"Approve-Deployments": "never"})
    label(history.world, "cat", 4)
    history.world.rekognition.next_f1 = 0.95
    runs.trigger_training(history.world)
    history.do(Train(3))  # it is created
    (version,) = history.world.rekognition.trainings
    older = as_before(history.world, last_attempt(history.world))
    manifest = history.world.s3.find(BUCKET, older.manifest_key)
    history.do(ForgetRun(), Wait(4000.0))
    assert trained(history, f1=0.95) == []
    assert history.world.endpoint == version.arn
    assert history.world.s3.find(BUCKET, older.manifest_key) == manifest  # what was paid for stays on record


# -------------------------------------------------------------------- labels and limits


def test_a_label_that_cannot_train_yet_is_told_and_its_image_starts_no_training() -> None:
    history = begun(parameters={"Minimum-Untrained-Images": "1"})
    world = history.world
    assert len(trained(history, force=True)) == 4
    (single,) = label(world, "owl", 1)
    found = check(world)
    assert found.count == 0
    assert "only one usable image" in found.folders[f"{LABELLED}owl/"]
    assert trained(history) == []
    label(world, "owl", 1, first=1)
    assert single in trained(history)


def test_a_label_that_is_trained_no_more_is_told() -> None:
    history = begun()
    keys = label(history.world, "owl", 4)
    assert len(trained(history)) == 8
    for key in keys:
        history.world.s3.archive(BUCKET, key)
    label(history.world, "cat", 4)
    assert len(trained(history)) == 8
    assert "the new version will not know it" in told_about(history.world, f"{LABELLED}owl/")


def test_with_a_test_set_a_single_image_of_a_label_trains() -> None:
    history = begun(parameters={"Minimum-Untrained-Images": "1"})
    (single,) = label(history.world, "owl", 1)
    for name in ("cat", "dog"):
        label(history.world, name, 1, first=500, folder=TESTING)
    assert check(history.world).count == 1
    assert single in trained(history)


def test_a_set_over_a_limit_is_told_before_it_is_paid_and_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_set, "MAX_TEST_IMAGES_PER_LABEL", 3)
    history = begun()
    label(history.world, "cat", 4, folder=TESTING)
    label(history.world, "dog", 1, folder=TESTING)
    with pytest.raises(UnusableTrainingSetError, match=r"too many images of 1 label\(s\) \(cat: 4\)"):
        prepare(history.world)

    def again() -> None:
        with pytest.raises(UnusableTrainingSetError):
            prepare(history.world)

    assert reads(history.world, again) == 2  # the verdicts on both folders
    assert trained(history) == []


def test_a_test_set_that_cannot_be_read_is_not_given_up_for_a_split() -> None:
    world = begun().world
    for key in label(world, "cat", 3, folder=TESTING):
        world.s3.archive(BUCKET, key)
    with pytest.raises(UnusableTrainingSetError, match=r"None of 3 image\(s\).*images_for_testing/cat/"):
        prepare(world)


# ----------------------------------------------------------------------- what is an image


def test_the_content_decides_what_is_an_image_and_all_else_is_told() -> None:
    world = begun().world
    names = ("a.jfif", "b.JPE", "c", "d.PNG", "e.txt")
    for number, name in enumerate(names):
        world.s3.put(BUCKET, f"{LABELLED}cat/{name}", picture("cat", 99.0, 50 + number))
    others = {"Thumbs.db": b"thumbs", "f.png": b"text", "more/g.png": picture("cat", 99.0, 60), "h.png": b""}
    for name, body in others.items():
        world.s3.put(BUCKET, f"{LABELLED}cat/{name}", body)
    world.s3.put(BUCKET, f"{LABELLED}stray.png", picture("cat", 99.0, 61))
    world.s3.put(BUCKET, f"{LABELLED}cat/", b"")
    attempt = prepare(world)
    assert attempt
    assert attempt.labelled_images == 4 + len(names)
    left_out = {f"{LABELLED}cat/{name}" for name in others} | {f"{LABELLED}stray.png"}
    assert told(world)["left_out"].keys() == left_out
    # Once it was read, what is no image is not counted as new any more.
    assert check(world).count == len(names)
    assert check(world).left_out.keys() == left_out


def test_a_check_tells_what_is_left_out() -> None:
    history = begun()
    archived: Sequence[str] = label(history.world, "cat", 4)
    for key in archived:
        history.world.s3.archive(BUCKET, key)
    assert trained(history) == []
    message = told(history.world)
    assert message["left_out"].keys() == set(archived)
    assert "4 object(s) cannot be trained on" in message["message"]
