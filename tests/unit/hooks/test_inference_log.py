"""The inference log: nothing is written twice, nothing is overwritten, and samples are found in order."""

from collections import Counter
from decimal import Decimal
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError
from tenacity import nap

from label_loop.domain.log_row import TABLE_KEY, Copy, LoggedAnswer, LogRow
from label_loop.domain.sampling import Position
from label_loop.hooks.inference_log import InferenceLogHook
from label_loop.payloads import ReviewStarted

TABLE = "log"


@pytest.fixture
def table(aws):
    text = [
        {"AttributeName": name, "AttributeType": "S"} for name in ("DetectLabelRequestId", "Sampled", "DetectLabelDate")
    ]
    return boto3.resource("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=text,
        KeySchema=[{"AttributeName": "DetectLabelRequestId", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "Sampled_GSI",
                "KeySchema": [
                    {"AttributeName": "Sampled", "KeyType": "HASH"},
                    {"AttributeName": "DetectLabelDate", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


@pytest.fixture(scope="module")
def module_hook():
    return InferenceLogHook(TABLE, aws_conn_id=None)


@pytest.fixture
def hook(module_hook, table):
    return module_hook


@pytest.fixture
def calls(hook):
    """Count the calls that reach AWS, by operation."""
    counted = Counter()
    events = hook.conn.meta.client.meta.events

    def count(event_name, **_):
        counted.update([event_name.rsplit(".", 1)[1]])

    events.register("before-send.dynamodb.*", count)
    yield counted
    events.unregister("before-send.dynamodb.*", count)


def row(id_, second=0, sampled="No", **more):
    item = {
        "DetectLabelRequestId": id_,
        "DetectLabelDate": f"2026-11-23T09:{second // 60:02d}:{second % 60:02d}.000000+00:00",
        "Sampled": sampled,
        "DetectedConfidenceLevel": Decimal("42.5"),
        "A2IEnabled": True,
    }
    return LogRow.from_item(item | more)


def position(id_, second=0):
    return Position(row(id_, second).detected_at, id_)


def get(table, id_):
    item = table.get_item(Key={"DetectLabelRequestId": id_}).get("Item")
    return LogRow.from_item(item) if item else None


def fill(table, rows):
    with table.batch_writer() as writer:
        for one in rows:
            writer.put_item(Item=one.to_item())


# --- put_new


def test_new_rows_are_written_as_they_are(hook, table):
    assert hook.put_new([row("a", DetectedLabel=""), row("b", 1)]) == ["a", "b"]
    assert get(table, "a") == row("a", DetectedLabel="")


def test_rows_that_exist_stay_as_they_are(hook, table):
    answered = row("b", HumanLabel="cat")
    fill(table, [answered, row("d")])
    assert hook.put_new([row(id_) for id_ in "abcde"]) == ["a", "c", "e"]
    assert get(table, "b") == answered
    assert all(get(table, id_) for id_ in "ace")


def test_writing_all_again_writes_nothing(hook, table):
    rows = [row(id_) for id_ in "abc"]
    assert hook.put_new(rows) == ["a", "b", "c"]
    assert hook.put_new(rows) == []
    assert hook.put_new([]) == []


def test_an_event_that_came_twice_in_one_batch_is_one_row(hook, table):
    assert hook.put_new([row("a", 1), row("b"), row("a", 2)]) == ["a", "b"]
    assert get(table, "a") == row("a", 1)


@pytest.fixture
def left_out(hook, monkeypatch):
    """Give what lets DynamoDB leave a row for a later call some times, as where it is short of capacity."""
    monkeypatch.setattr(nap, "time", SimpleNamespace(sleep=lambda seconds: None))
    events = hook.conn.meta.client.meta.events
    times = []

    def leave(parsed, **_):
        if times:
            times.pop()
            last = parsed["Responses"][TABLE].pop()
            parsed["UnprocessedKeys"] = {TABLE: {"Keys": [{TABLE_KEY[0]: last[TABLE_KEY[0]]}], "ConsistentRead": True}}

    events.register("after-call.dynamodb.BatchGetItem", leave)
    yield lambda count: times.extend([count] * count)
    events.unregister("after-call.dynamodb.BatchGetItem", leave)


def test_rows_that_are_left_for_later_are_read_then(hook, table, calls, left_out):
    hook.put_new([row(id_) for id_ in "abc"])
    left_out(2)
    assert list(hook.rows("abc")) == ["a", "b", "c"]
    assert calls["BatchGetItem"] == 3


def test_rows_that_are_left_again_and_again_are_told(hook, table, left_out):
    hook.put_new([row("a")])
    left_out(50)
    with pytest.raises(TimeoutError, match="unprocessed keys"):
        hook.rows(["a"])


def test_250_rows_are_three_transactions(hook, table, calls):
    ids = [f"{n:03d}" for n in range(250)]
    assert hook.put_new([row(id_) for id_ in ids]) == ids
    assert calls == {"TransactWriteItems": 3}
    assert table.scan(Select="COUNT")["Count"] == 250


def test_250_rows_of_which_some_exist_are_three_transactions_and_their_repetitions(hook, table, calls):
    ids = [f"{n:03d}" for n in range(250)]
    existing = ids[::7]
    fill(table, [row(id_, HumanLabel="cat") for id_ in existing])
    assert hook.put_new([row(id_) for id_ in ids]) == [id_ for id_ in ids if id_ not in existing]
    assert calls["TransactWriteItems"] <= 6
    assert table.scan(Select="COUNT")["Count"] == 250
    assert all(get(table, id_).human_label == "cat" for id_ in existing)


def test_an_error_that_no_repetition_mends_is_raised(table):
    with pytest.raises(ClientError):
        InferenceLogHook("no-such-table", aws_conn_id=None).put_new([row("a")])


# --- rows


def test_rows_are_found_whatever_their_number(hook, table, calls):
    ids = [f"{n:03d}" for n in range(250)]
    fill(table, [row(id_) for id_ in ids])
    found = hook.rows([*ids, "absent", ids[0]])
    assert found == {id_: row(id_) for id_ in ids}
    assert calls == {"BatchGetItem": 3}
    assert hook.rows([]) == {}


# --- end_review


def test_the_end_of_a_review_is_noted_once(hook, table):
    fill(table, [row("a", HumanLoopName="loop")])
    assert hook.end_review("a", "loop", "Expired: nobody came") is True
    assert hook.end_review("a", "loop", "Failed: later") is False
    assert get(table, "a") == row("a", HumanLoopName="loop", HumanLoopStatus="Expired: nobody came")


@pytest.mark.parametrize("recorded", [{}, {"HumanLoopName": "another"}])
def test_the_end_of_a_review_that_the_row_does_not_record_is_not_noted(hook, table, recorded):
    fill(table, [row("a", **recorded)])
    assert hook.end_review("a", "loop", "Expired: nobody came") is False
    assert get(table, "a") == row("a", **recorded)


def test_a_row_that_does_not_exist_is_not_made(hook, table):
    assert hook.end_review("absent", "loop", "Expired: nobody came") is False
    assert get(table, "absent") is None


# --- set_answers


CAT = LoggedAnswer("cat", "2026-11-23T10:00:00Z")


def test_an_answer_sets_its_attributes_and_no_other(hook, table):
    table.put_item(Item={**row("a").to_item(), "Ours": "kept"})
    assert hook.set_answers([row("a")], {"a": CAT}) == ["a"]
    item = table.get_item(Key={"DetectLabelRequestId": "a"})["Item"]
    assert item == {
        **row("a").to_item(),
        "Ours": "kept",
        "HumanLabel": "cat",
        "HumanLoopCompletionDate": "2026-11-23T10:00:00Z",
    }


def test_a_row_that_is_gone_is_not_answered(hook, table):
    assert hook.set_answers([row("absent")], {"absent": CAT}) == []
    assert get(table, "absent") is None


@pytest.mark.parametrize("sampled", [None, "No", "Yes", "Perhaps"])
@pytest.mark.parametrize("human_label", [{"HumanLabel": None}, {"HumanLabel": ""}, {"HumanLabel": 7}, {}])
def test_rows_of_any_writer_are_answered_and_marked_once(hook, table, sampled, human_label):
    item = {"DetectLabelRequestId": "a", **human_label, **({"Sampled": sampled} if sampled else {})}
    table.put_item(Item=item)
    read = hook.rows(["a"])
    assert hook.set_answers(read.values(), {"a": CAT}) == ([] if human_label else ["a"])
    hook.mark_sampled(read.values(), {"a": None}, {"a": 5})
    found = get(table, "a")
    assert found.is_sampled
    assert found.human_label == LogRow.from_item(item | ({} if human_label else {"HumanLabel": "cat"})).human_label


# --- set_copies


MADE = Copy("images_labeled_by_folder/cat/a.png")


def test_copies_are_recorded_on_answered_rows_only(hook, table):
    fill(table, [row("a", HumanLabel="cat"), row("b", HumanLabel="cat"), row("open")])
    copies = {"a": MADE, "b": Copy(failure="the image is archived"), "open": MADE, "absent": MADE}
    assert hook.set_copies(copies) == ["a", "b"]
    assert get(table, "a") == row("a", HumanLabel="cat", CopiedS3ObjectKey=MADE.key)
    assert get(table, "b") == row("b", HumanLabel="cat", CopyFailure="the image is archived")
    assert get(table, "open") == row("open")
    assert get(table, "absent") is None


def test_a_recorded_copy_stays(hook, table):
    fill(table, [row("a", HumanLabel="cat"), row("b", HumanLabel="cat")])
    assert hook.set_copies({"a": MADE}) == ["a"]
    assert hook.set_copies({"b": MADE, "a": Copy(failure="the image was deleted")}) == ["b"]
    assert get(table, "a") == row("a", HumanLabel="cat", CopiedS3ObjectKey=MADE.key)


def test_copies_are_recorded_together(hook, table, calls):
    ids = [f"{n:03d}" for n in range(150)]
    fill(table, [row(id_, HumanLabel="cat") for id_ in ids])
    assert hook.set_copies(dict.fromkeys(ids, MADE)) == ids
    assert calls == {"TransactWriteItems": 2}


# --- sampling


@pytest.fixture
def small_pages(monkeypatch):
    """Make DynamoDB's pages, of 1 MB, small enough for a test."""
    monkeypatch.setattr("moto.dynamodb.models.table.RESULT_SIZE_LIMIT", 600)


def test_detections_come_in_the_order_of_time_over_several_pages(hook, table, calls, small_pages):
    fill(table, [row(f"{n:03d}", n, sampled="Yes" if n % 7 == 0 else "No") for n in reversed(range(40))])
    fill(table, [row("failed", 20, Failure="x")])
    moment = row("", 10).detected_at
    assert list(hook.positions_since(moment)) == [position(f"{n:03d}", n) for n in range(10, 40)]
    assert calls["Query"] > 3
    assert [one.detection_id for one in hook.sampled_since(moment)] == ["014", "021", "028", "035"]


def test_ties_at_the_moment_itself_are_among_them(hook, table):
    fill(table, [row("c", 5), row("a", 5, sampled="Yes"), row("b", 5), row("old", 4)])
    found = list(hook.positions_since(row("", 5).detected_at))
    assert sorted(found) == [position(id_, 5) for id_ in "abc"]
    assert list(hook.positions_since(row("", 6).detected_at)) == []


def test_before_the_first_sample_there_is_no_last(hook, table):
    fill(table, [row("a")])
    assert hook.last_sampled() is None


@pytest.mark.parametrize("order", ["abc", "cab", "bca"])
def test_the_last_sampled_is_the_last_of_its_ties(hook, table, order):
    fill(table, [row(id_, 5, sampled="Yes") for id_ in order])
    fill(table, [row("z", 4, sampled="Yes"), row("y", 6)])
    assert hook.last_sampled() == position("c", 5)


def test_the_last_of_many_ties_is_found_over_several_pages(hook, table, calls, small_pages):
    ids = [f"{n * 7 % 40:03d}" for n in range(40)]
    fill(table, [row(id_, 5, sampled="Yes") for id_ in ids])
    assert hook.last_sampled() == position("039", 5)
    assert calls["Query"] > 3


def test_marking_sets_the_mark_and_the_tasks_attributes_only(hook, table):
    fill(table, [row("a", DetectedLabel="cat"), row("b")])
    hook.mark_sampled([row("a", DetectedLabel="cat")], {"a": ReviewStarted("loop", "r")}, {"a": 5})
    marked = {"DetectedLabel": "cat", "HumanLoopName": "loop", "HumanLoopRequestId": "r", "SampleWeight": 5}
    assert get(table, "a") == row("a", sampled="Yes", **marked)
    assert get(table, "b") == row("b")
    assert hook.last_sampled() == position("a")
    assert hook.sampled_since("2026") == [row("a", sampled="Yes", **marked)]


def test_marking_again_changes_nothing(hook, table):
    fill(table, [row("a")])
    for _ in range(2):
        hook.mark_sampled([row("a")], {"a": None}, {"a": 5})
    assert get(table, "a") == row("a", sampled="Yes", SampleWeight=5)


def test_250_marks_are_three_transactions(hook, table, calls):
    ids = [f"{n:03d}" for n in range(250)]
    rows = [row(id_, n) for n, id_ in enumerate(ids)]
    fill(table, rows)
    hook.mark_sampled(rows, {id_: ReviewStarted(f"loop-{id_}", None) for id_ in ids}, dict.fromkeys(ids, 5))
    assert calls == {"TransactWriteItems": 3}
    assert len(hook.sampled_since("2026")) == 250
    assert get(table, "249").human_loop_name == "loop-249"


def test_marking_makes_no_row(hook, table):
    fill(table, [row("present")])
    hook.mark_sampled([row("absent"), row("present")], {"absent": None, "present": None}, {"absent": 5, "present": 5})
    assert get(table, "present") == row("present", sampled="Yes", SampleWeight=5)
    assert get(table, "absent") is None


def test_the_latest_detection_is_found_whether_sampled_or_not(hook, table):
    assert hook.latest() is None
    fill(table, [row("a", 5)])
    assert hook.latest() == position("a", 5).detected_at
    fill(table, [row("b", 9, sampled="Yes"), row("c", 7)])
    assert hook.latest() == position("b", 9).detected_at
