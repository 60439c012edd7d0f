"""Corrections of labels over a real endpoint: an image is always in a folder, and who said what is kept."""

from itertools import chain
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.integration.clients import dynamodb
from tests.integration.pictures import FRESH_DIGITS, TRAINING_DIGITS, png
from tests.integration.world import World

from label_loop.domain.label_history import LabelEntry
from label_loop.domain.log_row import LogRow
from label_loop.exceptions import NotCorrectedError
from label_loop.payloads import (
    LABELLED_FOLDER,
    NONE_FOLDER,
    NONE_OF_THE_ABOVE,
    TEST_FOLDER,
    LabelSource,
    TrainingAttempt,
)
from label_loop.workflows.correction import Corrections

CAT = f"{LABELLED_FOLDER}cat/1.png"
DOG = f"{LABELLED_FOLDER}dog/1.png"
ID = "0a1b2c3d-0000-5000-8000-000000000000"


def corrections(world: World, who: str = "ann", **changes: Any) -> Corrections:
    context = world.context()
    given = {
        "client": context.clients.s3_client,
        "bucket": world.bucket,
        "history": context.clients.label_history,
        "row": lambda detection_id: context.clients.log.rows([detection_id]).get(detection_id),
        "allows_new_labels": False,
        "who": who,
    }
    return Corrections(**{**given, **changes})


def history(world: World) -> list[LabelEntry]:
    """Return all entries, by content and in order."""
    items = dynamodb(world.aws.url).Table(world.record()["labels_table"]).scan()["Items"]
    return sorted(map(LabelEntry.from_item, items), key=lambda entry: (entry.content, entry.id))


def said(world: World) -> list[tuple[str, str, LabelSource]]:
    return [(entry.label, entry.labelling.who, entry.labelling.source) for entry in history(world)]


def trained(world: World, run_id: str) -> TrainingAttempt:
    attempt = world.training().prepare(resume=False, forced=True, run_id=run_id)
    assert attempt
    world.set_state(last_training_attempt=attempt)
    return attempt


def labels_of(world: World, attempt: TrainingAttempt) -> dict[str, tuple[str, str]]:
    images = chain(*world.training().candidates.of_attempt(attempt))
    return {image.key: (image.label, image.labelled_by) for image in images}


@pytest.fixture
def labelled(bare: World) -> World:
    """Give a loop with the labels cat and dog."""
    bare.put(CAT, png(1))
    bare.put(f"{LABELLED_FOLDER}dog/0.png", png(2))
    return bare


def test_a_corrected_label_reaches_the_next_training(labelled: World) -> None:
    for number in range(3, 9):
        labelled.put(f"{LABELLED_FOLDER}{'cat' if number % 2 else 'dog'}/{number}.png", png(number))
    before = trained(labelled, "before")
    assert labels_of(labelled, before)[CAT] == ("cat", "")
    assert labelled.training().new_images().count == 0

    corrected = corrections(labelled).correct(CAT, "Dog")
    assert (corrected.target, corrected.label, corrected.elsewhere) == (DOG, "dog", ())
    assert labelled.training().new_images().count == 1
    after = labels_of(labelled, trained(labelled, "after"))
    assert after[DOG] == ("dog", "ann")
    assert CAT not in after
    assert len(after) == len(labels_of(labelled, before))
    assert labelled.training().new_images().count == 0


def test_what_was_said_of_an_image_is_kept_in_order(labelled: World) -> None:
    for number in range(3, 7):
        labelled.put(f"{LABELLED_FOLDER}{'cat' if number % 2 else 'dog'}/{number}.png", png(number))
    trained(labelled, "first")
    entries = history(labelled)
    assert len(entries) == 6
    assert {entry.labelling.source for entry in entries} == {LabelSource.FOLDER}
    calls = labelled.calls(lambda: trained(labelled, "nothing new"))
    assert {
        name: count for name, count in calls.items() if name in ("dynamodb.Query", "dynamodb.TransactWriteItems")
    } == {}

    corrections(labelled).correct(CAT, "dog")
    corrections(labelled, "bob").correct(DOG, "cat")
    trained(labelled, "second")
    content = next(entry.content for entry in entries if entry.key == CAT)
    mine = [entry for entry in history(labelled) if entry.content == content]
    assert [(one.label, one.labelling.who) for one in mine] == [("cat", ""), ("dog", "ann"), ("cat", "bob")]
    assert [one.supersedes for one in mine] == ["", mine[0].id, mine[1].id]

    labelled.client("s3").delete_object(Bucket=labelled.bucket, Key=CAT)
    trained(labelled, "third")
    trained(labelled, "fourth")
    assert [one.label for one in history(labelled) if one.content == content] == ["cat", "dog", "cat", ""]
    assert len(history(labelled)) == 6 + 3


def test_a_training_that_was_cut_off_keeps_what_was_said_once(labelled: World) -> None:
    for number in range(3, 9):
        labelled.put(f"{LABELLED_FOLDER}{'cat' if number % 2 else 'dog'}/{number}.png", png(number))
    labelled.fault("dynamodb", "TransactWriteItems", code="AccessDeniedException", status=400)
    with pytest.raises(ClientError):
        labelled.training().prepare(resume=False, forced=True, run_id="r")
    labelled.heal()
    for _ in range(2):
        labelled.training().prepare(resume=False, forced=True, run_id="r")
    assert len(history(labelled)) == 8


def test_a_loop_without_the_table_trains_and_says_how_to_get_it(
    labelled: World, caplog: pytest.LogCaptureFixture
) -> None:
    labelled.set_record(labels_table=None)
    labelled.label(TRAINING_DIGITS[:20])
    assert labelled.training().prepare(resume=False, forced=True, run_id="r")
    assert "python -m label_loop provision /integration" in caplog.text
    corrected = corrections(labelled).correct(CAT, "dog")
    assert not corrected.is_kept
    assert labelled.keys(f"{LABELLED_FOLDER}dog/") == [f"{LABELLED_FOLDER}dog/0.png", DOG]


@pytest.mark.parametrize(
    ("service", "operation"),
    [("s3", "CopyObject"), ("dynamodb", "Query"), ("dynamodb", "TransactWriteItems"), ("s3", "HeadObject"),
     ("s3", "DeleteObject"), (None, None)],
)  # fmt: skip
def test_a_correction_that_was_cut_off_is_finished_by_a_repetition(
    labelled: World, service: str | None, operation: str | None
) -> None:
    if service:
        labelled.fault(service, str(operation), code="AccessDenied", status=403)
        with pytest.raises(ClientError):
            corrections(labelled).correct(CAT, "dog")
        assert set(labelled.keys(LABELLED_FOLDER)) & {CAT, DOG}  # it is always in a folder
        labelled.heal()
    for _ in range(2):
        assert corrections(labelled).correct(CAT, "dog").target == DOG
    assert labelled.keys(LABELLED_FOLDER) == [f"{LABELLED_FOLDER}dog/0.png", DOG]
    assert said(labelled) == [("dog", "ann", LabelSource.CORRECTION)]


def test_the_role_stays_and_no_label_has_a_folder_of_its_own(labelled: World) -> None:
    tested = f"{TEST_FOLDER}cat/t.png"
    labelled.put(tested, png(5))
    assert corrections(labelled).correct(tested, "dog").target == f"{TEST_FOLDER}dog/t.png"
    none = corrections(labelled).correct(CAT, NONE_OF_THE_ABOVE.lower())
    assert none.target == f"{NONE_FOLDER}{NONE_OF_THE_ABOVE}/1.png"
    assert corrections(labelled).correct(str(none.target), "dog").target == DOG


def test_an_image_is_found_by_its_detection_and_the_answer_stays_in_the_log(world: World) -> None:
    world.label(TRAINING_DIGITS[:12])
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    world.upload("a.png", FRESH_DIGITS[0].body)
    world.detect()
    world.answer("1")
    world.review()
    row = world.row()
    corrected = corrections(world).correct(row["DetectLabelRequestId"], "2")
    assert corrected.source == row["CopiedS3ObjectKey"]
    assert world.keys(f"{LABELLED_FOLDER}2/").count(str(corrected.target)) == 1
    assert world.row() == row
    (entry,) = history(world)
    assert entry.labelling.detection_id == row["DetectLabelRequestId"]
    again = corrections(world).correct(row["DetectLabelRequestId"], "2")
    assert again.target == corrected.target


def test_another_image_of_that_name_stays(labelled: World) -> None:
    labelled.put(DOG, png(7))
    corrected = corrections(labelled).correct(CAT, "dog")
    assert corrected.target not in (None, DOG)
    assert len(labelled.keys(f"{LABELLED_FOLDER}dog/")) == 3
    assert corrections(labelled).correct(CAT, "dog") == corrected


def test_an_image_in_two_folders_is_taken_out_of_the_wrong_one(labelled: World) -> None:
    labelled.put(DOG, png(1))
    assert corrections(labelled).correct(CAT, "dog").target == DOG
    assert labelled.keys(f"{LABELLED_FOLDER}cat/") == []
    assert said(labelled) == [("dog", "ann", LabelSource.CORRECTION)]


def test_equal_images_elsewhere_are_told(labelled: World) -> None:
    again = f"{LABELLED_FOLDER}cat/again.png"
    labelled.put(again, png(1))
    labelled.put(f"{LABELLED_FOLDER}dog/3.png", png(3))
    trained(labelled, "r")
    assert corrections(labelled).correct(CAT, "dog").elsewhere == (again,)
    assert corrections(labelled).remove(again).elsewhere == (CAT,)


def test_an_image_is_removed_and_what_it_was_is_kept(labelled: World) -> None:
    corrected = corrections(labelled).remove(CAT)
    assert (corrected.target, labelled.keys(f"{LABELLED_FOLDER}cat/")) == (None, [])
    assert said(labelled) == [("", "ann", LabelSource.REMOVED)]
    with pytest.raises(NotCorrectedError, match="no image"):
        corrections(labelled).remove(CAT)


def test_a_dry_run_changes_nothing(labelled: World) -> None:
    before = labelled.keys()
    assert corrections(labelled, dry_run=True).correct(CAT, "dog").target == DOG
    assert corrections(labelled, dry_run=True).remove(CAT).target is None
    assert (labelled.keys(), history(labelled)) == (before, [])


@pytest.mark.parametrize(
    ("what", "label", "problem"),
    [
        (CAT, "owl", "'owl' is not a label of this loop \\(.*'cat', 'dog'\\).*Review-Allow-New-Labels"),
        (CAT, "a/b", "a label must have no slash"),
        (f"{LABELLED_FOLDER}cat/gone.png", "dog", "there is no image .*gone.png' any more"),
        ("images_for_detection/a.png", "dog", "neither the key of an image in .* nor the id of a detection"),
        ("nobody", "dog", "nor the id of a detection"),
        (f"{LABELLED_FOLDER}cat/empty.png", "dog", "an empty file"),
    ],
)
def test_what_cannot_be_corrected_is_told(labelled: World, what: str, label: str, problem: str) -> None:
    labelled.put(f"{LABELLED_FOLDER}cat/empty.png", b"")
    with pytest.raises(NotCorrectedError, match=problem):
        corrections(labelled).correct(what, label)
    assert CAT in labelled.keys(LABELLED_FOLDER)
    assert history(labelled) == []


def test_a_new_label_is_taken_where_the_loop_allows_it(labelled: World) -> None:
    corrected = corrections(labelled, allows_new_labels=True).correct(CAT, " owl ")
    assert corrected.target == f"{LABELLED_FOLDER}owl/1.png"


def test_an_upload_is_filed_under_a_label_and_then_corrected_there(world: World) -> None:
    world.put(f"{LABELLED_FOLDER}cat/0.png", png(7))
    world.put(f"{LABELLED_FOLDER}dog/0.png", png(8))
    key = world.upload("seen.png", png(1))
    head = world.client("s3").head_object(Bucket=world.bucket, Key=key)
    row = LogRow(ID, "2026-11-25T09:00:00Z", world.bucket, key, head["ETag"].strip('"'), head["VersionId"])
    bob = corrections(world, "bob", row={ID: row}.get)
    filed = bob.correct(ID, "Cat")
    assert filed.target == f"{LABELLED_FOLDER}cat/seen-{ID[:13]}.png"
    assert bob.correct(ID, "cat").target == filed.target
    moved = bob.correct(ID, "dog")
    assert moved.target == f"{LABELLED_FOLDER}dog/seen-{ID[:13]}.png"
    assert filed.target not in world.keys(LABELLED_FOLDER)
    assert said(world) == [("cat", "bob", LabelSource.CORRECTION), ("dog", "bob", LabelSource.CORRECTION)]
    assert key in world.keys("images_for_detection/")
    assert bob.correct(ID, NONE_OF_THE_ABOVE).target == f"{NONE_FOLDER}{NONE_OF_THE_ABOVE}/seen-{ID[:13]}.png"


def test_an_upload_that_is_gone_is_not_filed(world: World) -> None:
    world.put(f"{LABELLED_FOLDER}cat/0.png", png(7))
    row = LogRow(ID, "2026-11-25T09:00:00Z", world.bucket, "images_for_detection/gone.png", "0" * 32)
    with pytest.raises(NotCorrectedError, match="was deleted from S3"):
        corrections(world, row={ID: row}.get).correct(ID, "cat")
    assert world.keys(LABELLED_FOLDER) == [f"{LABELLED_FOLDER}cat/0.png"]
    with pytest.raises(NotCorrectedError, match="in no folder of a label"):
        corrections(world, row={ID: row}.get).remove(ID)
