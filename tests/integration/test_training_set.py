"""The training set over a real endpoint: what is read, what is left out, and what it costs."""

import json

from tests.integration.pictures import TRAINING_DIGITS, png
from tests.integration.world import World

from label_loop.payloads import LABELLED_FOLDER, MANIFESTS_FOLDER, TEST_FOLDER

TOO_LARGE = 15 * 1024 * 1024 + 1


def test_what_is_too_large_or_empty_is_told_from_the_listing_and_never_read(bare: World) -> None:
    bare.label(TRAINING_DIGITS[:20])
    bad = {f"{LABELLED_FOLDER}1/large.png": b"x" * TOO_LARGE, f"{LABELLED_FOLDER}1/empty.png": b""}
    for key, body in bad.items():
        bare.put(key, body)
    calls = bare.calls(lambda: bare.training().prepare(resume=False, forced=False, run_id="r"))
    assert calls["s3.GetObject"] == 20
    (report,) = [key for key in bare.keys(MANIFESTS_FOLDER) if key.endswith(".left-out.json")]
    told = json.loads(bare.client("s3").get_object(Bucket=bare.bucket, Key=report)["Body"].read())
    assert told == {
        f"{LABELLED_FOLDER}1/large.png": f"{TOO_LARGE} bytes: more than 15 MB",
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
    manifests, new = 2, 12 + 1
    assert calls["s3.GetObject"] == manifests + new
