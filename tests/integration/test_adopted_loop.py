"""A loop laid out as the AWS sample's stack leaves it: its own names, no queues, old images and log rows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.integration.model import Model
from tests.integration.pictures import FRESH_DIGITS, TRAINING_DIGITS
from tests.integration.world import World
from tests.testing.sample_layout import SampleStack

from label_loop.exceptions import UnfinishedWorkError
from label_loop.inbox.folder import FolderInbox
from label_loop.inbox.reconciliation import UploadsReconciliation
from label_loop.loop import Loop
from label_loop.loop_state import Mark
from label_loop.payloads import ANSWERS_FOLDER, LABELLED_FOLDER, MAX_RECEIVES, UPLOADS_FOLDER
from label_loop.triggers.inbox import FolderTrigger
from label_loop.workflows.detection import DetectionSummary, DetectionWorkflow
from label_loop.workflows.human_review import HumanReviewWorkflow, ReviewSummary
from label_loop.workflows.parameter_sync import ParameterSyncWorkflow
from local_aws.server import LocalAws

YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


def sample_time(moment: datetime) -> str:
    """Return a time as the sample's log has it: the S3 event's."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


class SampleWorld(World):
    """The sample's deployment, and the states that work on it by listing."""

    def __init__(self, aws: LocalAws, loop: Loop, variables: dict[str, str]) -> None:
        self.sample_stack = SampleStack(loop.name)
        super().__init__(aws, self.sample_stack.loop, variables)

    def deploy_sample(self, model: Model) -> None:
        self.sample_stack.lay_out(self.client)
        self.set_record(previous_trained_images=20)
        self.deploy(model, name="sample")
        self._add_old_images()

    def _add_old_images(self) -> None:
        """Three images that the sample detected a second after each upload, a few minutes apart, and their labels."""
        for digit in range(10):
            self.put(f"{LABELLED_FOLDER}{digit}/", b"")
        for n in range(3):
            key, moment = f"{UPLOADS_FOLDER}old-{n}.png", YESTERDAY + timedelta(minutes=5 * n)
            etag = self.put(key, FRESH_DIGITS[n].body)
            self.date(key, moment)
            self.log_as_the_sample(f"{n}{n}{n}{n}{n}{n}{n}{n}-1111-4111-8111-111111111111", key, etag, moment)

    def log_as_the_sample(self, id_: str, key: str, etag: str, moment: datetime, review: str = "2f3e") -> None:
        """Log an upload as the sample does, under Rekognition's request id, and with its own name of the review."""
        row = {
            "DetectLabelRequestId": id_,
            "DetectLabelDate": sample_time(moment),
            "S3Bucket": self.bucket,
            "S3ObjectKey": key,
            "S3ObjectEtag": etag,
            "ProjectVersionArn": self.state().endpoint_arn,
            "DetectedLabel": "1",
            "DetectedConfidenceLevel": Decimal("12.5"),
            "MinimumConfidenceLevel": Decimal(70),
            "A2IEnabled": True,
            "Sampled": "No",
            "HumanLoopName": review,
            "HumanLoopRequestId": id_,
        }
        self.add_rows([row])

    def detect(self) -> DetectionSummary:
        context = self.context()
        assert context.store.record.uploads_queue_url is None
        return DetectionWorkflow(context, FolderInbox(context, UPLOADS_FOLDER, Mark.UPLOADS_SEEN)).drain()

    def review(self) -> ReviewSummary:
        context = self.context()
        inbox = FolderInbox(context, ANSWERS_FOLDER, Mark.ANSWERS_SEEN)
        return HumanReviewWorkflow(context, inbox, linger_seconds=0).drain()


@pytest.fixture
def adopted(make_world: Callable[..., World], model: Model) -> SampleWorld:
    world = make_world(SampleWorld)
    assert isinstance(world, SampleWorld)
    world.deploy_sample(model)
    return world


def test_what_the_old_log_covers_is_not_detected_again(adopted: SampleWorld) -> None:
    assert adopted.detect().detected == 0
    assert len(adopted.rows()) == 3
    assert "rekognition.DetectCustomLabels" not in adopted.calls(adopted.detect)


def test_new_uploads_are_detected_once_however_often_the_folder_is_listed(adopted: SampleWorld) -> None:
    adopted.detect()
    keys = [adopted.upload(f"new-{n}.png", FRESH_DIGITS[10 + n].body) for n in range(3)]
    assert adopted.detect().detected == 3
    assert adopted.detect().detected == 0
    new = [row["S3ObjectKey"] for row in adopted.rows() if "new-" in row["S3ObjectKey"]]
    assert sorted(new) == sorted(keys)
    assert len({loop["name"] for loop in adopted.human_loops()}) == len(adopted.human_loops()) <= 3


def test_an_upload_without_an_event_is_told_from_those_that_the_sample_detected(adopted: SampleWorld) -> None:
    adopted.set_state(uploads_reconciled_until=(YESTERDAY - timedelta(hours=1)).isoformat())
    key = adopted.upload("lost.png", FRESH_DIGITS[10].body)
    listing = UploadsReconciliation(adopted.context(), datetime.now(UTC) + timedelta(hours=2))
    assert [delivery.events[0].key for delivery in listing.receive(0)] == [key]


def test_an_upload_that_failed_comes_again_with_the_next_run_and_not_in_the_same(adopted: SampleWorld) -> None:
    adopted.detect()
    keys = [adopted.upload(f"new-{n}.png", FRESH_DIGITS[10 + n].body) for n in range(3)]
    adopted.fault("rekognition", "DetectCustomLabels", code="AccessDeniedException", count=1)
    with pytest.raises(UnfinishedWorkError, match="1 item failed"):
        adopted.detect()
    assert adopted.aws.faults.describe() == []
    assert adopted.detect().detected == 1
    assert sorted(row["S3ObjectKey"] for row in adopted.rows() if "new-" in row["S3ObjectKey"]) == sorted(keys)


def test_answers_are_applied_by_listing(adopted: SampleWorld) -> None:
    adopted.set_variable("Minimum-Label-Detection-Confidence", "100")
    adopted.detect()
    adopted.review()
    adopted.upload("new.png", FRESH_DIGITS[10].body)
    adopted.detect()
    adopted.answer("7")
    assert adopted.review().answered == 1
    assert adopted.review().answered == 0
    (row,) = [row for row in adopted.rows() if row["S3ObjectKey"].endswith("new.png")]
    assert row["HumanLabel"] == "7"
    assert adopted.keys(LABELLED_FOLDER) == [row["CopiedS3ObjectKey"]]


def test_an_answer_to_a_task_of_the_sample_is_applied(adopted: SampleWorld) -> None:
    row = adopted.rows()[0]
    content = {"source": "A2I Workflow", "detectLabelRequestId": row["DetectLabelRequestId"]}
    answers = [
        {"answerContent": {"crowd-image-classifier": {"label": "7"}}, "submissionTime": "2026-11-23T09:00:00.000Z"}
    ]
    adopted.put_answer({"humanLoopName": "2f3e", "inputContent": content, "humanAnswers": answers})
    assert adopted.review().answered == 1
    assert adopted.rows()[0]["HumanLabel"] == "7"


def test_an_answer_without_its_row_is_tried_five_times_and_put_aside_with_its_reason(
    adopted: SampleWorld, caplog: pytest.LogCaptureFixture
) -> None:
    content = {"source": "A2I Workflow", "detectLabelRequestId": "unknown"}
    answers = [{"answerContent": {"crowd-image-classifier": {"label": "7"}}}]
    key = adopted.put_answer({"humanLoopName": "2f3e", "inputContent": content, "humanAnswers": answers})
    for _ in range(MAX_RECEIVES):
        with pytest.raises(UnfinishedWorkError, match="1 item failed"):
            _within_rounds(adopted, 20)
    assert adopted.calls(lambda: _within_rounds(adopted, 20)).get("s3.GetObject", 0) == 0
    (kept,) = adopted.state().failed_objects
    assert (kept.tries, kept.text) == (MAX_RECEIVES, "")  # a state in the record has no room for texts
    assert f"{key} failed 5 times and was put aside" in caplog.text
    assert "The log has no detection 'unknown'" in caplog.text
    assert isinstance(adopted.run_review().trigger, FolderTrigger)  # it counts as no work any more


def _within_rounds(world: SampleWorld, most: int) -> Any:
    """Apply answers, and fail where the folder is listed without end."""
    context = world.context()
    inbox = FolderInbox(context, ANSWERS_FOLDER, Mark.ANSWERS_SEEN)
    receive, rounds = inbox.receive, iter(range(most))

    def counted(wait_seconds: int) -> Any:
        assert next(rounds, None) is not None, "the run does not end"
        return receive(wait_seconds)

    inbox.receive = counted  # type: ignore[method-assign]
    return HumanReviewWorkflow(context, inbox, linger_seconds=0).drain()


def test_sampling_looks_forward_from_the_first_check(adopted: SampleWorld) -> None:
    adopted.set_variable("Human-Sampling-Interval", "1")
    assert adopted.sample() == 0
    adopted.detect()
    adopted.upload("new.png")
    adopted.detect()
    assert adopted.sample() == 1
    assert [row["Sampled"] for row in adopted.rows()] == ["No", "No", "No", "Yes"]


def test_sampling_goes_on_after_the_last_sample_of_the_old_log(adopted: SampleWorld) -> None:
    adopted.set_variable("Human-Sampling-Interval", "2")
    first, *_ = adopted.rows()
    adopted.add_rows([{**first, "Sampled": "Yes"}])
    assert adopted.sample() == 1
    old, *block = [row["Sampled"] for row in adopted.rows()]
    assert (old, sorted(block)) == ("Yes", ["No", "Yes"])


def test_training_counts_from_the_samples_number_and_keeps_its_keys(adopted: SampleWorld) -> None:
    adopted.label(TRAINING_DIGITS[:29])
    assert adopted.training().check(forced=False).action == "none"
    adopted.label(TRAINING_DIGITS[29:30])
    assert adopted.training().check(forced=False).action == "train"
    before = adopted.record()
    attempt = adopted.training().prepare(resume=False, forced=False, run_id="r")
    assert attempt
    assert attempt.images == 30
    adopted.training().create_version(attempt)
    after = adopted.record()
    kept = before.keys() - {"revision"}
    assert {key: after[key] for key in kept} == {**{key: before[key] for key in kept}, "previous_trained_images": 30}


def test_parameters_that_the_sample_has_are_synced(adopted: SampleWorld) -> None:
    adopted.put_parameter("Minimum-F1-Score", "0.65")
    assert ParameterSyncWorkflow(adopted.context()).sync().did_something
    assert adopted.variable("Minimum-F1-Score") == "0.65"


def test_the_operator_waits_by_listing_where_the_loop_has_no_queue(adopted: SampleWorld) -> None:
    assert isinstance(adopted.run_detection().trigger, FolderTrigger)
    adopted.upload("new.png")
    assert adopted.run_detection()["detected"] == 1
