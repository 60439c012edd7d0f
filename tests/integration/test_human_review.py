"""Answers over a real endpoint: each reaches the log once, and its image the training folder once."""

from pathlib import PurePosixPath
from typing import Any

import pytest
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.site import events
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.exceptions import UnfinishedWorkError
from label_loop.payloads import LABELLED_FOLDER


@pytest.fixture
def asked(world: World) -> World:
    """Give a loop with one detection in review."""
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    world.upload("my image.png", FRESH_DIGITS[5].body)
    world.detect()
    world.told()
    return world


def output_of(world: World, **changes: Any) -> dict[str, Any]:
    """Return an answer file as A2I writes it for the one detection."""
    loop = world.human_loop()
    answer = {
        "answerContent": {"crowd-image-classifier": {"label": "7"}},
        "submissionTime": "2026-11-23T09:00:00.000Z",
        "workerId": "w",
    }
    output = {
        "flowDefinitionArn": loop["flow_definition_arn"],
        "humanLoopName": loop["name"],
        "inputContent": loop["input_content"],
        "humanAnswers": [answer],
    }
    return output | changes


def test_an_answer_labels_the_row_and_copies_the_image(asked: World) -> None:
    asked.answer("7")
    summary = asked.review()
    row = asked.row()
    assert (summary.answered, summary.copied) == (1, 1)
    assert row["HumanLabel"] == "7"
    assert row["HumanLoopCompletionDate"].endswith("Z")
    (copy,) = asked.keys(LABELLED_FOLDER)
    assert copy == row["CopiedS3ObjectKey"]
    assert PurePosixPath(copy).parent == PurePosixPath(LABELLED_FOLDER) / "7"
    body = asked.client("s3").get_object(Bucket=asked.bucket, Key=copy)["Body"].read()
    assert body == FRESH_DIGITS[5].body
    (told,) = events(asked.told(), "review_answered")
    assert told["attributes"]["label"] == "7"
    assert asked.waiting("answers") == []


def test_a_repeated_answer_changes_nothing(asked: World) -> None:
    asked.answer("7")
    key = asked.put_answer(output_of(asked))
    asked.send(asked.notification(key), "answers")
    summary = asked.review()
    assert (summary.answered, summary.copied, summary.repeated) == (1, 1, 2)
    row = asked.row()
    asked.send(asked.notification(key, sequencer="02"), "answers")
    counts = asked.calls(asked.review)
    assert "s3.CopyObject" not in counts
    assert asked.row() == row
    assert len(asked.keys(LABELLED_FOLDER)) == 1
    assert len(events(asked.told(), "review_answered")) == 1


def test_the_first_answer_stands_against_a_later_one(asked: World) -> None:
    asked.answer("7")
    asked.review()
    other = {"crowd-image-classifier": {"label": "3"}}
    asked.put_answer(output_of(asked, humanAnswers=[{"answerContent": other, "submissionTime": "2030-01-01"}]))
    asked.review()
    assert asked.row()["HumanLabel"] == "7"
    assert len(asked.keys(LABELLED_FOLDER)) == 1


@pytest.mark.parametrize("tests", ["true", "false"])
def test_the_image_of_a_human_sample_tests_or_is_not_copied(world: World, tests: str) -> None:
    world.set_variable("Minimum-Label-Detection-Confidence", "0")
    world.set_variable("Human-Sampling-Interval", "1")
    world.set_variable("Test-With-Human-Samples", tests)
    world.upload("a.png")
    world.detect()
    assert world.sample() == 1
    world.answer("7")
    assert world.review().answered == 1
    assert world.row()["HumanLabel"] == "7"
    assert world.keys(LABELLED_FOLDER) == []
    tested = world.keys("images_for_testing/7/")
    assert [key.startswith("images_for_testing/7/human-sample-a-") for key in tested] == [True] * (tests == "true")


def test_the_label_that_most_workers_gave_counts(asked: World) -> None:
    def answer(label: str, time: str) -> dict[str, Any]:
        return {"answerContent": {"crowd-image-classifier": {"label": label}}, "submissionTime": time}

    asked.put_answer(output_of(asked, humanAnswers=[answer("1", "1"), answer("2", "2"), answer("2", "3")]))
    asked.review()
    assert asked.row()["HumanLabel"] == "2"


def test_answers_that_tie_end_a_review_without_one(asked: World) -> None:
    answers = [{"answerContent": {"crowd-image-classifier": {"label": label}}} for label in ("1", "2")]
    asked.put_answer(output_of(asked, humanAnswers=answers))
    assert asked.review().ended_without_answer == 1
    assert "HumanLabel" not in asked.row()
    assert asked.row()["HumanLoopStatus"].startswith("Undecided")
    assert asked.keys(LABELLED_FOLDER) == []
    (told,) = events(asked.told(), "review_expired")
    assert "1 for '1', 1 for '2'" in told["body"]["message"]


@pytest.mark.parametrize(
    ("folder", "answer"),
    [("cat", "Cat"), ("cafe\u0301", "caf\u00e9"), ("\u0645\u06cc\u200c\u062e\u0648", None)],
    ids=ascii,
)
def test_an_image_is_filed_where_its_label_has_a_folder(asked: World, folder: str, answer: str | None) -> None:
    asked.put(f"{LABELLED_FOLDER}{folder}/1.png", FRESH_DIGITS[0].body)
    asked.answer_with({"crowd-image-classifier": {"label": answer or folder}})
    assert asked.review().copied == 1
    assert asked.row()["HumanLabel"] == folder
    assert {PurePosixPath(key).parent.name for key in asked.keys(LABELLED_FOLDER)} == {folder}


def test_a_new_label_that_is_spelled_twice_at_once_is_one_folder(asked: World) -> None:
    asked.set_variable("Review-Allow-New-Labels", "true")
    asked.upload("another.png", FRESH_DIGITS[6].body)
    asked.detect()
    for loop, label in zip(asked.human_loops(), ("Owl", "OWL"), strict=True):
        asked.answer(label, loop["name"])
    assert asked.review().copied == 2
    assert len({PurePosixPath(key).parent.name for key in asked.keys(LABELLED_FOLDER)}) == 1


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"not JSON",
        b"[]",
        b"[" * 100_000,
        {"humanAnswers": []},
        {"humanAnswers": None},
        {"humanAnswers": [{}]},
        {"humanAnswers": [{"answerContent": {}}]},
        {"humanAnswers": [{"answerContent": {"crowd-image-classifier": {}}}]},
        {"inputContent": {}},
        {"inputContent": None},
    ],
    ids=lambda broken: str(broken)[:40],
)
def test_an_empty_or_malformed_answer_is_refused_and_told_and_crashes_nothing(asked: World, broken: Any) -> None:
    asked.put_answer(broken if isinstance(broken, bytes) else output_of(asked, **broken), "bad")
    asked.answer("7")
    summary = asked.review()
    assert (summary.refused, summary.answered) == (1, 1)
    (told,) = events(asked.told(), "failure")
    assert "bad/output.json" in told["body"]["answer"]
    assert asked.row()["HumanLabel"] == "7"
    assert asked.waiting("answers") == []


@pytest.mark.parametrize("label", ["", ".", "..", "../other", "a/b", "a\\b", "a\nb", "x" * 300, "中" * 300, "\u202e"])
def test_a_hostile_label_is_refused_and_copies_nothing(asked: World, label: str) -> None:
    asked.answer_with({"crowd-image-classifier": {"label": label}})
    assert asked.review().refused == 1
    assert "HumanLabel" not in asked.row()
    assert asked.keys(LABELLED_FOLDER) == []


@pytest.mark.parametrize("label", ["Grüne Äpfel & Birnen", "100 %", "a+b", "中文"])
def test_a_label_of_any_writing_names_its_folder(asked: World, label: str) -> None:
    asked.set_variable("Review-Allow-New-Labels", "true")
    asked.answer(label)
    assert asked.review().copied == 1
    assert asked.keys(LABELLED_FOLDER)[0].split("/")[1] == label


def test_an_answer_whose_row_is_missing_comes_again(asked: World) -> None:
    unknown = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    loop = asked.human_loop()
    content = {**loop["input_content"], "detectLabelRequestId": unknown}
    asked.put_answer(output_of(asked, inputContent=content))
    asked.answer("7")
    with pytest.raises(UnfinishedWorkError, match="1 item failed"):
        asked.review()
    assert asked.row()["HumanLabel"] == "7"  # the other answer was not held up
    assert len(asked.waiting("answers")) == 1
    asked.add_rows([{**asked.row(), "DetectLabelRequestId": unknown, "S3ObjectKey": asked.row()["S3ObjectKey"]}])
    asked.come_again("answers")
    assert asked.review().repeated == 1  # the added row was a copy of an answered one
    assert asked.waiting("answers") == []


def test_an_answer_that_cannot_be_logged_is_not_copied_either_and_comes_again(asked: World) -> None:
    asked.answer("7")
    asked.fault("dynamodb", "TransactWriteItems", code="AccessDeniedException")
    with pytest.raises(UnfinishedWorkError, match="AccessDenied"):
        asked.review()
    assert asked.keys(LABELLED_FOLDER) == []
    asked.heal()
    asked.come_again("answers")
    assert asked.review().answered == 1
    assert asked.keys(LABELLED_FOLDER) == [asked.row()["CopiedS3ObjectKey"]]


def test_an_answer_is_logged_before_its_image_is_copied_and_told_once_it_is(asked: World) -> None:
    asked.answer("7")
    asked.fault("s3", "CopyObject", code="SlowDown", status=503)
    with pytest.raises(UnfinishedWorkError, match="SlowDown"):
        asked.review()
    assert asked.row()["HumanLabel"] == "7"
    assert events(asked.told(), "review_answered") == []
    asked.heal()
    asked.come_again("answers")
    summary = asked.review()
    assert (summary.answered, summary.copied, summary.repeated) == (0, 1, 1)
    assert asked.keys(LABELLED_FOLDER) == [asked.row()["CopiedS3ObjectKey"]]
    (told,) = events(asked.told(), "review_answered")
    assert told["body"]["added_to_training"] is True


def test_an_expired_task_is_reported_and_logged_once(asked: World) -> None:
    name = asked.human_loop()["name"]
    asked.aws.human_review.portal._loops.find(name).started_clock -= 1e9
    assert asked.human_loop()["status"] == "Failed"
    assert len(asked.waiting("answers")) == 1
    asked.send(asked.waiting("answers")[0].body, "answers")  # status events come at least once
    assert asked.review().ended_without_answer == 1
    assert asked.row()["HumanLoopStatus"].startswith("Failed: ")
    (told,) = events(asked.told(), "review_expired")
    assert name in told["body"]["message"]
    assert asked.waiting("answers") == []


def test_a_stopped_task_is_reported(asked: World) -> None:
    asked.client("sagemaker-a2i-runtime").stop_human_loop(HumanLoopName=asked.human_loop()["name"])
    eventually(lambda: asked.human_loop()["status"] == "Stopped")
    assert asked.review().ended_without_answer == 1
    assert asked.row()["HumanLoopStatus"].startswith("Stopped")


def test_the_event_of_a_completed_task_adds_nothing_to_its_answer(asked: World) -> None:
    asked.answer("7")
    assert len(asked.waiting("answers")) == 2  # the object's notification and the status event
    asked.review()
    assert "HumanLoopStatus" not in asked.row()
    assert asked.row()["HumanLabel"] == "7"


def test_an_answer_is_kept_when_its_image_is_gone(asked: World) -> None:
    key = asked.row()["S3ObjectKey"]
    (version,) = asked.client("s3").list_object_versions(Bucket=asked.bucket, Prefix=key)["Versions"]
    asked.client("s3").delete_object(Bucket=asked.bucket, Key=key, VersionId=version["VersionId"])
    asked.answer("7")
    summary = asked.review()
    assert (summary.answered, summary.copied) == (1, 0)
    row = asked.row()
    assert row["HumanLabel"] == "7"
    assert "deleted" in row["CopyFailure"]
    assert asked.keys(LABELLED_FOLDER) == []


def test_the_image_that_was_reviewed_is_copied_and_not_its_successor(asked: World) -> None:
    asked.upload("my image.png", FRESH_DIGITS[6].body)
    asked.answer("7")
    asked.review()
    (copy,) = asked.keys(LABELLED_FOLDER)
    body = asked.client("s3").get_object(Bucket=asked.bucket, Key=copy)["Body"].read()
    assert body == FRESH_DIGITS[5].body


def test_without_versions_an_answer_is_kept_and_another_image_in_its_place_is_not_copied(
    asked: World, caplog: pytest.LogCaptureFixture
) -> None:
    row = asked.row()
    del row["S3ObjectVersionId"]
    asked.add_rows([row])
    asked.upload("my image.png", FRESH_DIGITS[6].body)
    asked.answer("7")
    summary = asked.review()
    assert (summary.answered, summary.copied) == (1, 0)
    assert asked.row()["HumanLabel"] == "7"
    assert asked.row()["CopyFailure"] == "the image was overwritten in S3"
    assert asked.keys(LABELLED_FOLDER) == []
    assert "the image was overwritten" in caplog.text


def test_without_versions_the_image_that_was_reviewed_is_copied(asked: World) -> None:
    row = asked.row()
    del row["S3ObjectVersionId"]
    asked.add_rows([row])
    asked.answer("7")
    assert asked.review().copied == 1
    assert asked.row()["CopiedS3ObjectKey"] in asked.keys(LABELLED_FOLDER)


def test_other_files_in_the_answers_folder_are_ignored(asked: World) -> None:
    asked.put("a2i-human-loop-data/flow/notes.txt", b"hello")
    assert asked.review().ignored == 1
    assert asked.waiting("answers") == []


def answered_three(unsure: World) -> World:
    unsure.upload_digits(3)
    unsure.detect()
    for loop in unsure.human_loops():
        unsure.answer("7", loop["name"])
    return unsure


def test_many_answers_are_read_and_written_together(unsure: World) -> None:
    counts = answered_three(unsure).calls(unsure.review)
    assert counts["dynamodb.BatchGetItem"] == 1
    assert counts["dynamodb.TransactWriteItems"] == 2  # the labels, then the copies
    assert counts["s3.CopyObject"] == 3
    assert [row["HumanLabel"] for row in unsure.rows()] == ["7"] * 3


def test_an_answer_that_cannot_be_written_holds_up_no_other(unsure: World) -> None:
    answered_three(unsure)
    # The transaction of all, then the first of those that are written alone.
    unsure.fault("dynamodb", "TransactWriteItems", code="ValidationException", status=400, count=2)
    with pytest.raises(UnfinishedWorkError):
        unsure.review()
    assert sum("HumanLabel" in row for row in unsure.rows()) == 2
    unsure.heal()
    assert unsure.come_again("answers") == 1
    summary = unsure.review()
    assert (summary.answered, summary.repeated) == (1, 0)
    assert all("HumanLabel" in row for row in unsure.rows())


def test_an_answer_to_what_cannot_be_a_rows_id_is_refused_and_holds_up_no_other(asked: World) -> None:
    content = {**asked.human_loop()["input_content"], "detectLabelRequestId": "x" * 2049}
    asked.put_answer(output_of(asked, inputContent=content))
    asked.answer("7")
    summary = asked.review()
    assert (summary.refused, summary.answered) == (1, 1)
