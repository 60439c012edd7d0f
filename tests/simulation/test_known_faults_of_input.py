"""Known faults, as in ``test_known_faults.py``: what images, messages and answers do that are not as expected."""

import json

from tests.simulation import runs
from tests.simulation.gate import Disturbance, Kind
from tests.simulation.history import History
from tests.simulation.model_steps import Train
from tests.simulation.review_steps import Answer
from tests.simulation.scripts import begun, fault, put_answer, reviewed
from tests.simulation.steps import RemoveUpload, Run, Upload, Wait, process
from tests.simulation.world import ANSWERS, BUCKET, LABELLED, UPLOADS, World, dead_letters_url, picture, queue_url

# ------------------------------------------------------------------------------- images


@fault("2", "a reviewed image is archived before it is answered")
def test_the_answer_about_an_archived_image_is_logged() -> None:
    history, _ = reviewed()
    history.world.s3.archive(BUCKET, history.world.uploads[0].key)
    history.do(Answer(0, "dog"), *[step for _ in range(8) for step in (Run("review"), Wait(200.0))])
    assert history.world.rows()[0].get("HumanLabel") == "dog"


@fault("2", "a process is killed after it copied an image, and the upload is removed before the next one")
def test_a_copy_that_a_killed_process_made_is_known_though_its_upload_is_gone() -> None:
    for write in range(1, 6):
        history, _ = reviewed()
        killed = (Disturbance(write, Kind.CRASH_AFTER, is_write=True),)
        history.do(Answer(0, "cat"), Run("review", killed), RemoveUpload(0), Wait(200.0), Run("review"))


def labelled(world: World, label: str, count: int) -> None:
    for number in range(count):
        world.label(label, f"new-{number}", 1000 + number)


def checked(history: History) -> list[str]:
    """Run a training check to its end; return the keys that were trained."""
    runs.trigger_training(history.world)
    history.do(Train(20), Wait(4000.0), Train(20), Wait(700.0), Train(20))
    trainings = history.world.rekognition.trainings
    return sorted(key for key, _, _ in trainings[-1].training_set) if trainings else []


def test_an_archived_image_is_left_out_of_a_training() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    history.world.s3.archive(BUCKET, f"{LABELLED}cat/new-0.png")
    assert len(checked(history)) == 7


def test_an_image_that_is_archived_after_it_was_trained_is_left_out() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    assert len(checked(history)) == 8
    history.world.s3.archive(BUCKET, f"{LABELLED}cat/new-0.png")
    labelled(history.world, "dog", 4)
    assert len(checked(history)) == 11


def test_images_copied_onto_themselves_train_nothing_again() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    history.world.rekognition.next_f1 = 0.1
    assert checked(history)
    history.do(Wait(60.0))
    for image in history.world.objects(LABELLED):
        history.world.s3.put(BUCKET, image.key, image.body)
    checked(history)
    assert len(history.world.rekognition.trainings) == 1


def test_a_label_with_a_single_image_holds_up_no_other() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    labelled(history.world, "owl", 1)
    assert len(checked(history)) == 8


# ------------------------------------------------------------------------------ messages


def test_an_event_of_no_interest_is_no_dead_letter() -> None:
    history = begun()
    detail = {"bucket": {"name": BUCKET}, "object": {"key": f"{UPLOADS}a.png", "sequencer": "1"}}
    body = json.dumps({"source": "aws.s3", "detail-type": "Object Deleted", "detail": detail})
    history.world.sqs.send(queue_url("uploads"), body)
    history.do(Run("detect"))
    assert history.world.sqs.queues[dead_letters_url("uploads")].messages == []


@fault("1", "a message names another loop's bucket")
def test_an_upload_into_another_bucket_is_not_detected() -> None:
    history = begun()
    world = history.world
    world.s3.buckets["other"] = type(world.s3.buckets[BUCKET])()
    version = world.s3.put("other", f"{UPLOADS}a.png", picture("cat", 50.0))
    assert version
    history.world.run(process(world, "detect", runs.detect))
    assert world.rows() == []


@fault("2", "a message names an answer in another loop's bucket")
def test_an_answer_from_another_bucket_is_not_applied() -> None:
    history, name = reviewed()
    world = history.world
    world.s3.buckets["other"] = type(world.s3.buckets[BUCKET])()
    loop = world.a2i.loops[name]
    world.s3.put("other", f"{ANSWERS}flow/1/{name}/output.json", world.a2i.output(loop, "dog"))
    world.run(process(world, "review", runs.review))
    assert "HumanLabel" not in world.rows()[0]


@fault("5", "a loop without queues has a file that answers an unknown detection")
def test_an_answer_about_nothing_is_put_aside_without_a_queue_as_well() -> None:
    history = begun(has_queues=False)
    put_answer(history.world, "label-loop-0000", "cat")
    for _ in range(6):
        done = process(history.world, "review", runs.review)
        history.world.run(done)
        history.do(Wait(60.0))
    assert done.error is None


# ------------------------------------------------------------------------------- answers


@fault("2", "a file answers a detection that nobody was asked about")
def test_an_answer_that_nobody_was_asked_for_is_not_applied() -> None:
    history = begun()
    history.do(Upload("cat", 99.0), Run("detect"))
    id_ = history.world.rows()[0]["DetectLabelRequestId"]
    put_answer(history.world, f"label-loop-{id_}", "dog")
    history.world.run(process(history.world, "review", runs.review))
    assert "HumanLabel" not in history.world.rows()[0]


@fault("2", "a file answers with a label that has no folder")
def test_an_answer_names_a_label_that_the_loop_has() -> None:
    history, name = reviewed()
    put_answer(history.world, name, "zebra")
    history.world.run(process(history.world, "review", runs.review))
    assert history.world.rows()[0].get("HumanLabel") != "zebra"


def test_a_time_that_is_none_is_not_logged() -> None:
    history, name = reviewed()
    put_answer(history.world, name, "dog", submissionTime='=HYPERLINK("x")')
    history.world.run(process(history.world, "review", runs.review))
    row = history.world.rows()[0]
    assert row["HumanLabel"] == "dog"
    assert not row.get("HumanLoopCompletionDate", "").startswith("=")


@fault("2", "the file of an answer names another source than the row")
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
