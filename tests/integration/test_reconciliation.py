"""What no event told of is found by a listing, done once, and costs a call for each 1,000 objects."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.model import Model
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.world import World

from label_loop.exceptions import UnfinishedWorkError
from label_loop.inbox.reconciliation import AnswersReconciliation, UploadsReconciliation
from label_loop.inbox.sources import uploads_inbox
from label_loop.payloads import LABELLED_FOLDER
from label_loop.workflows.detection import DetectionSummary, DetectionWorkflow
from label_loop.workflows.human_review import HumanReviewWorkflow, ReviewSummary

NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def lost(world: World) -> World:
    """Give a loop whose record says from when on it is listed, and one upload whose event is lost."""
    world.set_state(uploads_reconciled_until=NOW.isoformat(), answers_reconciled_until=NOW.isoformat())
    world.upload("lost one.png", FRESH_DIGITS[3].body)
    forget(world, "uploads")
    return world


def forget(world: World, purpose: str) -> None:
    """Lose all events of a queue."""
    world._queue(purpose)._messages.clear()


def reconcile_uploads(world: World, now: datetime = LATER) -> DetectionSummary:
    context = world.context()
    listing = UploadsReconciliation(context, now)
    assert listing.is_due()
    summary = DetectionWorkflow(context, listing).drain()
    listing.finish()
    return summary


def reconcile_answers(world: World, now: datetime = LATER) -> ReviewSummary:
    context = world.context()
    listing = AnswersReconciliation(context, now)
    summary = HumanReviewWorkflow(context, listing, linger_seconds=0).drain()
    listing.finish()
    return summary


def test_an_upload_whose_event_was_lost_is_detected(lost: World) -> None:
    assert reconcile_uploads(lost).detected == 1
    assert lost.row()["S3ObjectKey"] == "images_for_detection/lost one.png"
    assert not UploadsReconciliation(lost.context(), LATER + timedelta(minutes=30)).is_due()


def test_its_event_that_comes_after_all_changes_nothing(lost: World) -> None:
    again = lost.upload("other.png", FRESH_DIGITS[4].body)
    reconcile_uploads(lost)
    assert len(lost.rows()) == 2
    assert lost.detect().repeated == 1
    assert len(lost.rows()) == 2
    assert again in {row["S3ObjectKey"] for row in lost.rows()}


def test_what_the_log_has_is_not_detected_again(lost: World) -> None:
    lost.upload_digits(5)
    lost.detect()
    assert len(lost.rows()) == 5
    calls = lost.calls(lambda: reconcile_uploads(lost))
    assert calls["rekognition.DetectCustomLabels"] == 1
    assert len(lost.rows()) == 6


def test_a_bucket_without_versions_is_told_by_key_and_content(lost: World) -> None:
    lost.client("s3").put_bucket_versioning(Bucket=lost.bucket, VersioningConfiguration={"Status": "Suspended"})
    lost.upload("known.png", FRESH_DIGITS[6].body)
    lost.detect()
    lost.upload("unknown.png", FRESH_DIGITS[7].body)
    forget(lost, "uploads")
    try:
        assert reconcile_uploads(lost).detected == 2
        assert len(lost.rows()) == 3
    finally:
        lost.client("s3").put_bucket_versioning(Bucket=lost.bucket, VersioningConfiguration={"Status": "Enabled"})


def test_what_fails_comes_again_with_the_next_listing(lost: World) -> None:
    lost.fault("rekognition", "DetectCustomLabels")
    context = lost.context()
    listing = UploadsReconciliation(context, LATER)
    with pytest.raises(UnfinishedWorkError):
        DetectionWorkflow(context, listing).drain()
    listing.finish()
    lost.heal()
    assert lost.state().uploads_reconciled_until == NOW.isoformat()
    assert reconcile_uploads(lost).detected == 1


def test_all_uploads_that_wait_for_the_first_model_are_found_whatever_their_queue_forgot(
    world: World, model: Model
) -> None:
    world.set_state(endpoint_arn=None)
    world.upload("early.png", FRESH_DIGITS[3].body)
    forget(world, "uploads")
    world.date("images_for_detection/early.png", NOW - timedelta(days=30))
    UploadsReconciliation(world.context()).begin()
    world.deploy(model)
    assert reconcile_uploads(world, NOW).detected == 1


def test_where_a_model_serves_already_older_uploads_are_no_business_of_ours(world: World) -> None:
    world.upload("old.png", FRESH_DIGITS[3].body)
    forget(world, "uploads")
    world.date("images_for_detection/old.png", NOW - timedelta(days=30))
    UploadsReconciliation(world.context()).begin()
    assert reconcile_uploads(world).detected == 0


def test_an_answer_whose_event_was_lost_is_applied_once(lost: World) -> None:
    lost.set_variable("Minimum-Label-Detection-Confidence", "100")
    lost.upload("doubtful.png", FRESH_DIGITS[5].body)
    lost.detect()
    lost.answer("7")
    forget(lost, "answers")
    assert reconcile_answers(lost).answered == 1
    assert lost.row()["HumanLabel"] == "7"
    # What the log has is not even read.
    lost.set_state(answers_reconciled_until=NOW.isoformat())
    calls = lost.calls(lambda: reconcile_answers(lost))
    assert calls.get("s3.GetObject", 0) == 0
    assert len(lost.keys(LABELLED_FOLDER)) == 1


def test_a_listing_costs_a_call_for_each_thousand_objects(lost: World) -> None:
    forgotten = NOW - timedelta(days=1)
    lost.fill("images_for_detection/", 1_100)
    for key in lost.keys("images_for_detection/"):
        lost.date(key, forgotten)
    calls = lost.calls(lambda: reconcile_uploads(lost))
    assert calls["s3.ListObjectVersions"] == 2
    assert "dynamodb.BatchGetItem" not in calls


def test_the_operators_list_once_an_hour_and_their_wait_ends_for_it(lost: World) -> None:
    for run, key in (
        (lost.run_detection, "uploads"),
        (lost.run_review, "answers"),
    ):
        wait = run()
        limit = wait.trigger.limit
        at = datetime.fromisoformat(limit["listing_at"])
        assert timedelta(minutes=50) < at - NOW < timedelta(minutes=70)
        lost.set_state(**{f"{key}_reconciled_until": (NOW - timedelta(hours=3)).isoformat()})
    lost.date("images_for_detection/lost one.png", NOW - timedelta(hours=2))
    summary = lost.run_detection()
    assert summary["detected"] == 1
    assert uploads_inbox(lost.context()).receive(0) == []
