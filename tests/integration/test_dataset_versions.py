"""Which images made which version: recorded once, and rebuilt from S3 alone after people changed the folders."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.integration.model import Model
from tests.integration.pictures import FRESH_DIGITS, TRAINING_DIGITS
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.cli import main
from label_loop.domain.dataset_file import DatasetReader
from label_loop.domain.dataset_version import DatasetHeader, DatasetImage, dataset_key
from label_loop.domain.version_numbers import number_of
from label_loop.exceptions import UnusableTrainingSetError
from label_loop.payloads import LABELLED_FOLDER, TEST_FOLDER, TrainingAttempt
from label_loop.workflows.approval import ApprovalWorkflow
from local_aws.rekognition.training import Trainer


@pytest.fixture
def labelled(world: World) -> World:
    world.label(TRAINING_DIGITS[:60])
    return world


def prepare(world: World, run_id: str = "r", *, resume: bool = False) -> TrainingAttempt:
    attempt = world.training().prepare(resume=resume, forced=not resume, run_id=run_id)
    assert attempt
    return attempt


def recorded(world: World, run_id: str) -> TrainingAttempt:
    """Prepare an attempt, and record it as the last one without training it."""
    attempt = prepare(world, run_id)
    world.set_state(last_training_attempt=attempt)
    return attempt


def read(world: World, number: int) -> tuple[DatasetHeader, list[DatasetImage]]:
    body = world.client("s3").get_object(Bucket=world.bucket, Key=dataset_key(number))["Body"]
    reader = DatasetReader(dataset_key(number), body)
    return reader.header(), list(reader.images())


def files(folder: Path) -> dict[Path, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_an_attempt_has_a_dataset_of_the_images_in_its_manifests(labelled: World) -> None:
    labelled.label(TRAINING_DIGITS[:1])  # the same once more
    attempt = prepare(labelled)
    header, images = read(labelled, 1)
    assert (header.number, header.version, number_of(attempt.version_name)) == (1, attempt.version_name, 1)
    assert (header.parent_number, header.changes) == (None, None)
    assert header.images == {"training": 50, "test/held-out": 10}
    training_set = labelled.training().training_set
    manifests = {
        False: training_set.in_manifest(attempt.manifest_key),
        True: training_set.in_manifest(attempt.test_manifest_key),
    }
    for tests, lines in manifests.items():
        expected = {(one.key, one.label, one.content, one.modified) for one in lines}
        found = {(one.key, one.label, one.sha256, one.modified) for one in images if one.role.tests == tests}
        assert found == expected
    listed = labelled.client("s3").list_object_versions(Bucket=labelled.bucket, Prefix=LABELLED_FOLDER)["Versions"]
    newest = {one["Key"]: one["VersionId"] for one in listed if one["IsLatest"]}
    assert len(listed) > len(newest)
    assert all(one.version_id == newest[one.key] for one in images)


def test_numbers_are_given_once_and_what_changed_is_recorded(labelled: World) -> None:
    first = recorded(labelled, "first")
    labelled.label(TRAINING_DIGITS[60:80])
    moved, removed = (one.key for one in read(labelled, 1)[1][:2])
    client = labelled.client("s3")
    body = client.get_object(Bucket=labelled.bucket, Key=moved)["Body"].read()
    labelled.put(f"{LABELLED_FOLDER}9/moved.png", body)
    for key in (moved, removed):
        client.delete_object(Bucket=labelled.bucket, Key=key)
    second = prepare(labelled, "second")
    assert prepare(labelled, "second").version_name == second.version_name
    header, images = read(labelled, 2)
    assert (header.parent_number, header.parent_digest) == (1, read(labelled, 1)[0].digest)
    assert header.changes
    assert header.changes["removed"] == header.changes["relabelled"] == 1
    assert header.changes["added"] == sum(one.change == "added" for one in images) > 0
    (relabelled,) = (one for one in images if one.change == "relabelled")
    assert (relabelled.label, relabelled.label_before) == ("9", moved.split("/")[1])
    assert [number_of(one.version_name) for one in (first, second)] == [1, 2]
    third = prepare(labelled, "another run, for the second was never recorded")
    assert number_of(third.version_name) == 3


def test_a_resumed_attempt_keeps_its_number_and_its_parent(labelled: World) -> None:
    recorded(labelled, "first")
    labelled.label(TRAINING_DIGITS[60:70])
    second = recorded(labelled, "second")
    labelled.label(TRAINING_DIGITS[70:80])
    resumed = prepare(labelled, "third", resume=True)
    assert (resumed.version_name, resumed.started_at) == (second.version_name, second.started_at)
    header, _ = read(labelled, 2)
    assert (header.version, header.parent_number) == (second.version_name, 1)
    assert sum(header.images.values()) == resumed.images + resumed.test_images
    assert labelled.state().numbered_version == second.version_name


def test_a_set_that_cannot_train_takes_no_number(world: World) -> None:
    world.label([one for one in TRAINING_DIGITS if one.label == "1"])
    with pytest.raises(UnusableTrainingSetError):
        world.training().prepare(resume=False, forced=True, run_id="r")
    assert world.state().numbered_version is None


def test_a_lost_state_has_no_dataset_overwritten(labelled: World) -> None:
    prepare(labelled)
    labelled.set_state(numbered_version=None)
    assert number_of(prepare(labelled, "later").version_name) == 2


def test_an_attempt_of_an_earlier_release_has_no_dataset(labelled: World) -> None:
    attempt = prepare(labelled)
    name = attempt.version_name.removesuffix("-v1")
    labelled.set_state(last_training_attempt=TrainingAttempt(name, "manifests/x", 1, "f", attempt.started_at))
    resumed = prepare(labelled, resume=True)
    assert resumed.version_name == name
    assert labelled.keys("datasets/") == [dataset_key(1)]


@pytest.mark.parametrize("body", [b"", b"broken", None])
def test_a_dataset_that_is_gone_or_broken_stops_no_training(labelled: World, body: bytes | None) -> None:
    recorded(labelled, "first")
    if body is None:
        labelled.client("s3").delete_object(Bucket=labelled.bucket, Key=dataset_key(1))
    else:
        labelled.put(dataset_key(1), body)
    labelled.label(TRAINING_DIGITS[60:70])
    assert number_of(prepare(labelled, "second").version_name) == 2
    assert read(labelled, 2)[0].parent_number is None


def test_a_crash_before_the_dataset_leaves_nothing_half_done(labelled: World) -> None:
    labelled.fault("s3", "ListObjectVersions", code="AccessDenied")
    with pytest.raises(ClientError):
        prepare(labelled)
    labelled.heal()
    assert number_of(prepare(labelled).version_name) == 1
    assert read(labelled, 1)[0].number == 1


def test_it_takes_few_calls(labelled: World) -> None:
    prepare(labelled)
    calls = labelled.calls(lambda: prepare(labelled))
    assert calls["s3.ListObjectVersions"] == 3
    assert calls["s3.PutObject"] <= 4


# --- the command


@pytest.fixture
def changed(labelled: World) -> tuple[World, dict[str, str]]:
    """Give a loop with a dataset, an image of which was overwritten and one deleted since; and its contents by key."""
    labelled.put(f"{TEST_FOLDER}3/chosen.png", FRESH_DIGITS[0].body)
    prepare(labelled)
    _, images = read(labelled, 1)
    overwritten, deleted = images[0].key, images[1].key
    labelled.put(overwritten, FRESH_DIGITS[1].body)
    labelled.client("s3").delete_object(Bucket=labelled.bucket, Key=deleted)
    return labelled, {one.key: one.sha256 for one in images}


def test_the_exact_images_come_back_from_s3_alone(
    changed: tuple[World, dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, contents = changed
    calls = world.calls(lambda: main(["dataset", world.loop.path, "v1", "--out", str(tmp_path)]))
    assert f"{len(contents)} downloaded, 0 already there, 0 missing" in capsys.readouterr().out
    assert {name.split(".")[0] for name in calls} <= {"s3", "ssm", "sts"}
    found = files(tmp_path)
    assert sorted(found.values()) == sorted(contents.values())
    assert {path.parts[0] for path in found} == {"training", "test"}
    (chosen,) = (path for path in found if path.parts[:3] == ("test", "core", "3"))

    (tmp_path / chosen).write_bytes(b"half an image")
    assert main(["dataset", world.loop.path, "latest", "--out", str(tmp_path)]) == 0
    assert f"1 downloaded, {len(contents) - 1} already there, 0 missing" in capsys.readouterr().out
    assert files(tmp_path) == found


def test_what_is_gone_for_good_is_named_and_the_rest_is_written(
    changed: tuple[World, dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, contents = changed
    _, images = read(world, 1)
    client = world.client("s3")
    client.delete_object(Bucket=world.bucket, Key=images[1].key, VersionId=images[1].version_id)
    assert main(["dataset", world.loop.path, "v1", "--out", str(tmp_path), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [one["key"] for one in document["missing"]] == [images[1].key]
    assert document["downloaded"] == len(files(tmp_path)) == len(contents) - 1


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(
    labelled: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(labelled)
    (tmp_path / "file").write_text("in the way")
    assert main(["dataset", labelled.loop.path, "v1", "--out", str(tmp_path / "file")]) == 1
    assert f"Folder {tmp_path / 'file'}: " in capsys.readouterr().err


def test_without_versioning_the_content_decides(
    labelled: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = labelled.client("s3")

    def versioning(status: str) -> None:
        client.put_bucket_versioning(Bucket=labelled.bucket, VersioningConfiguration={"Status": status})

    versioning("Suspended")
    try:
        labelled.label(TRAINING_DIGITS[:60])
        prepare(labelled)
        _, images = read(labelled, 1)
        assert not any(one.version_id for one in images)
        labelled.put(images[0].key, FRESH_DIGITS[1].body)
        assert main(["dataset", labelled.loop.path, "v1", "--out", str(tmp_path)]) == 1
    finally:
        versioning("Enabled")
    shown = capsys.readouterr().out
    assert f"{images[0].key}: the image was overwritten in S3" in shown
    assert len(files(tmp_path)) == len(images) - 1


def test_a_manifest_is_printed_as_it_was_trained(
    changed: tuple[World, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    world, contents = changed
    sources = set()
    for part in ("training", "test"):
        assert main(["dataset", world.loop.path, "1", "--manifest", part]) == 0
        entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert all(entry["label-metadata"]["type"] == "groundtruth/image-classification" for entry in entries)
        sources |= {entry["source-ref"] for entry in entries}
    assert sources == {f"s3://{world.bucket}/{key}" for key in contents}


def test_a_dataset_is_shown_with_what_changed(labelled: World, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(labelled, "first")
    labelled.label(TRAINING_DIGITS[60:70])
    labelled.put(f"{LABELLED_FOLDER}9/note.txt", b"text")
    attempt = prepare(labelled, "second")
    assert main(["dataset", labelled.loop.path, "latest"]) == 0
    shown = capsys.readouterr().out
    assert attempt.version_name in shown
    assert f"left out      {LABELLED_FOLDER}9/note.txt" in shown
    assert shown.count("\nadded  ") == sum(one.change == "added" for one in read(labelled, 2)[1])
    assert main(["dataset", labelled.loop.path, "latest", "--dry-run", "--out", "/nowhere"]) == 0


@pytest.mark.parametrize(("version", "words"), [("v9", "the newest are: v1"), ("latest", "")])
def test_a_version_that_does_not_exist_is_an_error_that_names_others(
    labelled: World, capsys: pytest.CaptureFixture[str], version: str, words: str
) -> None:
    if words:
        prepare(labelled)
    assert main(["dataset", labelled.loop.path, version]) == 1
    assert (words or "it has no dataset yet") in capsys.readouterr().err


def test_all_versions_are_listed_with_what_became_of_them(
    labelled: World, model: Model, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Trainer, "run", lambda self: model.outcome)
    labelled.set_variable("Approve-Deployments", "always")
    name = _trained(labelled, "first")
    assert not labelled.evaluation().accepts(name)
    for _ in range(2):  # each step may be repeated
        assert ApprovalWorkflow(labelled.context()).answer(name, "deploy", "ann") == "deploy"
    labelled.deployment().decide_approved(name)
    labelled.deployment().start_version(name)
    eventually(lambda: labelled.status(name) == "RUNNING")
    for _ in range(2):
        labelled.deployment().move_endpoint(name)
    labelled.label(TRAINING_DIGITS[60:80])
    labelled.set_variable("Minimum-F1-Score", "1")
    labelled.evaluation().accepts(_trained(labelled, "second"))
    capsys.readouterr()
    assert main(["dataset", labelled.loop.path, "--json"]) == 0
    second, first = json.loads(capsys.readouterr().out)["versions"]
    steps = [(one["decision"], one["by"]) for one in first["model"]["decisions"]]
    assert steps == [
        ("asked", "the loop"),
        ("approved", "ann"),
        ("deployment requested", "the DAG approval"),
        ("deployed", "the loop"),
    ]
    assert first["model"]["champion"] == "v1"
    assert second["model"]["champion"] == first["version"] == name
    assert second["model"]["f1"] == model.outcome.f1_score
    assert main(["dataset", labelled.loop.path]) == 0
    assert "deployed by the loop: " in capsys.readouterr().out


def _trained(world: World, run_id: str) -> str:
    name = world.training().create_version(prepare(world, run_id))
    assert name
    eventually(lambda: world.status(name) == "TRAINING_COMPLETED")
    return name


def test_everybody_reads_the_number_first(labelled: World, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "run", lambda self: model.outcome)
    name = _trained(labelled, "first")
    labelled.evaluation().accepts(name)
    told: list[Any] = [one["body"]["message"] for one in labelled.told() if one["body"].get("version") == name]
    assert told
    assert all(text.startswith(f"Model v1 ({name}): ") for text in told)
