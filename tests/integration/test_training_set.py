"""The training set over a real endpoint: what is read, what is left out, and what it costs."""

import io
import json

import pytest
from PIL import Image
from tests.integration.pictures import TRAINING_DIGITS, png
from tests.integration.site import events
from tests.integration.world import World

from label_loop.decoder import DecoderUnavailableError
from label_loop.domain.images import Inspection
from label_loop.domain.labelling import to_metadata
from label_loop.payloads import (
    LABELLED_FOLDER,
    MANIFESTS_FOLDER,
    TEST_FOLDER,
    Labelling,
    LabelSource,
    TrainingAttempt,
)
from label_loop.workflows import training_set
from label_loop.workflows.training_set import TrainingSet

TOO_LARGE = 15 * 1024 * 1024 + 1


def test_what_is_too_large_or_empty_is_told_from_the_listing_and_never_read(bare: World) -> None:
    bare.label(TRAINING_DIGITS[:20])
    bad = {f"{LABELLED_FOLDER}1/large.png": b"x" * TOO_LARGE, f"{LABELLED_FOLDER}1/empty.png": b""}
    for key, body in bad.items():
        bare.put(key, body)
    calls = bare.calls(lambda: bare.training().prepare(resume=False, forced=False, run_id="r"))
    verdicts = 1
    assert calls["s3.GetObject"] == 20 + verdicts
    (report,) = [key for key in bare.keys(MANIFESTS_FOLDER) if key.endswith(".left-out.json")]
    told = json.loads(bare.client("s3").get_object(Bucket=bare.bucket, Key=report)["Body"].read())
    assert told == {
        f"{LABELLED_FOLDER}1/large.png": f"{TOO_LARGE} bytes, more than 15 MB",
        f"{LABELLED_FOLDER}1/empty.png": "an empty file",
    }


def test_what_is_too_large_or_empty_starts_no_training(bare: World) -> None:
    bare.label(TRAINING_DIGITS[:9])
    bare.put(f"{LABELLED_FOLDER}1/large.png", b"x" * TOO_LARGE)
    bare.put(f"{LABELLED_FOLDER}1/empty.png", b"")
    decision = bare.training().check(forced=False)
    assert (decision.action, decision.reason) == ("none", "9 of 10 new labelled images")


def test_images_that_an_earlier_training_had_are_not_read_again(bare: World) -> None:
    bare.label(TRAINING_DIGITS[:20])
    for number in range(6):
        bare.put(f"{TEST_FOLDER}{number}/{number}.png", png(number))
    first = bare.training().prepare(resume=False, forced=False, run_id="first")
    assert first
    assert first.test_manifest_key
    bare.set_state(last_training_attempt=first)

    bare.label(TRAINING_DIGITS[20:32])
    bare.put(f"{TEST_FOLDER}1/new.png", png(7))
    calls = bare.calls(lambda: bare.training().prepare(resume=False, forced=False, run_id="second"))
    manifests, verdicts, new, dataset_before = 2, 2, 12 + 1, 1
    assert calls["s3.GetObject"] == manifests + verdicts + new + dataset_before


def put_labelled(world: World, name: str, body: bytes, label: str, who: str) -> None:
    """Put an image into the folder of a label as the loop copies it, with who labelled it."""
    metadata = to_metadata(Labelling(who, source=LabelSource.REVIEW), label)
    key = f"{LABELLED_FOLDER}{label}/{name}"
    world.client("s3").put_object(Bucket=world.bucket, Key=key, Body=body, Metadata=metadata)


def labelled_by(world: World, attempt: TrainingAttempt | None) -> dict[str, str]:
    """Return who labelled the images of an attempt that somebody labelled, by the names of the images."""
    assert attempt
    images = TrainingSet(world.context()).in_manifest(attempt.manifest_key)
    return {image.key.removeprefix(LABELLED_FOLDER): image.labelled_by for image in images if image.labelled_by}


def test_who_labelled_an_image_stays_with_it_until_somebody_moves_it(bare: World) -> None:
    bare.label(TRAINING_DIGITS[:20])
    put_labelled(bare, "a.png", png(7), "1", "ann")
    put_labelled(bare, "b.png", png(7), "1", "bob")  # equal content
    first = bare.training().prepare(resume=False, forced=True, run_id="first")
    assert labelled_by(bare, first) == {"1/a.png": "ann", "1/b.png": "bob"}
    bare.set_state(last_training_attempt=first)

    again = bare.training().prepare(resume=False, forced=True, run_id="again")  # known, and not read
    assert labelled_by(bare, again) == {"1/a.png": "ann", "1/b.png": "bob"}

    s3 = bare.client("s3")
    for name in ("a.png", "b.png"):
        source = {"Bucket": bare.bucket, "Key": f"{LABELLED_FOLDER}1/{name}"}
        s3.copy_object(Bucket=bare.bucket, Key=f"{LABELLED_FOLDER}2/{name}", CopySource=source)
        s3.delete_object(**source)
    put_labelled(bare, "c.png", png(7), "2", "zoe")
    calls: list[TrainingAttempt | None] = []
    cost = bare.calls(lambda: calls.append(bare.training().prepare(resume=False, forced=True, run_id="moved")))
    assert labelled_by(bare, calls[0]) == {"2/c.png": "zoe"}
    manifest, verdicts, looked_at, dataset_before = 1, 1, 3, 1
    assert cost["s3.GetObject"] == manifest + verdicts + looked_at + dataset_before


def test_a_folder_that_can_be_no_label_is_left_out_and_told(bare: World) -> None:
    bare.label(TRAINING_DIGITS[:20])
    for number, folder in enumerate(("cat ", "None of the Above", "a\u200cb")):
        bare.put(f"{LABELLED_FOLDER}{folder}/{number}.png", png(number))
    decision = bare.training().check(forced=False)
    assert decision.reason == "20 new labelled images"
    refused = {f"{LABELLED_FOLDER}{folder}/" for folder in ("cat ", "None of the Above", "a\u200cb")}
    (checked,) = events(bare.told(), "training_checked")
    assert checked["body"]["folders"].keys() == refused
    attempt = bare.training().prepare(resume=False, forced=False, run_id="r")
    assert attempt
    assert attempt.images == 20
    (manifest,) = events(bare.told(), "manifest")
    assert manifest["body"]["left_out"].keys() == refused
    assert "begin or end with a space" in manifest["body"]["left_out"][f"{LABELLED_FOLDER}cat /"]
    left_out = json.loads(
        bare.client("s3")
        .get_object(Bucket=bare.bucket, Key=f"{MANIFESTS_FOLDER}{attempt.version_name}.left-out.json")["Body"]
        .read()
    )
    assert left_out.keys() == refused


def test_images_in_folders_that_can_be_no_label_start_no_training_and_are_told(bare: World) -> None:
    for number in range(20):
        bare.put(f"{LABELLED_FOLDER}cat /{number}.png", png(number))
    decision = bare.training().check(forced=False)
    assert (decision.action, decision.reason) == ("none", "0 of 10 new labelled images")
    (checked,) = events(bare.told(), "training_checked")
    assert "1 folder(s) need attention" in checked["body"]["message"]


def test_folders_of_one_label_train_as_one_and_are_told_before(bare: World) -> None:
    for number in range(12):
        folder = ("cat", "cat", "Cat", "dog")[number % 4]
        bare.put(f"{LABELLED_FOLDER}{folder}/{number}.png", png(number))
    bare.put(f"{TEST_FOLDER}CAT/1.png", png(50))
    attempt = bare.training().prepare(resume=False, forced=False, run_id="r")
    assert attempt
    manifests = (attempt.manifest_key, attempt.test_manifest_key)
    images = [image for key in manifests for image in bare.training().training_set.in_manifest(key)]
    trained = {image.key: image.label for image in images if image.key.startswith(LABELLED_FOLDER)}
    assert len(trained) == 12
    assert set(trained.values()) == {"cat", "dog"}
    assert {trained[key] for key in trained if "/Cat/" in key} == {"cat"}
    assert [image.label for image in images if image.key.startswith(TEST_FOLDER)] == ["cat"]
    (manifest,) = events(bare.told(), "manifest")
    assert manifest["body"]["twins"].keys() == {f"{LABELLED_FOLDER}Cat/", f"{TEST_FOLDER}CAT/"}
    assert "'Cat'" in manifest["body"]["twins"][f"{LABELLED_FOLDER}Cat/"]
    labels = bare.training().training_set.labels()
    assert {"cat", "Cat", "CAT", "dog"} & set(labels.names) == {"cat", "dog"}
    assert labels.resolve("CAT") == "cat"


def scans(number: int) -> bytes:
    """Return a small progressive JPEG with its last scan repeated."""
    body = io.BytesIO()
    Image.new("RGB", (80, 80), "red").save(body, "JPEG", progressive=True)
    last = (whole := body.getvalue()).rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * number + whole[-2:]


def test_what_costs_too_much_to_decode_is_left_out_and_not_decoded_again(bare: World) -> None:
    bare.label(TRAINING_DIGITS[:20])
    bare.put(f"{LABELLED_FOLDER}1/scans.jpg", scans(1_100))
    attempt = bare.training().prepare(resume=False, forced=False, run_id="r")
    assert attempt
    assert attempt.images == 20
    (manifest,) = events(bare.told(), "manifest")
    assert "more than 50 scans" in manifest["body"]["left_out"][f"{LABELLED_FOLDER}1/scans.jpg"]
    calls = bare.calls(lambda: bare.training().prepare(resume=False, forced=False, run_id="again"))
    assert calls["s3.GetObject"] == 2  # the verdicts and the dataset before


def test_an_image_whose_decoder_failed_is_checked_again(bare: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bare.label(TRAINING_DIGITS[:20])
    odd = scans(2)
    bare.put(f"{LABELLED_FOLDER}1/odd.jpg", odd)

    def inspect(body: bytes) -> Inspection:
        if body == odd:
            raise DecoderUnavailableError("did not answer within 30 seconds")
        return Inspection(None)

    with monkeypatch.context() as patch:
        patch.setattr(training_set, "inspect_image", inspect)
        first = bare.training().prepare(resume=False, forced=False, run_id="r")
    assert first
    assert first.images == 20
    (manifest,) = events(bare.told(), "manifest")
    assert "could not be checked" in manifest["body"]["left_out"][f"{LABELLED_FOLDER}1/odd.jpg"]
    second = bare.training().prepare(resume=False, forced=True, run_id="again")
    assert second
    assert second.images == 21
