"""Queue messages: every shape that S3, SNS, EventBridge and A2I send, and everything that they do not."""

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON, HOSTILE_TEXT, anything_like

from label_loop.domain.events import parse_message
from label_loop.exceptions import MalformedEventError
from label_loop.payloads import ReviewEnded, S3Upload

DETECTION_ID = "0b6f3d5e-9c1a-4b7e-8f2d-1234567890ab"
LOOP_NAME = f"label-loop-{DETECTION_ID}"


def record(key="images_for_detection/a.png", *, name="ObjectCreated:Put", **described):
    """Return one record of an S3 notification; ``key`` as S3 encodes it."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": "2026-11-23T09:00:00.000Z",
        "eventName": name,
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "uploads",
            "bucket": {"name": "b", "ownerIdentity": {"principalId": "A"}, "arn": "arn:aws:s3:::b"},
            "object": {"key": key, "size": 1024, "eTag": "e1", "sequencer": "0055AED6DCD90281E5", **described},
        },
    }


def notification(*records):
    return json.dumps({"Records": list(records)})


def event_bridge(key="images_for_detection/a.png", **described):
    return json.dumps(
        {
            "version": "0",
            "id": "1",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "detail": {
                "version": "0",
                "bucket": {"name": "b"},
                "object": {"key": key, "size": 1024, "etag": "e1", "sequencer": "0055AED6DCD90281E5", **described},
                "reason": "PutObject",
            },
        }
    )


def sns(body):
    return json.dumps({"Type": "Notification", "MessageId": "1", "TopicArn": "arn:t", "Message": body})


def status_change(name=LOOP_NAME, status="Failed", **more):
    return json.dumps(
        {
            "source": "aws.sagemaker",
            "detail-type": "SageMaker A2I HumanLoop Status Change",
            "detail": {"humanLoopName": name, "humanLoopStatus": status, **more},
        }
    )


TEST_EVENT = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b", "RequestId": "1"})


def only(body):
    (event,) = reported(body)
    return event


def reported(body):
    """Return the events of a message of which no part is refused."""
    message = parse_message(body)
    assert message.refusal == ""
    return list(message.events)


def test_an_upload_is_read_whole():
    assert only(notification(record(versionId="v1"))) == S3Upload(
        "b", "images_for_detection/a.png", "e1", "v1", "0055AED6DCD90281E5", 1024
    )


@pytest.mark.parametrize("name", ["Put", "Post", "Copy", "CompleteMultipartUpload", "SomethingNew"])
def test_every_way_of_creating_an_object_counts(name):
    assert only(notification(record(name=f"ObjectCreated:{name}"))).key == "images_for_detection/a.png"


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("images_for_detection/a+b.png", "images_for_detection/a b.png"),
        ("images_for_detection/a%20b.png", "images_for_detection/a b.png"),
        ("images_for_detection/a%2Bb.png", "images_for_detection/a+b.png"),
        ("images_for_detection/%C3%BC.png", "images_for_detection/ü.png"),
        ("images_for_detection%2F%C3%BC.png", "images_for_detection/ü.png"),
        ("images_for_detection/100%25.png", "images_for_detection/100%.png"),
        ("images_for_detection/a%26b.png", "images_for_detection/a&b.png"),
        ("images_for_detection/a&b.png", "images_for_detection/a&b.png"),
        # An upload whose name is itself an encoded text is decoded once, not twice.
        ("images_for_detection/a%2520b%252B.png", "images_for_detection/a%20b%2B.png"),
        ("images_for_detection/%E4%B8%AD%F0%9F%99%82.png", "images_for_detection/中🙂.png"),
    ],
)
def test_keys_of_notifications_are_decoded_once(encoded, key):
    assert only(notification(record(encoded))).key == key


@pytest.mark.parametrize("key", ["a+b.png", "a%20b.png", "a b.png", "ü.png", "100%.png", "%FF.png", "a&b.png"])
def test_keys_of_event_bridge_are_as_they_are(key):
    assert only(event_bridge(key)).key == key


@given(key=HOSTILE_TEXT)
def test_any_key_arrives_by_both_ways_as_the_same_upload(key):
    for encode in (quote, quote_plus):
        by_notification = only(notification(record(encode(key, safe="/"), versionId="v1")))
        assert by_notification == only(event_bridge(key, **{"version-id": "v1"}))
        assert by_notification.key == key


def test_the_same_event_twice_is_one_detection_and_two_versions_are_two():
    first, again, newer = (only(notification(record(versionId=version))).detection_id for version in ("v1", "v1", "v2"))
    assert first == again != newer
    first, again, newer = (only(notification(record(sequencer=text))).detection_id for text in ("01", "01", "02"))
    assert first == again != newer


def test_the_tag_is_the_same_with_and_without_quotes():
    assert only(notification(record(eTag='"e1"'))) == only(notification(record(eTag="e1")))


@pytest.mark.parametrize("version", [None, "", "null"])
def test_an_unversioned_object_has_no_version(version):
    upload = only(notification(record(versionId=version)))
    assert upload == only(notification(record()))
    assert upload.version_id is None


def test_records_come_several_at_once_and_deletions_are_passed_over():
    body = notification(record("a.png"), record("b.png", name="ObjectRemoved:Delete"), record("c.png"))
    assert [event.key for event in reported(body)] == ["a.png", "c.png"]
    assert reported(json.dumps({"Records": []})) == []


@pytest.mark.parametrize("wrap", [lambda body: body, sns, lambda body: sns(sns(body))])
@pytest.mark.parametrize("body", [notification(record("a+b.png")), event_bridge("a b.png")])
def test_wrappings_change_nothing(wrap, body):
    assert only(wrap(body)).key == "a b.png"


def test_wrapped_forever_is_malformed():
    with pytest.raises(MalformedEventError):
        parse_message(sns(sns(sns(notification(record())))))


@pytest.mark.parametrize("body", [TEST_EVENT, sns(TEST_EVENT)])
def test_s3s_test_event_tells_nothing(body):
    assert reported(body) == []


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"failureReason": "expired", "failureCode": "C"}, "expired"),
        ({"failureReason": None, "failureCode": "CustomerError"}, "CustomerError"),
        ({}, "no answer in time"),
    ],
)
@pytest.mark.parametrize("status", ["Failed", "Stopped"])
@pytest.mark.parametrize("wrap", [lambda body: body, sns])
def test_a_review_that_ended_without_an_answer(wrap, status, more, reason):
    expected = ReviewEnded(LOOP_NAME, DETECTION_ID, status, reason)
    assert only(wrap(status_change(status=status, **more))) == expected


@pytest.mark.parametrize(
    "body",
    [
        status_change(status="Completed"),
        status_change(status="InProgress"),
        status_change(name="another-application"),
        status_change(name=f"{LOOP_NAME}-2"),
        status_change(name=f"x{LOOP_NAME}"),
        status_change(name=f"{LOOP_NAME}\n"),
    ],
)
def test_reviews_that_are_answered_or_not_ours_tell_nothing(body):
    assert reported(body) == []


@pytest.mark.parametrize(
    "body",
    [
        "", " ", "hello", "null", "[]", "{}", "1", '"text"', '{"Records"', "\ufeff{}", "[" * 200_000,
        '{"a":' * 100_000, "9" * 5_000, '{"Records": null}', '{"Records": 1}', '{"Records": [1]}',
        '{"Records": {"a": 1}}', '{"Records": "text"}', '{"Records": [{}]}',
        '{"Records": [{"eventName": "ObjectCreated:Put"}]}',
        notification(record("")), notification(record(None)), notification(record(7)), notification(record([])),
        notification(record({})), notification(record("%FF.png")), notification(record("a%ED%A0%80.png")),
        event_bridge(""), event_bridge(None), event_bridge(7), event_bridge("\ud800.png"),
        notification(record("\ud800.png")), notification(record(eTag="\ud800")),
        notification(record(versionId="\ud800")), notification(record(sequencer="\ud800")),
        sns("hello"), sns(None), sns(""), sns("[]"), '{"Message": 5}', '{"detail-type": "Object Created"}',
        '{"detail-type": "Object Created", "detail": []}', '{"detail-type": "Object Deleted", "detail": {}}',
        '{"detail-type": "Parameter Store Change", "detail": {}}', '{"detail-type": ["Object Created"]}',
        '{"detail-type": "Parameter Store Change", "source": "aws.ssm", "detail": "text"}',
        '{"Records": [], "Records": []}', '{"Event": "s3:TestEvent", "Event": "s3:TestEvent"}',
        '{"detail-type": "SageMaker A2I HumanLoop Status Change"}',
        '{"detail-type": "SageMaker A2I HumanLoop Status Change", "detail": null}',
        '{"detail-type": "SageMaker A2I HumanLoop Status Change", "detail": {"humanLoopStatus": "Failed"}}',
    ],
    ids=lambda body: repr(body)[:40],
)  # fmt: skip
def test_everything_else_is_malformed(body):
    with pytest.raises(MalformedEventError) as caught:
        parse_message(body)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("body", "place", "value"),
    [
        (notification(record(7)), "object.key", "7"),
        (notification({"eventName": 5}), "eventName", "5"),
        (notification(record(size="large")), "object.size", "'large'"),
        (event_bridge([["deep"]]), "object.key", "a list"),
        (status_change(failureReason={}), "failureReason", "a dict"),
    ],
)
def test_what_is_wrong_is_named_with_its_value(body, place, value):
    with pytest.raises(MalformedEventError) as caught:
        parse_message(body)
    assert f"'{place}' is {value}" in str(caught.value)


@pytest.mark.parametrize("part", ["key", "etag", "version-id", "sequencer"])
def test_no_part_is_longer_than_aws_sends(part):
    assert only(event_bridge(**{part: "x" * 1024}))
    with pytest.raises(MalformedEventError):
        parse_message(event_bridge(**{part: "x" * 5000}))


@pytest.mark.parametrize("kind", ["Object Deleted", "Object Restore Completed", "Object Tags Added"])
def test_other_events_of_s3_are_of_no_interest(kind):
    event = json.loads(event_bridge()) | {"detail-type": kind}
    assert reported(json.dumps(event)) == []
    with pytest.raises(MalformedEventError):
        parse_message(json.dumps({**event, "detail": {}}))


def test_other_events_of_event_bridge_are_of_no_interest():
    event = {"source": "aws.ssm", "detail-type": "Parameter Store Change", "detail": {"name": "/logos/x"}}
    assert reported(json.dumps(event)) == reported(sns(json.dumps(event))) == []


@pytest.mark.parametrize(
    "bad", [record(7), record("%ff.png"), {}, {"eventName": "ObjectCreated:Put"}, None, [], "text"], ids=repr
)
def test_a_malformed_record_does_not_affect_the_others(bad):
    message = parse_message(notification(record("a.png"), bad, record("b.png")))
    assert [event.key for event in message.events] == ["a.png", "b.png"]
    assert "Record 2 of 3 is malformed" in message.refusal


def test_a_thousand_records_are_a_thousand_uploads():
    records = [record(f"images_for_detection/{n}.png") for n in range(1000)]
    assert len({event.detection_id for event in reported(notification(*records))}) == 1000


def test_a_key_may_hold_any_character():
    assert only(notification(record("images_for_detection/a%00b%0D.png"))).key == "images_for_detection/a\x00b\r.png"


def check(body):
    """Whatever the body: a list of usable events, or the one error."""
    try:
        message = parse_message(body)
    except MalformedEventError:
        return
    for event in message.events:
        if isinstance(event, S3Upload):
            assert event.bucket
            assert event.key
            assert len(event.detection_id) == 36
            assert event.uri.encode()
        else:
            assert event.human_loop_name == f"label-loop-{event.detection_id}"


@given(body=st.text())
def test_no_text_raises_anything_else(body):
    check(body)


@given(value=ARBITRARY_JSON)
def test_no_json_raises_anything_else(value):
    check(json.dumps(value))
    check(sns(json.dumps(value)))


SHAPES = [
    {"Records": [{"eventName": "ObjectCreated:Put", "s3": record(versionId="v")["s3"]}]},
    json.loads(event_bridge(**{"version-id": "v"})),
    json.loads(status_change(failureReason="r", failureCode="c")),
    {"Event": "s3:TestEvent"},
]


@given(value=st.one_of(*map(anything_like, SHAPES)))
@example(SHAPES[0])
@example(SHAPES[1])
def test_no_part_that_is_odd_raises_anything_else(value):
    check(json.dumps(value))
    check(sns(json.dumps(value)))


@pytest.mark.parametrize("depth", [500, 900, 980, 990, 995, 1000, 2000, 5000, 9000])
def test_deep_values_in_known_places_raise_nothing_else(depth):
    deep = "[" * depth + "]" * depth
    check('{"Records": [{"eventName": @}]}'.replace("@", deep))
    check(notification(record(versionId="@")).replace('"@"', deep))
    check(status_change(status="@").replace('"@"', deep))
