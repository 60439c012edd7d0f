"""The log of an adopted loop: its index has only keys, so that the rows behind them are read by key."""

from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from tenacity import nap
from tests.testing.sample_layout import make_table

from label_loop.hooks.inference_log import InferenceLogHook

TABLE = "the-samples-log"


@pytest.fixture
def hook(aws: Any) -> InferenceLogHook:
    make_table(boto3.client("dynamodb"), TABLE)
    return InferenceLogHook(TABLE, aws_conn_id=None)


@pytest.fixture
def calls(hook: InferenceLogHook) -> Iterator[Counter[str]]:
    counted: Counter[str] = Counter()
    events = hook.conn.meta.client.meta.events
    events.register("before-send.dynamodb.*", lambda event_name, **_: counted.update([event_name.rsplit(".", 1)[1]]))
    return counted


def moment(number: int) -> str:
    return f"2026-11-23T09:{number // 60:02}:{number % 60:02}.000Z"


def fill(numbers: range, **more: Any) -> None:
    """Log detections as the sample does, one a second."""
    with boto3.resource("dynamodb").Table(TABLE).batch_writer() as writer:
        for number in numbers:
            item = {"DetectLabelRequestId": f"id-{number:03}", "DetectLabelDate": moment(number), "Sampled": "No"}
            writer.put_item(Item={**item, "S3ObjectKey": f"{number}.png", "S3ObjectEtag": f"e{number}", **more})


def test_answered_rows_are_whole_in_the_order_of_the_index(hook: InferenceLogHook, calls: Counter[str]) -> None:
    fill(range(250))
    fill(range(7, 240, 100), HumanLabel="cat", HumanLableCompletedDate="2026-11-24T09:00:00.000Z")
    fill(range(240, 241), HumanLabel="dog", Sampled="Yes")
    pages = list(hook.answered(moment(0), moment(300)))
    found = [row for page in pages for row in page]
    assert [row.key for row in found] == ["240.png", "207.png", "107.png", "7.png"]
    assert {row.answered_at for row in found[1:]} == {"2026-11-24T09:00:00.000Z"}
    assert calls == {"Query": 2, "BatchGetItem": 4}
    assert len(pages) == 2


def test_what_was_detected_is_known_by_key_and_etag(hook: InferenceLogHook) -> None:
    fill(range(120))
    fill(range(110, 111), Sampled="Yes")
    assert sorted(hook.detected_since(moment(100))) == [(f"{number}.png", f"e{number}") for number in range(100, 120)]


def test_a_table_that_has_capacity_for_one_row_at_a_time_is_read_to_its_end(
    hook: InferenceLogHook, calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nap, "time", SimpleNamespace(sleep=lambda seconds: None))

    def leave_all_but_one(parsed: dict[str, Any], **_: Any) -> None:
        read = parsed["Responses"][TABLE]
        left = [{"DetectLabelRequestId": item["DetectLabelRequestId"]} for item in read[1:]]
        parsed["Responses"][TABLE] = read[:1]
        parsed["UnprocessedKeys"] = {TABLE: {"Keys": left, "ConsistentRead": False}} if left else {}

    hook.conn.meta.client.meta.events.register("after-call.dynamodb.BatchGetItem", leave_all_but_one)
    fill(range(30))
    assert len(list(hook.detected_since(moment(0)))) == 30
    assert calls["BatchGetItem"] == 30
