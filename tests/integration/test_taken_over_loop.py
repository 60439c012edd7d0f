"""A loop after the command has taken the AWS sample's deployment over: nothing is lost, nothing paid for twice."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.clients import SharedSession
from tests.integration.model import Model
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.test_adopted_loop import SampleWorld
from tests.integration.world import World

from label_loop.inbox.reconciliation import UploadsReconciliation
from label_loop.inbox.sources import answers_inbox, uploads_inbox
from label_loop.payloads import UPLOADS_FOLDER
from label_loop.provisioning import Options
from label_loop.provisioning.adoption import adopt, give_back
from label_loop.provisioning.site import Site
from label_loop.workflows.detection import DetectionWorkflow
from label_loop.workflows.human_review import HumanReviewWorkflow


class TakenOverWorld(SampleWorld):
    """The sample's deployment with its triggers, and the command."""

    def site(self) -> Site:
        session: Any = SharedSession(self.aws.url)
        return Site(self.loop, Options(), session, lambda line: None)

    def detect_as_the_sample(self, name: str, id_: str, review: str = "2f3e") -> None:
        """Upload an image, and log it as the sample does."""
        key = f"{UPLOADS_FOLDER}{name}"
        self.log_as_the_sample(id_, key, self.put(key, FRESH_DIGITS[7].body), datetime.now(UTC), review)

    def detect_from_queue(self) -> int:
        context = self.context()
        return DetectionWorkflow(context, uploads_inbox(context)).drain().detected

    def reconcile(self) -> int:
        """Look through the folder for what no event told of, as two hours later."""
        context = self.context()
        return (
            DetectionWorkflow(context, UploadsReconciliation(context, datetime.now(UTC) + timedelta(hours=2)))
            .drain()
            .detected
        )


@pytest.fixture
def sample(make_world: Callable[..., World], model: Model) -> TakenOverWorld:
    world = make_world(TakenOverWorld)
    assert isinstance(world, TakenOverWorld)
    world.deploy_sample(model)
    world.sample_stack.add_triggers(world.client)
    return world


def test_new_uploads_are_detected_once_and_old_ones_not_again(sample: TakenOverWorld) -> None:
    sample.detect_as_the_sample("just-before.png", "11111111-1111-4111-8111-000000000001")
    endpoint = sample.state().endpoint_arn
    adopt(sample.site())
    sample.upload("after.png", FRESH_DIGITS[11].body)
    assert (sample.detect_from_queue(), sample.detect_from_queue()) == (1, 0)
    sample.set_state(uploads_reconciled_until=(datetime.now(UTC) - timedelta(days=2)).isoformat())
    assert sample.reconcile() == 0
    assert len(sample.rows()) == 5
    assert sample.state().endpoint_arn == endpoint


def test_what_the_sample_detected_between_two_adoptions_is_not_detected_again(sample: TakenOverWorld) -> None:
    adopt(sample.site())
    sample.set_state(uploads_reconciled_until=sample.state().uploads_taken_over_until)
    give_back(sample.site())
    sample.detect_as_the_sample("between.png", "11111111-1111-4111-8111-000000000002")
    adopt(sample.site())
    sample.upload("after.png", FRESH_DIGITS[12].body)
    assert sample.detect_from_queue() == 1
    assert sample.reconcile() == 0
    names = [row["S3ObjectKey"].rsplit("/", 1)[-1] for row in sample.rows()]
    assert sorted(names) == ["after.png", "between.png", "old-0.png", "old-1.png", "old-2.png"]


def test_an_answer_to_a_human_loop_that_the_sample_opened_reaches_the_samples_row(sample: TakenOverWorld) -> None:
    id_ = "11111111-1111-4111-8111-000000000003"
    sample.detect_as_the_sample("asked.png", id_, "the-samples-own-name")
    asked = {
        "source": "A2I Workflow",
        "detectLabelRequestId": id_,
        "detectedConfidenceLevel": 12.5,
        "detectedLabel": "1",
        "taskObject": f"s3://{sample.bucket}/{UPLOADS_FOLDER}asked.png",
    }
    sample.client("sagemaker-a2i-runtime").start_human_loop(
        HumanLoopName="the-samples-own-name",
        FlowDefinitionArn=sample.record()["flow_definition_arn"],
        HumanLoopInput={"InputContent": json.dumps(asked)},
    )
    adopt(sample.site())
    sample.answer("3", "the-samples-own-name")
    context = sample.context()
    inbox = answers_inbox(context)
    assert HumanReviewWorkflow(context, inbox, linger_seconds=0).drain().answered == 1
    (row,) = [row for row in sample.rows() if row["DetectLabelRequestId"] == id_]
    assert row["HumanLabel"] == "3"
    assert row["CopiedS3ObjectKey"].startswith("images_labeled_by_folder/3/")
