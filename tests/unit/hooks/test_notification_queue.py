"""The queue: as many messages as asked for, in few calls, deleted only when told."""

from collections import Counter

import boto3
import pytest

from label_loop.hooks.notification_queue import NotificationQueueHook
from label_loop.payloads import DEAD_LETTER_REASON


@pytest.fixture
def sqs():
    return boto3.client("sqs")


@pytest.fixture
def url(sqs):
    return sqs.create_queue(QueueName="uploads")["QueueUrl"]


@pytest.fixture(scope="module")
def hook():
    return NotificationQueueHook(aws_conn_id=None)


@pytest.fixture
def calls(hook):
    counted = Counter()
    events = hook.conn.meta.events

    def count(event_name, **_):
        counted.update([event_name.rsplit(".", 1)[1]])

    events.register("before-send.sqs.*", count)
    yield counted
    events.unregister("before-send.sqs.*", count)


def send(sqs, url, number):
    for n in range(number):
        sqs.send_message(QueueUrl=url, MessageBody=str(n))


def waiting(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    values = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return tuple(int(values[name]) for name in names)


@pytest.mark.parametrize(
    "case",
    [(0, 50, 0, 1), (1, 50, 1, 1), (10, 50, 10, 2), (25, 50, 25, 3), (25, 12, 12, 2), (25, 10, 10, 1), (25, 1, 1, 1)],
)
def test_up_to_so_many_messages_are_received(hook, sqs, url, calls, case):
    there, most, got, most_calls = case
    send(sqs, url, there)
    messages = hook.receive(url, most=most, wait_seconds=0)
    assert len({message["Body"] for message in messages}) == len(messages) == got
    assert calls["ReceiveMessage"] <= most_calls
    # Receiving deletes nothing: what is not worked on comes again.
    assert waiting(sqs, url) == (there - got, got)


def test_only_the_first_call_waits(hook, sqs, url):
    send(sqs, url, 15)
    waits = []

    def note(params, **_):
        waits.append(params["WaitTimeSeconds"])

    event = "provide-client-params.sqs.ReceiveMessage"
    hook.conn.meta.events.register(event, note)
    hook.receive(url, most=50, wait_seconds=7)
    hook.conn.meta.events.unregister(event, note)
    assert waits == [7, 0]


def test_messages_are_deleted_ten_a_call(hook, sqs, url, calls):
    send(sqs, url, 25)
    handles = [message["ReceiptHandle"] for message in hook.receive(url, most=25, wait_seconds=0)]
    assert hook.delete(url, iter(handles[:23])) == []
    assert calls["DeleteMessageBatch"] == 3
    assert waiting(sqs, url) == (0, 2)
    assert hook.delete(url, []) == []


def test_refused_handles_are_told_and_the_others_deleted(hook, sqs, url):
    send(sqs, url, 12)
    handles = [message["ReceiptHandle"] for message in hook.receive(url, most=12, wait_seconds=0)]
    handles.insert(11, "no-handle")
    assert hook.delete(url, handles) == ["no-handle"]
    assert waiting(sqs, url) == (0, 0)


@pytest.mark.parametrize("reason", ["", "\x00\x1b[31m", "\ud83e", "\ufffe", "x" * 100_000])
def test_any_reason_is_one_that_sqs_takes(hook, sqs, url, reason):
    hook.send_to_dead_letter_queue(url, "body", reason)
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    text = message["MessageAttributes"][DEAD_LETTER_REASON]["StringValue"]
    assert 0 < len(text) <= 1000
    assert all(character.isprintable() for character in text)
