"""The names of a loop's resources, in whatever form Parameter Store has them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON

from label_loop.exceptions import LoopNotSetUpError
from label_loop.loop import Loop
from label_loop.system_record import SYSTEM_RECORD, SystemRecord

LOGOS = Loop("/logos")
DEEP = "[" * 200_000


@pytest.mark.parametrize("text", [None, "", "no json", "[]", "null", '"text"', "7", DEEP])
def test_a_record_that_is_none_says_what_to_do(text):
    with pytest.raises(LoopNotSetUpError, match=r"/logos.*provision /logos"):
        SystemRecord.parse(LOGOS, text)


def test_the_samples_record_is_adopted_as_it_is():
    text = json.dumps(
        {
            "s3_bucket": "bucket",
            "rekognition_project_arn": "arn:project",
            "sns-topic": "arn:topic",
            "dynamodb_table": "table",
            "something-else": {"kept": True},
        }
    )
    record = SystemRecord.parse(LOGOS, text)
    assert (record.bucket, record.project_arn, record.topic_arn) == ("bucket", "arn:project", "arn:topic")
    assert record.require("dynamodb_table") == "table"
    assert record.values["something-else"] == {"kept": True}
    assert (record.uploads_queue_url, record.answers_queue_url, record.state_table) == (None, None, None)


@pytest.mark.parametrize("value", ["missing", "", None, 0, False, [], {}, ["bucket"], 12])
def test_a_missing_empty_or_odd_value_is_missing(value):
    record = SystemRecord(LOGOS, {} if value == "missing" else {"s3_bucket": value, "state_table": value})
    assert record.state_table is None
    with pytest.raises(LoopNotSetUpError, match=f"{SYSTEM_RECORD} has no 's3_bucket'"):
        _ = record.bucket


@given(values=st.dictionaries(st.text(max_size=10), ARBITRARY_JSON))
def test_any_json_object_is_a_record_that_can_be_asked(values):
    record = SystemRecord.parse(LOGOS, json.dumps(values))
    assert record.values.keys() == values.keys()
    assert record.get("s3_bucket") in (None, values.get("s3_bucket"))
