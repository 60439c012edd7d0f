"""Counts and rows are written together: each change of the log is counted once, whatever comes between."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from tenacity import nap

from label_loop.domain import statistics
from label_loop.domain.log_row import LoggedAnswer, LogRow
from label_loop.domain.statistics import of_row, summed
from label_loop.hooks.inference_log import InferenceLogHook
from label_loop.hooks.statistics import StatisticsHook
from label_loop.hooks.transactions import is_contention

ARN = "arn:aws:rekognition:eu-west-1:123456789012:project/p/version/{}/1763888400000"
ALWAYS = (date(2026, 1, 1), date(2026, 12, 31))


def make_table(name, *key):
    kinds = zip(key, ("HASH", "RANGE"), strict=False)
    return boto3.resource("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in key],
        KeySchema=[{"AttributeName": one, "KeyType": kind} for one, kind in kinds],
    )


@pytest.fixture
def table(aws):
    make_table("statistics", "Month", "DayAndVersion")
    return make_table("log", "DetectLabelRequestId")


@pytest.fixture(scope="module")
def module_hook():
    return InferenceLogHook("log", statistics="statistics", aws_conn_id=None)


@pytest.fixture
def hook(module_hook, table, monkeypatch):
    monkeypatch.setattr(nap, "time", SimpleNamespace(sleep=lambda seconds: None))
    return module_hook


@pytest.fixture(scope="module")
def reader():
    return StatisticsHook("statistics", aws_conn_id=None)


@pytest.fixture
def before(hook):
    """Do something right before the next transaction is sent; what it returns is the answer instead of AWS's."""
    events, event = hook.conn.meta.client.meta.events, "before-call.dynamodb.TransactWriteItems"
    registered = []

    def register(*works):
        left = list(works)

        def go(**_):
            return left.pop(0)() if left else None

        registered.append(go)
        events.register_first(event, go)
        return left

    yield register
    for go in registered:
        events.unregister(event, go)


def cancelled(*codes, message="because"):
    """Return what gives an answer of DynamoDB where a transaction is cancelled, as AWS documents it."""
    error = {"Code": "TransactionCanceledException", "Message": "cancelled"}
    reasons = [{"Code": code, "Message": message} for code in codes]
    return lambda: (SimpleNamespace(status_code=400), {"Error": error, "CancellationReasons": reasons})


@pytest.mark.parametrize("error", [ReadTimeoutError(endpoint_url="x"), ValueError("odd")])
def test_an_error_that_is_no_answer_of_dynamodb_is_not_in_the_way(error):
    assert not is_contention(error)


def row(id_, day=25, version="v1", **more):
    item = {
        "DetectLabelRequestId": id_,
        "DetectLabelDate": f"2026-11-{day:02}T09:00:00.000000+00:00",
        "ProjectVersionArn": ARN.format(version),
        "DetectedLabel": "cat",
        "DetectedConfidenceLevel": Decimal(60),
        "MinimumConfidenceLevel": Decimal(70),
        "A2IEnabled": True,
        "Sampled": "No",
        "HumanLoopName": "h",
    }
    return LogRow.from_item(item | more)


def rows_of(table):
    return [LogRow.from_item(item) for item in table.scan(ConsistentRead=True)["Items"]]


def assert_counts_are_the_rows(reader, table):
    days, since = reader.days(*ALWAYS)
    assert since == ALWAYS[0]
    expected = {}
    for item, counters in summed(map(of_row, rows_of(table))).items():
        expected.setdefault(item.day_and_version_name, {}).update(counters)
    assert {(day.day, day.version): dict(day.counts) for day in days} == expected


def answer(hook, table, id_="a", label="dog"):
    (read,) = [one for one in rows_of(table) if one.detection_id == id_]
    return hook.set_answers([read], {id_: LoggedAnswer(label, "today")}) == [id_]


def test_rows_are_counted_once_however_often_they_come(hook, reader, table):
    rows = [row("a"), row("b", 26, DetectedConfidenceLevel=Decimal(90)), row("c", 26, "v2"), row("d", Failure="x")]
    hook.put_new(rows[:2])
    hook.put_new([*rows, rows[0]])
    hook.put_new(rows)
    assert_counts_are_the_rows(reader, table)
    assert sum(day["detections"] for day in reader.days(*ALWAYS)[0]) == 3


def test_a_transaction_has_room_for_what_counts_it(hook, reader, table):
    ids = [f"{n:03}" for n in range(120)]
    assert hook.put_new([row(id_, 1 + n % 28, f"v{n % 9}") for n, id_ in enumerate(ids)]) == ids
    assert_counts_are_the_rows(reader, table)
    hook.mark_sampled(rows_of(table), dict.fromkeys(ids), dict.fromkeys(ids, 5))
    assert_counts_are_the_rows(reader, table)


def test_answers_and_samples_in_any_order_are_counted_once(hook, reader, table):
    hook.put_new([row("a"), row("b"), row("c", DetectedConfidenceLevel=Decimal(95))])
    assert answer(hook, table, "a", "cat") is True
    assert answer(hook, table, "a", "dog") is False
    for _ in range(2):
        hook.mark_sampled(rows_of(table), dict.fromkeys("abc"), dict.fromkeys("abc", 5))
        assert_counts_are_the_rows(reader, table)
    answer(hook, table, "b")
    answer(hook, table, "c")
    assert_counts_are_the_rows(reader, table)
    (day,) = reader.days(*ALWAYS)[0]
    assert (day["sampled"], day["sample_answered"], day["sample_agreed"]) == (3, 3, 1)
    assert (day["review_answered"], day["review_agreed"]) == (2, 1)


def test_a_detection_sampled_while_its_answer_is_applied_is_a_sample(hook, reader, table, before):
    hook.put_new([row("a")])
    stale = rows_of(table)
    before(lambda: hook.mark_sampled(stale, {"a": None}, {"a": 5}))
    assert answer(hook, table) is True
    assert_counts_are_the_rows(reader, table)


def test_a_detection_answered_while_it_is_marked_is_a_sample(hook, reader, table, before):
    ids = [f"{n:02}" for n in range(99)]  # with their counts a full transaction, which the answer's pair must not burst
    hook.put_new([row(id_) for id_ in ids])
    stale = rows_of(table)
    before(lambda: answer(hook, table, "50") and None)
    hook.mark_sampled(stale, dict.fromkeys(ids), dict.fromkeys(ids, 5))
    assert_counts_are_the_rows(reader, table)
    assert reader.days(*ALWAYS)[0][0]["sample_answered"] == 1


def test_an_answer_that_another_run_applied_meanwhile_is_not_applied_again(hook, reader, table, before):
    hook.put_new([row("a")])
    stale = rows_of(table)[0]
    before(lambda: hook.set_answers([stale], {"a": LoggedAnswer("cat", "")}) and None)
    assert hook.set_answers([stale], {"a": LoggedAnswer("dog", "")}) == []
    assert rows_of(table)[0].human_label == "cat"
    assert_counts_are_the_rows(reader, table)


def test_transactions_that_were_in_each_others_way_are_made_again(hook, reader, table, before):
    left = before(cancelled("None", "TransactionConflict"), cancelled("ThrottlingError", "None"))
    assert hook.put_new([row("a")]) == ["a"]
    assert left == []
    assert_counts_are_the_rows(reader, table)


def test_a_conflict_without_end_and_any_other_reason_are_raised(hook, table, before):
    left = before(*[cancelled("TransactionConflict", "None")] * 50)
    with pytest.raises(ClientError, match="TransactionCanceled"):
        hook.put_new([row("a")])
    assert len(left) == 40
    left[:] = [cancelled("None", "AccessDenied")]
    with pytest.raises(ClientError, match="TransactionCanceled"):
        hook.put_new([row("a")])
    left.clear()
    assert rows_of(table) == []


def test_a_table_of_confusions_without_room_keeps_no_answer_from_being_counted(hook, reader, table, caplog, before):
    hook.put_new([row("a")])
    full = "Item size to update has exceeded the maximum allowed size"
    before(cancelled("None", "None", "ValidationError", message=full))  # moto lets items grow without end
    assert answer(hook, table, "a", "z") is True
    (day,) = reader.days(*ALWAYS)[0]
    assert day["review_answered"] == 1
    assert statistics.pair_counter("review", "cat", "z") not in day.counts
    assert "is full" in caplog.text


def test_what_is_no_lack_of_room_is_raised(hook, reader, table, before):
    hook.put_new([row("a")])
    left = before(*[cancelled("None", "None", "ValidationError")] * 2)
    with pytest.raises(ClientError, match="TransactionCanceled"):
        answer(hook, table)
    assert len(left) == 1
    assert_counts_are_the_rows(reader, table)


@pytest.mark.parametrize(
    "label", ["", " ", "#0", ":1, ADD x", "a.b[0]", "ü中🙂", "a\x00b", '"]', "Month", "x" * 255, "中" * 255]
)
def test_any_label_can_be_counted(hook, reader, table, label):
    hook.put_new([row("a", DetectedLabel=label)])
    answer(hook, table, "a", label or "None of the Above")
    assert_counts_are_the_rows(reader, table)
    assert reader.days(*ALWAYS)[0][0]["review_agreed"] == 1


def test_a_loop_without_statistics_is_not_counted(table, reader):
    hook = InferenceLogHook("log", aws_conn_id=None)
    assert hook.put_new([row("a")]) == ["a"]
    assert answer(hook, table) is True
    hook.mark_sampled(rows_of(table), {"a": None}, {"a": 5})
    assert rows_of(table)[0].is_sampled
    assert reader.days(*ALWAYS)[0] == []


# --- reading


def test_a_window_is_its_days_and_no_others(hook, reader, table):
    days = ("2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01", "2026-02-02")
    hook.put_new([row(day, DetectLabelDate=f"{day}T00:00:00.000000+00:00") for day in days])
    found, since = reader.days(date(2026, 1, 1), date(2026, 2, 1))
    assert [day.day for day in found] == ["2026-01-01", "2026-01-31", "2026-02-01"]
    assert since == date(2026, 1, 1)
    assert len(reader.days(date(2025, 12, 31), date(2025, 12, 31))[0]) == 1


def test_more_than_a_page_should_wait_for_is_left_out_oldest_first(hook, reader, table, monkeypatch):
    monkeypatch.setattr("moto.dynamodb.models.table.RESULT_SIZE_LIMIT", 600)
    monkeypatch.setattr("label_loop.hooks.statistics._MAX_PAGES", 3)
    hook.put_new([row(str(n), day, f"v{n}") for day in range(1, 29) for n in [day * 2, day * 2 + 1]])
    found, since = reader.days(*ALWAYS)
    days = [day.day for day in found]
    assert days == sorted(days)
    assert days[-1] == "2026-11-28"
    assert days.count(days[0]) == 2  # no day is there in part
    assert since.isoformat() == days[0] > "2026-11-10"
