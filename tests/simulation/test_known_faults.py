"""Faults that are known, each by the shortest history that shows it: a strict expected failure, until it is mended."""

import json
from typing import Any

import pytest
from tests.simulation import runs
from tests.simulation.fakes.rekognition import FAILED
from tests.simulation.gate import Disturbance, Kind, Process
from tests.simulation.history import History
from tests.simulation.steps import Answer, Deploy, EditStore, EditVariable, Run, RunTwo, Train, Upload, Wait, process
from tests.simulation.world import ANSWERS, BUCKET, LABELLED, UPLOADS, World, dead_letters_url, picture, queue_url

_SWITCH, _INTERVAL = "Enable-Automatic-Training", "Human-Sampling-Interval"


def fault(promise: str, seen: str) -> pytest.MarkDecorator:
    """Expect a failure: the promise of docs/reliability.md that is broken, and the input by which it is."""
    return pytest.mark.xfail(strict=True, raises=AssertionError, reason=f"Promise {promise}: {seen}")


def begun(**how: Any) -> History:
    return History(with_known_faults=True, **how)


def reviewed(confidence: float = 50.0, **how: Any) -> tuple[History, str]:
    """Return a history with one upload that is in review, and the review's name."""
    history = begun(**how)
    history.do(Upload("cat", confidence), Run("detect"))
    (name,) = history.world.a2i.loops
    return history, name


def put_answer(world: World, name: str, label: str, source: str = "A2I Workflow", **more: Any) -> None:
    """Write the file of an answer that nobody gave by A2I."""
    content = {"source": source, "detectLabelRequestId": name.removeprefix("label-loop-"), "taskObject": "x"}
    answer = {"answerContent": {"crowd-image-classifier": {"label": label}}, "submissionTime": "2026-11-23T10:00:00Z"}
    output = {"humanLoopName": name, "inputContent": content, "humanAnswers": [{**answer, **more}]}
    world.s3.put(BUCKET, f"{ANSWERS}flow/2026/11/23/10/00/00/{name}/output.json", json.dumps(output).encode())


# ------------------------------------------------------------------------- the record


@fault("4", "a listing's mark and a move of the endpoint are written within the same moment")
def test_two_changes_of_the_record_at_once_are_both_kept() -> None:
    for calls in range(1, 16):
        history = begun()
        history.do(Deploy(0), Train(2), Wait(4000.0), Train(2))  # what is left is to move the endpoint
        history.do(RunTwo(("review", "train"), (calls, 100)))
        assert history.world.endpoint and "/v0/" in history.world.endpoint, f"interrupted after {calls} calls"


@fault("4", "AWS gets the request to stop an idle model twice, since its first answer was lost")
def test_a_model_whose_stop_is_asked_for_twice_wakes_with_the_next_upload() -> None:
    for write in range(1, 9):
        history = begun(parameters={"Idle-Model-Stop-Minutes": "30"})
        # The wait for uploads ends as the model is idle, and the next run stops it.
        history.do(Wait(1900.0), Run("detect"), Run("detect", (Disturbance(write, Kind.REPEATED, is_write=True),)))
        assert waking(history), f"the upload waits for ever: the write {write} was repeated"


def waking(history: History) -> bool:
    """Upload an image, and return whether it is detected within an hour."""
    history.do(Wait(700.0), Upload("cat", 99.0))
    for _ in range(6):
        history.do(Run("detect"), Wait(700.0))
    return bool(history.world.rows())


@fault("4", "two runs of detection stop an idle model at once")
def test_a_model_that_two_runs_stop_at_once_wakes_with_the_next_upload() -> None:
    for calls in range(1, 30):
        history = begun(parameters={"Idle-Model-Stop-Minutes": "30"})
        history.do(Wait(1900.0))
        history.world.memory.pop("waits")
        history.do(RunTwo(("detect", "detect"), (calls, 100)))
        assert waking(history), f"the upload waits for ever: interrupted after {calls} calls"


# --------------------------------------------------------------------------- parameters


@fault("5", "Parameter Store answers with the values of a minute ago")
def test_a_late_read_of_parameter_store_undoes_no_edit() -> None:
    history = begun()
    history.do(Wait(300.0), EditVariable(_SWITCH, "false"), Run("sync"))
    history.world.ssm.late_by_seconds = 60.0
    history.do(Run("sync"))
    assert history.world.variables[f"sim/{_SWITCH}"] == "false"


@fault("5", "a person changes Parameter Store while a sync runs that copies an older change of the Variable")
def test_an_edit_of_parameter_store_during_a_sync_is_kept() -> None:
    for calls in range(1, 12):
        history = begun()
        world = history.world
        history.do(EditVariable(_INTERVAL, "5"))
        edit = Process("person", lambda world=world: world.edit_store(_INTERVAL, "9"))  # type: ignore[misc]
        world.run(process(world, "sync", runs.sync), edit, turns=(calls, 1))
        history.do(Run("sync"), Run("sync"))
        assert world.variables[f"sim/{_INTERVAL}"] == "9", f"interrupted after {calls} calls"


@fault("5", 'somebody wrote {"values": true} into Parameter-Sync-State')
def test_any_state_of_the_sync_heals() -> None:
    history = begun()
    history.world.variables["sim/Parameter-Sync-State"] = '{"values": true}'
    history.do(EditVariable(_INTERVAL, "7"))
    done = process(history.world, "sync", runs.sync)
    history.world.run(done)
    assert done.error is None
    assert history.world.ssm.text(f"/sim/{_INTERVAL}") == history.world.variables[f"sim/{_INTERVAL}"]


class Shadowed(dict[str, str]):
    """Variables of which one is shadowed, as by an environment variable: it is read, and never written."""

    def get(self, key: str, default: Any = None) -> Any:
        return "5" if key == f"sim/{_INTERVAL}" else super().get(key, default)


@fault("5", "an environment variable shadows a Variable, and a person corrects Parameter Store")
def test_a_shadowed_variable_is_not_written_to_parameter_store() -> None:
    history = begun()
    history.world.variables = Shadowed(history.world.variables)
    history.world.connect()
    history.do(Run("sync"), Run("sync"), EditStore(_INTERVAL, "3"), Run("sync"), Run("sync"), Run("sync"))
    assert history.world.ssm.text(f"/sim/{_INTERVAL}") == "3"


@fault("5", "Enable-A2I-Workflow is switched off while a run works through its batches")
def test_a_parameter_is_followed_from_the_next_batch_on() -> None:
    history = begun(at_a_receive=1)
    world = history.world
    history.do(Upload("cat", 50.0, count=3))
    edit = Process("person", lambda: world.edit_variable("Enable-A2I-Workflow", "false"))
    world.gate.trace.clear()
    world.run(process(world, "detect", runs.detect), edit, turns=(12, 1))
    first, *_, last = sorted(world.rows(), key=lambda row: row["DetectLabelDate"])
    assert first["A2IEnabled"]
    assert not last["A2IEnabled"]


# ------------------------------------------------------------------------------- images


@fault("2", "a reviewed image is archived before it is answered")
def test_the_answer_about_an_archived_image_is_logged() -> None:
    history, _ = reviewed()
    history.world.s3.archive(BUCKET, history.world.uploads[0].key)
    history.do(Answer(0, "dog"), *[step for _ in range(8) for step in (Run("review"), Wait(200.0))])
    assert history.world.rows()[0].get("HumanLabel") == "dog"


def labelled(world: World, label: str, count: int) -> None:
    for number in range(count):
        world.label(label, f"new-{number}", 1000 + number)


def checked(history: History) -> list[str]:
    """Run a training check to its end; return the keys that were trained."""
    runs.trigger_training(history.world)
    history.do(Train(20), Wait(4000.0), Train(20), Wait(700.0), Train(20))
    trainings = history.world.rekognition.trainings
    return sorted(key for key, _, _ in trainings[-1].training_set) if trainings else []


@fault("5", "one labelled image of many has the storage class GLACIER")
def test_an_archived_image_is_left_out_of_a_training() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    history.world.s3.archive(BUCKET, f"{LABELLED}cat/new-0.png")
    assert len(checked(history)) == 7


@fault("5", "a trained image is archived, and others are new")
def test_an_image_that_is_archived_after_it_was_trained_is_left_out() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    assert len(checked(history)) == 8
    history.world.s3.archive(BUCKET, f"{LABELLED}cat/new-0.png")
    labelled(history.world, "dog", 4)
    assert len(checked(history)) == 11


@fault("3", "the images of a rejected training are copied onto themselves")
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


@fault("5", "one answer adds a label with a single image")
def test_a_label_with_a_single_image_holds_up_no_other() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    labelled(history.world, "owl", 1)
    assert len(checked(history)) == 8


@fault("5", "the model's confidence is 69.99996 and the minimum 70")
def test_the_log_says_of_an_upload_in_review_that_it_was_not_accepted() -> None:
    history, _ = reviewed(69.99996)
    (row,) = history.world.rows()
    assert row["DetectedConfidenceLevel"] < row["MinimumConfidenceLevel"]


# ------------------------------------------------------------------------------ messages


@fault("5", "EventBridge tells that an upload was deleted")
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


@pytest.mark.parametrize(("label", "more"), [("zebra", {}), ("dog", {"submissionTime": '=HYPERLINK("x")'})])
@fault("2", "a file answers with a label that has no folder, or with a time that is none")
def test_what_an_answer_says_is_read_by_the_rules_of_the_loop(label: str, more: dict[str, Any]) -> None:
    history, name = reviewed()
    put_answer(history.world, name, label, **more)
    history.world.run(process(history.world, "review", runs.review))
    row = history.world.rows()[0]
    assert row.get("HumanLabel") != "zebra"
    assert not row.get("HumanLoopCompletionDate", "").startswith("=")


@fault("2", "the file of an answer names another source than the row")
def test_the_row_decides_where_its_image_goes() -> None:
    history, name = reviewed()
    put_answer(history.world, name, "dog", source="Human Sampling")
    history.world.run(process(history.world, "review", runs.review))
    assert "CopiedS3ObjectKey" in history.world.rows()[0]


@fault("2", "three workers answer: cat, cat, and nothing")
def test_the_answers_of_several_workers_count_without_a_blank_one() -> None:
    history, name = reviewed()
    world = history.world
    output = json.loads(world.a2i.output(world.a2i.loops[name], "cat"))
    (answer,) = output["humanAnswers"]
    output["humanAnswers"] = [answer, answer, {**answer, "answerContent": {"crowd-image-classifier": {}}}]
    world.s3.put(BUCKET, f"{ANSWERS}flow/1/{name}/output.json", json.dumps(output).encode())
    world.run(process(world, "review", runs.review))
    assert world.rows()[0].get("HumanLabel") == "cat"


# -------------------------------------------------------------------------------- models


@fault("4", "the serving version fails by itself, and uploads come")
def test_a_model_that_stopped_by_itself_is_told_where_uploads_wait() -> None:
    history = begun()
    (version,) = [one for one in history.world.rekognition.settled() if one.name == "v1"]
    history.world.rekognition.enter(version, FAILED)
    history.world.sns.published.clear()
    history.do(Upload("cat", 50.0), *[step for _ in range(4) for step in (Run("detect"), Wait(4000.0))])
    assert any("v1" in json.dumps(one) for one in history.world.sns.published)
