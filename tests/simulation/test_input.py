"""What comes in: messages, listed objects, images and answers that are not as expected, by short histories."""

import json

import pytest
from tests.simulation import runs
from tests.simulation.events import Way, notification
from tests.simulation.gate import Disturbance, Kind
from tests.simulation.review_steps import Answer
from tests.simulation.scripts import begun, messages, put_answer, reviewed, told
from tests.simulation.steps import RemoveUpload, Run, Upload, Wait, process
from tests.simulation.world import ANSWERS, BUCKET, LABELLED, UPLOADS, World, dead_letters_url, picture, queue_url

# ------------------------------------------------------------------------------- images


def test_the_answer_about_an_archived_image_is_logged() -> None:
    history, _ = reviewed()
    history.world.s3.archive(BUCKET, history.world.uploads[0].key)
    history.do(Answer(0, "dog"), Run("review"))
    row = history.world.rows()[0]
    assert row.get("HumanLabel") == "dog"
    assert "archived" in row["CopyFailure"]
    assert told(history.world, "failure") == 1
    assert messages(history.world, "answers") == ([], [])


def test_a_copy_that_a_killed_process_made_is_known_though_its_upload_is_gone() -> None:
    for write in range(1, 6):
        history, _ = reviewed()
        killed = (Disturbance(write, Kind.CRASH_AFTER, is_write=True),)
        history.do(Answer(0, "cat"), Run("review", killed), RemoveUpload(0), Wait(200.0), Run("review"))
        assert history.world.rows()[0]["HumanLabel"] == "cat"


def deny(world: World, *keys: str) -> None:
    world.s3.refusals |= dict.fromkeys(keys, "AccessDenied")


def test_an_image_that_alone_is_denied_holds_up_no_other() -> None:
    history = begun()
    history.do(Upload("cat", 50.0, count=2), Run("detect"))
    deny(history.world, history.world.uploads[0].key)
    history.do(Answer(0, "dog", count=2), Run("review"))
    rows = {row["S3ObjectKey"]: row for row in history.world.rows()}
    denied, other = (rows[one.key] for one in history.world.uploads)
    assert "denied" in denied["CopyFailure"]
    assert "CopiedS3ObjectKey" in other
    assert messages(history.world, "answers") == ([], [])


def test_images_that_are_denied_without_exception_are_tried_again() -> None:
    history, _ = reviewed()
    deny(history.world, history.world.uploads[0].key)
    history.do(Answer(0, "dog"), Run("review"))
    row = history.world.rows()[0]
    assert row["HumanLabel"] == "dog"
    assert "CopyFailure" not in row
    history.world.s3.refusals.clear()
    history.do(Wait(200.0), Run("review"))
    assert "CopiedS3ObjectKey" in history.world.rows()[0]


def test_an_upload_that_is_archived_or_denied_alone_is_logged_as_failed_with_its_reason() -> None:
    history = begun()
    history.do(Upload("cat", 50.0, count=3))
    archived, denied, good = history.world.uploads
    history.world.s3.archive(BUCKET, archived.key)
    deny(history.world, denied.key)
    history.do(Run("detect"))
    failures = {row["S3ObjectKey"]: row.get("Failure", "") for row in history.world.rows()}
    assert "archived" in failures[archived.key]
    assert "denied" in failures[denied.key]
    assert failures[good.key] == ""


def test_uploads_that_are_denied_without_exception_wait() -> None:
    history = begun()
    history.do(Upload("cat", 50.0, count=2))
    deny(history.world, *(one.key for one in history.world.uploads))
    history.do(Run("detect"))
    assert history.world.rows() == []
    history.world.s3.refusals.clear()
    history.do(Wait(200.0), Run("detect"))
    assert [row.get("Failure") for row in history.world.rows()] == [None, None]


# ----------------------------------------------------------------------------- messages


def test_an_event_of_no_interest_is_no_dead_letter() -> None:
    history = begun()
    detail = {"bucket": {"name": BUCKET}, "object": {"key": f"{UPLOADS}a.png", "sequencer": "1"}}
    body = json.dumps({"source": "aws.s3", "detail-type": "Object Deleted", "detail": detail})
    history.world.sqs.send(queue_url("uploads"), body)
    history.do(Run("detect"))
    assert history.world.sqs.queues[dead_letters_url("uploads")].messages == []


def test_an_upload_into_another_bucket_is_not_detected() -> None:
    history = begun()
    world = history.world
    world.s3.buckets["other"] = type(world.s3.buckets[BUCKET])()
    world.s3.put("other", f"{UPLOADS}a.png", picture("cat", 50.0))
    history.world.run(process(world, "detect", runs.detect))
    assert world.rows() == []
    assert world.a2i.loops == {}
    waiting, (reason,) = messages(world, "uploads")
    assert waiting == []
    assert f"'s3://other/{UPLOADS}a.png' is not the loop's" in reason


@pytest.mark.parametrize("purpose", ["uploads", "answers"])
def test_an_object_outside_of_the_queues_folder_is_not_touched(purpose: str) -> None:
    history, _ = reviewed()
    world = history.world
    image = world.s3.put(BUCKET, f"{LABELLED}cat/a.png", picture("cat", 50.0))
    world.sqs.send(queue_url(purpose), notification(BUCKET, image))
    history.do(Run("detect"), Run("review"))
    assert len(world.rows()) == 1
    waiting, (reason,) = messages(world, purpose)
    assert waiting == []
    assert f"it must be in s3://{BUCKET}/" in reason


def test_a_message_of_which_a_part_is_refused_has_its_other_parts_done() -> None:
    history = begun()
    world = history.world
    own = world.upload("own.png", picture("cat", 50.0), Way(()))
    (image,) = world.objects(UPLOADS)
    records = [json.loads(notification(bucket, image))["Records"][0] for bucket in ("other", BUCKET)]
    world.sqs.send(queue_url("uploads"), json.dumps({"Records": [*records, {"eventName": 5}]}))
    history.do(Run("detect"))
    assert [row["S3ObjectKey"] for row in world.rows()] == [own.key]
    waiting, (reason,) = messages(world, "uploads")
    assert waiting == []
    assert "s3://other/" in reason


def test_an_answer_from_another_bucket_is_not_applied() -> None:
    history, name = reviewed()
    world = history.world
    world.s3.buckets["other"] = type(world.s3.buckets[BUCKET])()
    loop = world.a2i.loops[name]
    world.s3.put("other", f"{ANSWERS}flow/1/{name}/output.json", world.a2i.output(loop, "dog"))
    world.run(process(world, "review", runs.review))
    assert "HumanLabel" not in world.rows()[0]
    _, (reason,) = messages(world, "answers")
    assert "'s3://other/" in reason


# ----------------------------------------------------------------------------- listings


def test_an_answer_about_nothing_is_put_aside_without_a_queue_as_well() -> None:
    history = begun(has_queues=False)
    put_answer(history.world, "label-loop-0000", "cat")
    for _ in range(6):
        done = process(history.world, "review", runs.review)
        history.world.run(done)
        history.do(Wait(60.0))
    assert done.error is None
    (kept,) = history.world.state()["failed_objects"]
    assert kept["tries"] == 5
    assert "The log has no detection '0000'" in kept["text"]
    assert told(history.world, "failure") == 1


def test_an_upload_that_fails_each_time_is_put_aside_by_a_listing_as_well() -> None:
    """A message that was lost is found by the hourly listing, which must not look through ever more for one upload."""
    history = begun()
    world = history.world
    world.upload("poison.png", picture("cat", 50.0), Way(()))
    world.rekognition.poison.add(world.uploads[0].key)
    history.do(*[step for _ in range(6) for step in (Wait(4000.0), Run("detect"))])
    reconciled = world.state()["uploads_reconciled_until"]
    assert "poison.png" in world.state()["failed_objects"][0]["text"]
    history.do(Wait(4000.0), Run("detect"), Run("detect"))
    assert world.state()["uploads_reconciled_until"] > reconciled


# ------------------------------------------------------------------------------ answers


def test_an_answer_that_nobody_was_asked_for_is_not_applied() -> None:
    history = begun()
    history.do(Upload("cat", 99.0), Run("detect"))
    id_ = history.world.rows()[0]["DetectLabelRequestId"]
    put_answer(history.world, f"label-loop-{id_}", "dog")
    for _ in range(6):  # the row of a review may be on its way
        history.world.run(process(history.world, "review", runs.review))
        history.do(Wait(200.0))
    assert "HumanLabel" not in history.world.rows()[0]
    waiting, (reason,) = messages(history.world, "answers")
    assert waiting == []
    assert f"Nobody was asked about the detection '{id_}'" in reason


def test_an_answer_names_a_label_that_the_loop_has() -> None:
    history, name = reviewed()
    put_answer(history.world, name, "zebra")
    history.world.run(process(history.world, "review", runs.review))
    row = history.world.rows()[0]
    assert "HumanLabel" not in row
    assert "'zebra' is not a label of this loop ('cat', 'dog', 'owl')" in row["HumanLoopStatus"]
    assert told(history.world, "failure") == 1
    assert messages(history.world, "answers") == ([], [])


def test_a_new_label_is_taken_where_the_loop_allows_it() -> None:
    history, name = reviewed(parameters={"Review-Allow-New-Labels": "true"})
    history.do(Run("sync"))
    put_answer(history.world, name, "zebra")
    history.world.run(process(history.world, "review", runs.review))
    assert history.world.rows()[0]["CopiedS3ObjectKey"].startswith(f"{LABELLED}zebra/")


def test_an_answer_of_another_review_is_refused_and_the_own_one_counts() -> None:
    history, name = reviewed()
    put_answer(history.world, name, "dog", loop_name="label-loop-of-somebody-else")
    history.do(Answer(0, "cat"))
    history.world.run(process(history.world, "review", runs.review))
    assert history.world.rows()[0]["HumanLabel"] == "cat"
    assert told(history.world, "failure") == 1
    assert messages(history.world, "answers") == ([], [])


def test_the_end_of_another_review_is_not_that_of_this_one() -> None:
    history, name = reviewed()
    world = history.world
    tie = [{"answerContent": {"crowd-image-classifier": {"label": label}}} for label in ("cat", "dog")]
    output = json.loads(world.a2i.output(world.a2i.loops[name], "cat")) | {"humanLoopName": "x", "humanAnswers": tie}
    world.s3.put(BUCKET, f"{ANSWERS}flow/1/x/output.json", json.dumps(output).encode())
    world.run(process(world, "review", runs.review))
    assert "HumanLoopStatus" not in world.rows()[0]


@pytest.mark.parametrize(
    "body",
    [b"x" * 10_000_000, b"[" * 10_000, b'{"a":' * 10_000, b'{"humanLoopName": "a", "humanLoopName": "b"}', b"\x00"],
    ids=lambda body: repr(body[:5]),
)
def test_a_file_that_is_no_answer_is_refused_with_its_reason_and_holds_up_no_other(body: bytes) -> None:
    history, _ = reviewed()
    history.world.s3.put(BUCKET, f"{ANSWERS}flow/1/x/output.json", body)
    history.do(Answer(0, "cat"))
    history.world.run(process(history.world, "review", runs.review))
    assert history.world.rows()[0]["HumanLabel"] == "cat"
    assert told(history.world, "failure") == 1


def test_an_answer_file_that_is_archived_is_refused_with_its_reason() -> None:
    history, _ = reviewed()
    history.do(Answer(0, "cat", Way((1.0,))))
    history.world.s3.archive(BUCKET, history.world.objects(ANSWERS)[0].key)
    history.do(Wait(2.0))
    history.world.run(process(history.world, "review", runs.review))
    assert told(history.world, "failure") == 1
    assert messages(history.world, "answers") == ([], [])


def test_a_time_that_is_none_is_not_logged() -> None:
    history, name = reviewed()
    put_answer(history.world, name, "dog", submissionTime='=HYPERLINK("x")')
    history.world.run(process(history.world, "review", runs.review))
    row = history.world.rows()[0]
    assert row["HumanLabel"] == "dog"
    assert not row.get("HumanLoopCompletionDate", "").startswith("=")


def test_the_row_decides_where_its_image_goes() -> None:
    history, name = reviewed()
    put_answer(history.world, name, "dog", source="Human Sampling")
    history.world.run(process(history.world, "review", runs.review))
    assert "CopiedS3ObjectKey" in history.world.rows()[0]


def test_the_answers_of_several_workers_count_without_a_blank_one() -> None:
    history, name = reviewed()
    world = history.world
    output = json.loads(world.a2i.output(world.a2i.loops[name], "cat"))
    (answer,) = output["humanAnswers"]
    output["humanAnswers"] = [answer, answer, {**answer, "answerContent": {"crowd-image-classifier": {}}}]
    world.s3.put(BUCKET, f"{ANSWERS}flow/1/{name}/output.json", json.dumps(output).encode())
    world.run(process(world, "review", runs.review))
    assert world.rows()[0].get("HumanLabel") == "cat"
