"""Detection over a real endpoint: every upload is one row, one task at most, and told once, whatever fails."""

import itertools
import json
import threading
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from tests.integration.model import Model
from tests.integration.pictures import FRESH_DIGITS, png
from tests.integration.site import events
from tests.integration.world import World

from label_loop.domain.sampling import is_drawn
from label_loop.exceptions import LabelLoopError, UnfinishedWorkError
from label_loop.loop_state import LoopState
from label_loop.payloads import UPLOADS_FOLDER, Event
from label_loop.provisioning.topic import OPERATOR_FILTER

BEYOND_PATIENCE = {"code": "InternalServerError", "status": 500}
CALLS = [
    ("rekognition", "DetectCustomLabels"),
    ("dynamodb", "TransactWriteItems"),
    ("dynamodb", "BatchGetItem"),
    ("sagemaker-a2i-runtime", "StartHumanLoop"),
    ("sns", "PublishBatch"),
    ("sqs", "DeleteMessageBatch"),
]


def assert_each_once(world: World, keys: list[str]) -> None:
    rows = world.rows()
    assert sorted(row["S3ObjectKey"] for row in rows) == sorted(keys)
    tasks = [loop["input_content"]["detectLabelRequestId"] for loop in world.human_loops()]
    assert sorted(tasks) == sorted(row["DetectLabelRequestId"] for row in rows if "HumanLoopName" in row)


def test_a_detection_is_logged_in_the_samples_attributes(world: World) -> None:
    key = world.upload("a.png", FRESH_DIGITS[3].body)
    summary = world.detect()
    row = world.row()
    assert (summary.detected, summary.unfinished, summary.problems) == (1, 0, [])
    assert row["S3ObjectKey"] == key
    assert row["S3Bucket"] == world.bucket
    assert row["ProjectVersionArn"] == world.state().endpoint_arn
    assert row["DetectedLabel"] in set("0123456789")
    assert 0 < row["DetectedConfidenceLevel"] <= 100
    assert (row["MinimumConfidenceLevel"], row["A2IEnabled"], row["Sampled"]) == (70, True, "No")
    assert world.waiting() == []


def test_only_what_is_not_accepted_goes_to_review(world: World) -> None:
    keys = world.upload_digits(5)
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    assert world.detect().sent_to_review == 5
    assert_each_once(world, keys)
    world.set_variable("Minimum-Label-Detection-Confidence", "0")
    world.upload("accepted.png")
    assert world.detect().accepted == 1
    assert len(world.human_loops()) == 5


def test_of_those_that_need_review_some_are_drawn_by_the_loops_secret(world: World) -> None:
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    world.upload_digits(20)
    world.upload("bad.png", b"hello")
    world.detect()
    secret = world.state().sampling_secret
    assert secret
    chances = {row["DetectLabelRequestId"]: row.get("DrawnChance") for row in world.rows() if "Failure" not in row}
    assert len(chances) == 20
    assert {id_ for id_, chance in chances.items() if chance} == {id_ for id_ in chances if is_drawn(id_, 0.3, secret)}
    assert set(chances.values()) <= {Decimal("0.3"), None}
    (failed,) = [row for row in world.rows() if "Failure" in row]
    assert "DrawnChance" not in failed
    world.set_variable("Minimum-Label-Detection-Confidence", "0")
    world.upload_digits(20)
    world.detect()
    assert sum("DrawnChance" in row for row in world.rows()) == sum(chance is not None for chance in chances.values())


def test_nothing_goes_to_review_when_the_workflow_is_off(world: World) -> None:
    world.set_variable("Enable-A2I-Workflow", "FALSE")
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    world.upload("a.png")
    assert world.detect().sent_to_review == 0
    assert world.human_loops() == []
    assert world.row()["A2IEnabled"] is False


@pytest.mark.parametrize("kind", ["throttle", "error"])
@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_passing_faults_lose_and_repeat_nothing(world: World, service: str, operation: str, kind: str) -> None:
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    keys = [world.upload(f"{n}.png", FRESH_DIGITS[n].body) for n in range(3)]
    world.fault(service, operation, kind=kind, count=3)
    summary = world.detect()
    assert world.aws.faults.describe() == []  # the faults did strike
    assert (summary.detected, summary.sent_to_review, summary.problems) == (3, 3, [])
    assert_each_once(world, keys)
    assert len(events(world.told(), "detection")) == 3
    assert world.waiting() == []


@pytest.mark.parametrize(("service", "operation"), [call for call in CALLS if call[0] != "sns"])
def test_uploads_of_a_lasting_fault_come_again_and_are_done_once(world: World, service: str, operation: str) -> None:
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    keys = [world.upload(f"{n}.png", FRESH_DIGITS[n].body) for n in range(3)]
    world.fault(service, operation, **BEYOND_PATIENCE)
    with pytest.raises((UnfinishedWorkError, ClientError)):
        world.detect()
    world.heal()
    assert world.come_again() == 3
    world.detect()
    assert_each_once(world, keys)
    assert len(world.human_loops()) == 3
    assert world.waiting() == []


def test_one_failing_image_holds_up_no_other(world: World) -> None:
    keys = [world.upload(f"{n}.png", FRESH_DIGITS[n].body) for n in range(4)]
    world.fault("rekognition", "DetectCustomLabels", code="AccessDeniedException", count=1)
    with pytest.raises(UnfinishedWorkError, match=r"1 item failed.*AccessDeniedException"):
        world.detect()
    assert len(world.rows()) == 3
    world.come_again()
    world.detect()
    assert_each_once(world, keys)


def test_a_topic_that_fails_stops_no_detection(world: World) -> None:
    world.upload("a.png")
    world.fault("sns", "PublishBatch", **BEYOND_PATIENCE)
    assert world.detect().detected == 1
    assert world.waiting() == []


def test_an_upload_whose_transaction_is_answered_too_late_is_announced(world: World) -> None:
    """The row is written, and the answer is lost: the same call with the same token is no second detection."""
    world.upload("a.png")
    answers: list[Any] = []

    def lose_the_first_answer(request: Any, **_: Any) -> None:
        if not answers:
            answers.append(URLLib3Session().send(request))
            raise ReadTimeoutError(endpoint_url=request.url)

    emitter, call = world.context().clients.log.conn.meta.client.meta.events, "before-send.dynamodb.TransactWriteItems"
    emitter.register(call, lose_the_first_answer)
    try:
        assert world.detect().detected == 1
    finally:
        emitter.unregister(call, lose_the_first_answer)
    assert [answer.status_code for answer in answers] == [200]
    assert world.counts()["dynamodb.TransactWriteItems"] == 2
    assert len(events(world.told(), "detection")) == 1
    assert world.waiting() == []


def test_a_message_is_deleted_only_after_its_row_is_written(world: World) -> None:
    world.upload("a.png")
    world.fault("dynamodb", "TransactWriteItems", code="AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        world.detect()
    assert len(world.waiting()) == 1
    assert "sqs.DeleteMessageBatch" not in world.counts()
    assert events(world.told(), "detection") == []


def test_the_rest_of_a_batch_uses_an_endpoint_that_moved_under_it(
    world: World, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = world.state().endpoint_arn
    keys = [world.upload(f"{n}.png", FRESH_DIGITS[n].body) for n in range(6)]
    state = world.detection()
    hook = state.context.clients.rekognition
    detect, calls, lock = hook.detect, itertools.count(1), threading.Lock()

    def detect_and_move(arn: str, upload: Any) -> Any:
        with lock:
            if next(calls) == 3:
                world.deploy(model, name="v2")
                world.set_status(old, "STOPPED")
            return detect(arn, upload)

    monkeypatch.setattr(hook, "detect", detect_and_move)
    summary = state.drain()
    new = world.state().endpoint_arn
    assert (summary.detected, summary.problems) == (6, [])
    assert_each_once(world, keys)
    assert [row["ProjectVersionArn"] for row in world.rows()].count(old) == 2
    assert [row["ProjectVersionArn"] for row in world.rows()].count(new) == 4


def test_a_stopped_model_leaves_uploads_for_later_and_says_so(world: World) -> None:
    arn = world.state().endpoint_arn
    world.set_status(arn, "STOPPED")
    world.upload("a.png")
    with pytest.raises(UnfinishedWorkError, match="not running"):
        world.detect()
    assert world.rows() == []
    world.set_status(arn, "RUNNING")
    world.come_again()
    assert world.detect().detected == 1


def test_an_object_deleted_before_its_detection_is_a_failed_row(world: World) -> None:
    key = world.upload("a.png")
    versions = world.client("s3").list_object_versions(Bucket=world.bucket, Prefix=key)["Versions"]
    world.client("s3").delete_object(Bucket=world.bucket, Key=key, VersionId=versions[0]["VersionId"])
    world.upload("b.png")
    summary = world.detect()
    assert (summary.detected, summary.failed, summary.unfinished) == (1, 1, 0)
    (row,) = [row for row in world.rows() if row["S3ObjectKey"] == key]
    assert row["Failure"].startswith("InvalidS3ObjectException")
    assert row["Sampled"] == "Failed"
    assert world.waiting() == []


def test_an_upload_whose_version_is_gone_is_a_failed_row_beside_a_newer_one(world: World) -> None:
    key = world.upload("a.png", FRESH_DIGITS[0].body)
    (first,) = world.client("s3").list_object_versions(Bucket=world.bucket, Prefix=key)["Versions"]
    world.upload("a.png", FRESH_DIGITS[1].body)
    world.client("s3").delete_object(Bucket=world.bucket, Key=key, VersionId=first["VersionId"])
    summary = world.detect()
    assert (summary.detected, summary.failed, summary.unfinished) == (1, 1, 0)
    assert world.waiting() == []


def test_an_object_that_rekognition_may_not_read_is_tried_again(world: World) -> None:
    world.upload("a.png")
    world.fault("rekognition", "DetectCustomLabels", code="InvalidS3ObjectException", count=1)
    with pytest.raises(UnfinishedWorkError, match="InvalidS3ObjectException"):
        world.detect()
    assert world.rows() == []
    world.come_again()
    assert world.detect().detected == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"hello", "InvalidImageFormatException"),
        (b"", "InvalidImageFormatException"),
        (png(side=32), "InvalidParameterException"),
        (png(side=4200), "ImageTooLargeException"),
    ],
    ids=["text", "empty", "too small", "too large"],
)
def test_what_is_no_image_is_logged_as_failed_with_its_reason(world: World, body: bytes, reason: str) -> None:
    world.upload("bad.png", body)
    good = world.upload("good.png")
    summary = world.detect()
    assert (summary.detected, summary.failed, summary.problems) == (1, 1, [])
    (failed,) = [row for row in world.rows() if row["S3ObjectKey"] != good]
    assert failed["Failure"].startswith(f"{reason}: ")
    (told,) = [one for one in events(world.told(), "detection") if "failure" in one["body"]]
    assert told["attributes"]["accepted"] == "false"
    assert world.waiting() == []


def test_messages_carry_filter_attributes_and_no_internal_state(world: World) -> None:
    world.set_variable("Minimum-Label-Detection-Confidence", "0")
    world.upload("a.png", FRESH_DIGITS[2].body)
    world.detect()
    (told,) = world.told()
    label = world.row()["DetectedLabel"]
    assert told["attributes"] == {"loop": world.loop.name, "event": "detection", "label": label, "accepted": "true"}
    body = json.dumps(told["body"])
    assert "arn:" not in body
    for key, value in {**world.record(), **world.state().changes_since(LoopState())}.items():
        assert key not in told["body"]
        assert str(value) in world.bucket or str(value) not in body  # the image's address names the bucket


def test_a_subscription_filter_gets_only_what_it_asks_for(world: World) -> None:
    sqs, sns = world.client("sqs"), world.client("sns")
    url = sqs.create_queue(QueueName=f"{world.loop.name}-unsure")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"FilterPolicy": json.dumps({"event": ["detection"], "accepted": ["false"]})}
    sns.subscribe(TopicArn=world.record()["sns-topic"], Protocol="sqs", Endpoint=arn, Attributes=policy)
    for confidence, name in (("0", "sure.png"), ("100", "unsure.png")):
        world.set_variable("Minimum-Label-Detection-Confidence", confidence)
        world.upload(name)
        world.detect()
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert "unsure.png" in message["Body"]


def test_the_operator_s_mail_is_about_failures_models_parameters_quality_and_alarms(world: World) -> None:
    sqs, sns = world.client("sqs"), world.client("sns")
    url = sqs.create_queue(QueueName=f"{world.loop.name}-operator")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    attributes = {"FilterPolicyScope": "MessageBody", "FilterPolicy": json.dumps(OPERATOR_FILTER)}
    topic = world.record()["sns-topic"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    mailed = ["failure", "model_status", "parameter_applied", "parameter_refused", "quality"]
    others = ["detection", "review_created", "review_answered", "sample", "training_checked"]
    world.context().clients.announcer.publish([Event(kind, "") for kind in (*mailed, *others)])
    sns.publish(TopicArn=topic, Message=json.dumps({"AlarmName": "label-loop-logos-uploads-wait"}))
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    bodies = [json.loads(json.loads(message["Body"])["Message"]) for message in messages]
    assert sorted(body.get("event", "alarm") for body in bodies) == sorted([*mailed, "alarm"])


def test_a_review_is_told_when_it_is_created_and_only_then(world: World) -> None:
    for confidence, name in (("0", "sure.png"), ("100", "unsure.png")):
        world.set_variable("Minimum-Label-Detection-Confidence", confidence)
        world.upload(name)
        world.detect()
    (created,) = events(world.told(), "review_created")
    (asked,) = world.human_loops()
    assert created["body"]["review"] == asked["name"]
    assert "unsure.png" in created["body"]["message"]


@pytest.mark.parametrize("how", ["account", "flow definition", "no flow definition"])
def test_refused_review_is_logged_and_told_and_stops_no_detection(world: World, how: str) -> None:
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    if how == "account":
        world.fault("sagemaker-a2i-runtime", "StartHumanLoop", code="AccessDeniedException", status=403)
    elif how == "flow definition":
        world.set_record(flow_definition_arn=f"{world.record()['flow_definition_arn']}-gone")
    else:
        world.set_record(flow_definition_arn=None)
    for n in range(3):
        world.upload(f"{n}.png", FRESH_DIGITS[n].body)
    with pytest.raises(LabelLoopError, match="A2I") as caught:
        world.detect()
    assert "item" not in str(caught.value)
    assert [row["ReviewFailure"] for row in world.rows()] == ["ReviewRefusedError"] * 3
    assert world.waiting() == []
    assert len(events(world.told(), "detection")) == 3


def test_malformed_messages_go_to_the_dead_letter_queue_and_hold_up_nothing(world: World) -> None:
    for body in ("not JSON", '{"Records": [{"eventName": "ObjectCreated:Put"}]}', '{"hello": "world"}'):
        world.send(body)
    key = world.upload("good.png")
    world.detect()
    assert [row["S3ObjectKey"] for row in world.rows()] == [key]
    assert len(world.dead_letters()) == 3
    assert world.waiting() == []


def test_events_of_no_interest_are_deleted(world: World) -> None:
    world.send(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": world.bucket}))
    world.send(world.notification("elsewhere/a.png"))
    world.send(world.notification(f"{UPLOADS_FOLDER}folder/"))
    world.detect()
    assert world.rows() == []
    assert world.waiting() == []


def test_a_new_upload_under_the_same_key_is_another_detection(world: World) -> None:
    for n in range(2):
        world.upload("a.png", FRESH_DIGITS[n].body)
    assert world.detect().detected == 2
    world.upload("a.png", FRESH_DIGITS[1].body)  # the same bytes again: still another upload
    assert world.detect().detected == 1
    assert len(world.rows()) == 3
