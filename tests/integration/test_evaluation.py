"""A trained version against the serving one on the loop's own test images."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from tests.integration.model import Model
from tests.integration.pictures import FRESH_DIGITS, TRAINING_DIGITS
from tests.integration.site import events
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.model_project import manifest_key
from label_loop.payloads import LABELLED_FOLDER, TEST_FOLDER
from local_aws.rekognition.training import S3Location, Trainer, TrainingOutcome
from local_aws.rekognition.workfolder import TESTING_OUTPUT
from sample_images.digits import Picture

TEST_DIGITS, MORE_DIGITS = FRESH_DIGITS[:100], FRESH_DIGITS[100:]
SWAPPED = {"4": "9", "9": "4", "7": "1", "1": "7"}
type Guess = Callable[[str], str]  # the label that a version names for an image of a label


def always(label: str) -> str:
    return label


def swapped(label: str) -> str:
    return SWAPPED.get(label, label)


def never_nine(label: str) -> str:
    return "4" if label == "9" else label


@pytest.fixture
def says(model: Model, monkeypatch: pytest.MonkeyPatch) -> Callable[[Guess], None]:
    """Let trainings end at once; return a function that says what the next version names for its test images."""
    guesses: list[Guess] = []
    trained = model.outcome
    assert trained

    def run(trainer: Trainer) -> TrainingOutcome:
        order = trainer._order
        assert order.testing
        (manifest,) = order.testing
        lines = trainer._s3.get(manifest.bucket, manifest.key).decode().splitlines()
        place = S3Location(order.output_bucket, f"{order.output_prefix}/{order.job.version_name}/testing.manifest")
        trainer._s3.put(place.bucket, place.key, "\n".join(_judged(line, guesses[-1]) for line in lines).encode())
        return replace(trained, files={**trained.files, TESTING_OUTPUT: place})

    monkeypatch.setattr(Trainer, "run", run)
    return guesses.append


def _judged(line: str, guess: Guess) -> str:
    entry = json.loads(line)
    named = {"class-name": guess(entry["label-metadata"]["class-name"]), "confidence": 0.9}
    entry["rekognition-custom-labels-evaluation-0"] = 1
    entry["rekognition-custom-labels-evaluation-0-metadata"] = named
    return json.dumps(entry)


@pytest.fixture
def labelled(world: World) -> World:
    """Give a loop with 100 test images and 60 labelled ones."""
    put(world, TEST_FOLDER, TEST_DIGITS)
    put(world, LABELLED_FOLDER, TRAINING_DIGITS[:60])
    world.set_variable("Minimum-F1-Score", "0")
    world.set_variable("Approve-Deployments", "never")
    return world


def put(world: World, folder: str, pictures: Sequence[Picture], label: str = "") -> None:
    for picture in pictures:
        world.put(f"{folder}{label or picture.label}/{picture.name}", picture.body)


def train(world: World, run_id: str) -> str:
    attempt = world.training().prepare(resume=False, forced=True, run_id=run_id)
    assert attempt
    name = world.training().create_version(attempt)
    assert name
    eventually(lambda: world.status(name) == "TRAINING_COMPLETED")
    return name


def deploy(world: World, name: str) -> str:
    assert world.evaluation().accepts(name)
    world.deployment().start_version(name)
    eventually(lambda: world.status(name) == "RUNNING")
    world.deployment().move_endpoint(name)
    return str(world.state().endpoint_arn)


def verdict(world: World) -> str:
    attempt = world.state().last_training_attempt
    assert attempt
    told = [str(one["body"]["message"]) for one in events(world.told(), "model_status")]
    assert any(attempt.version_name in text and text.endswith(f": {attempt.verdict}") for text in told)
    return f"{attempt.outcome}: {attempt.verdict}"


def images_by_label(world: World) -> Counter[str]:
    """Return how many images of each label test the last version: those that look alike once, and some held out."""
    attempt = world.state().last_training_attempt
    assert attempt
    images = world.training().training_set.in_manifest(attempt.test_manifest_key)
    counted = Counter(image.label for image in images)
    assert counted.total() == attempt.test_images > 85
    return counted


def test_a_version_that_lost_labels_is_held_with_what_it_lost(labelled: World, says: Callable[[Guess], None]) -> None:
    says(always)
    deploy(labelled, train(labelled, "first"))
    shared = images_by_label(labelled)
    put(labelled, LABELLED_FOLDER, TRAINING_DIGITS[60:80])
    says(never_nine)
    assert not labelled.evaluation().accepts(train(labelled, "worse"))
    nines = shared["9"]
    text = verdict(labelled)
    assert text.startswith("held: F1 ")
    words = f"better on 0 of {shared.total()} test images, worse on {nines}; 9 lost {nines} of {nines}"
    assert f"it has lost 9: {words}" in text
    assert labelled.training().check(forced=False).action == "none"  # not trained or started again


def test_a_better_version_is_accepted_with_how_much_better_and_is_the_best_one(
    labelled: World, says: Callable[[Guess], None]
) -> None:
    says(swapped)
    first = deploy(labelled, train(labelled, "first"))
    shared = images_by_label(labelled)
    put(labelled, LABELLED_FOLDER, TRAINING_DIGITS[60:80])
    says(always)
    best = deploy(labelled, train(labelled, "better"))
    wrong = sum(shared[label] for label in SWAPPED)
    assert f"better on {wrong} of {shared.total()} test images, worse on 0" in verdict(labelled)
    assert labelled.state().best_version_arn == best

    labelled.set_state(endpoint_arn=first)  # rolled back: what is better than the first may be worse than the best
    put(labelled, LABELLED_FOLDER, TRAINING_DIGITS[80:])
    says(never_nine)
    assert not labelled.evaluation().accepts(train(labelled, "between"))
    assert "it may be worse than the best version by more than 2 points" in verdict(labelled)
    assert labelled.state().best_version_arn == best


def test_a_slightly_worse_version_does_not_make_the_best_one_forgotten(
    labelled: World, says: Callable[[Guess], None]
) -> None:
    labelled.set_variable("Challenger-Margin", "0.1")
    says(always)
    best = deploy(labelled, train(labelled, "best"))
    labels = iter(["0"])  # wrong once
    says(lambda label: next(labels, label) if label == "1" else label)
    put(labelled, LABELLED_FOLDER, TRAINING_DIGITS[60:80])
    assert deploy(labelled, train(labelled, "slightly worse")) != best
    assert "worse on 1" in verdict(labelled)
    assert labelled.state().best_version_arn == best


def test_copies_of_test_images_are_not_trained_and_a_snapshot_that_is_gone_compares_nothing(
    labelled: World, says: Callable[[Guess], None]
) -> None:
    says(always)
    deploy(labelled, train(labelled, "first"))
    shared = images_by_label(labelled)
    put(labelled, LABELLED_FOLDER, TEST_DIGITS)
    says(swapped)
    name = train(labelled, "with copies of its test")
    trained = {image.content for image in labelled.training().training_set.in_manifest(manifest_key(name))}
    assert trained.isdisjoint(hashlib.sha256(picture.body).hexdigest() for picture in TEST_DIGITS)
    assert not labelled.evaluation().accepts(name)
    assert f"better on 0 of {shared.total()} test images" in verdict(labelled)
    serving = labelled.serving().endpoint
    assert serving
    assert serving.evaluation_snapshot
    labelled.client("s3").delete_object(Bucket=serving.evaluation_snapshot[0], Key=serving.evaluation_snapshot[1])
    put(labelled, LABELLED_FOLDER, TRAINING_DIGITS[60:80])
    assert labelled.evaluation().accepts(train(labelled, "next"))  # undecided, and nobody is asked
    assert "only 0 test images compare the two" in verdict(labelled)


def test_with_enough_test_images_the_loops_own_score_is_the_floor(
    labelled: World, says: Callable[[Guess], None]
) -> None:
    labelled.set_variable("Minimum-F1-Score", "0.8")  # which Rekognition's score of these versions reaches
    labelled.set_variable("Minimum-Test-Images", "200")
    says(swapped)
    name = train(labelled, "first")
    assert labelled.evaluation().accepts(name)
    assert re.fullmatch(r"accepted: F1 [01]\.\d+ by Rekognition, minimum 0.8; .*", verdict(labelled))
    labelled.set_variable("Minimum-Test-Images", "80")
    assert not labelled.evaluation().accepts(name)
    tested = images_by_label(labelled).total()
    assert re.fullmatch(rf"held: F1 0\.[56]\d* on {tested} test images, minimum 0.8", verdict(labelled))


def test_an_adopted_loop_decides_by_the_score_alone_until_there_are_enough_pairs(
    labelled: World, says: Callable[[Guess], None]
) -> None:
    says(always)
    deploy(labelled, train(labelled, "first"))
    put(labelled, LABELLED_FOLDER, TRAINING_DIGITS[60:80])
    says(never_nine)
    name = train(labelled, "worse")
    assert not labelled.evaluation().accepts(name)
    labelled.set_variable("Minimum-Test-Images", "200")
    labelled.set_state(uploads_taken_over_until="2026-11-23T09:00:00.000000+00:00")
    assert labelled.evaluation().accepts(name)
    text = verdict(labelled)
    assert "by Rekognition, minimum 0.0; as before the adoption, it decides alone: better on 0 of " in text
    labelled.set_variable("Minimum-Test-Images", "80")
    assert not labelled.evaluation().accepts(name)
    assert "it has lost 9" in verdict(labelled)


@pytest.mark.slow
def test_a_real_version_that_somebody_taught_wrong_labels_is_held(labelled: World) -> None:
    deploy(labelled, train(labelled, "first"))
    for true, wrong in SWAPPED.items():
        taught = [one for one in (*TRAINING_DIGITS[60:], *MORE_DIGITS) if one.label == true]
        put(labelled, LABELLED_FOLDER, taught, wrong)
    assert not labelled.evaluation().accepts(train(labelled, "poisoned"))
    text = verdict(labelled)
    assert "it has lost" in text or "it is worse" in text
    assert re.search(r"of (9|10|11)[0-9] test images", text)


@pytest.mark.slow
def test_a_real_version_that_learned_more_is_accepted(labelled: World) -> None:
    deploy(labelled, train(labelled, "first"))
    put(labelled, LABELLED_FOLDER, [*TRAINING_DIGITS[60:], *MORE_DIGITS])
    assert labelled.evaluation().accepts(train(labelled, "better"))
    assert "better on" in verdict(labelled)
