"""Parameter Store: every parameter is found, and no edit of the record is lost."""

import json

import boto3
import pytest

from label_loop.exceptions import LoopNotSetUpError
from label_loop.hooks.parameter_store import ParameterStoreHook
from label_loop.loop import Loop
from label_loop.parameters import PARAMETERS
from label_loop.system_record import SYSTEM_RECORD

LOGOS = Loop("/logos")


@pytest.fixture
def ssm():
    return boto3.client("ssm")


@pytest.fixture(scope="module")
def hook():
    return ParameterStoreHook(aws_conn_id=None)


def put(ssm, name, value, kind="String"):
    ssm.put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)


def stored(ssm):
    return json.loads(ssm.get_parameter(Name=f"/logos/{SYSTEM_RECORD}")["Parameter"]["Value"])


def test_all_texts_of_a_loop_are_found_over_several_pages(hook, ssm):
    expected = {name: parameter.default for name, parameter in PARAMETERS.items()}
    expected |= {f"Other-{n}": str(n) for n in range(15)}
    for name, text in expected.items():
        put(ssm, f"/logos/{name}", text)
    put(ssm, "/logos/deeper/Minimum-F1-Score", "0.1")
    put(ssm, "/logos2/Minimum-F1-Score", "0.2")
    assert hook.texts(LOGOS) == expected


def test_a_secure_text_is_read_decrypted(hook, ssm):
    put(ssm, "/logos/Minimum-F1-Score", "0.9", kind="SecureString")
    assert hook.texts(LOGOS) == {"Minimum-F1-Score": "0.9"}


def test_a_loop_without_parameters_has_no_texts(hook):
    assert hook.texts(LOGOS) == {}


def test_a_new_parameter_is_written_with_its_description(hook, ssm):
    assert hook.put(LOGOS, "Minimum-F1-Score", "0.7", None) == 1
    (described,) = ssm.describe_parameters()["Parameters"]
    assert described["Name"] == "/logos/Minimum-F1-Score"
    assert described["Description"] == PARAMETERS["Minimum-F1-Score"].description
    assert hook.texts(LOGOS) == {"Minimum-F1-Score": "0.7"}


def test_a_parameter_that_exists_keeps_its_type(hook, ssm):
    ssm.put_parameter(Name="/logos/Minimum-F1-Score", Value="0.7", Type="SecureString")
    assert hook.put(LOGOS, "Minimum-F1-Score", "0.9", hook.stored(LOGOS)["Minimum-F1-Score"]) == 2
    assert hook.texts(LOGOS) == {"Minimum-F1-Score": "0.9"}
    (described,) = ssm.describe_parameters()["Parameters"]
    assert described["Type"] == "SecureString"


def test_the_history_is_told_newest_first_over_several_pages(hook, ssm):
    for n in range(60):  # a page has 50
        put(ssm, "/logos/Minimum-Untrained-Images", str(n + 1))
    history = hook.history(LOGOS, "Minimum-Untrained-Images")
    assert [version.text for version in history] == [str(n) for n in range(60, 0, -1)]
    assert [version.version for version in history] == list(range(60, 0, -1))
    assert history[0].written_at >= history[-1].written_at
    assert all(version.user_arn for version in history)
    assert hook.history(LOGOS, "Minimum-Untrained-Images", limit=3) == history[:3]


def test_a_parameter_that_is_not_there_has_no_history(hook):
    assert hook.history(LOGOS, "Minimum-F1-Score") == []


@pytest.mark.parametrize("text", [None, "no json", "[]"])
def test_a_loop_that_is_not_set_up_says_so(hook, ssm, text):
    if text is not None:
        put(ssm, f"/logos/{SYSTEM_RECORD}", text)
    with pytest.raises(LoopNotSetUpError, match="/logos"):
        hook.record(LOGOS)
    with pytest.raises(LoopNotSetUpError):
        hook.update_record(LOGOS, {"s3_bucket": "b"})


def test_an_update_keeps_every_other_key(hook, ssm):
    before = {"s3_bucket": "b", "unknown": {"deep": [1, None, "ü"]}, "empty": "", "none": None, "number": 1.5}
    put(ssm, f"/logos/{SYSTEM_RECORD}", json.dumps(before))
    record = hook.update_record(LOGOS, {"rekognition_project_version_arn": "arn:v2"})
    assert stored(ssm) == before | {"rekognition_project_version_arn": "arn:v2"}
    assert record.values == stored(ssm)


def test_an_edit_made_meanwhile_is_not_lost(hook, ssm):
    put(ssm, f"/logos/{SYSTEM_RECORD}", json.dumps({"s3_bucket": "b", "sns-topic": "old"}))
    record = hook.record(LOGOS)
    put(ssm, f"/logos/{SYSTEM_RECORD}", json.dumps({"s3_bucket": "b", "sns-topic": "new", "added": 1}))
    assert record.topic_arn == "old"
    hook.update_record(LOGOS, {"previous_trained_images": 7})
    assert stored(ssm) == {"s3_bucket": "b", "sns-topic": "new", "added": 1, "previous_trained_images": 7}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_updates_at_once_none_is_lost(hook, ssm, monkeypatch, order):
    put(ssm, f"/logos/{SYSTEM_RECORD}", json.dumps({"s3_bucket": "b"}))
    changes = [{"first": 1}, {"second": 2}]
    read = type(hook)._record
    others = [lambda: hook.update_record(LOGOS, changes[order[1]])]

    def interrupted(self, loop, version=""):
        """Let another update run between a read and the write that follows it."""
        found = read(self, loop, version)
        if others:
            others.pop()()
        return found

    monkeypatch.setattr(type(hook), "_record", interrupted)
    hook.update_record(LOGOS, changes[order[0]])
    assert stored(ssm) == {"s3_bucket": "b", "first": 1, "second": 2}


def test_none_removes_a_key(hook, ssm):
    put(ssm, f"/logos/{SYSTEM_RECORD}", json.dumps({"s3_bucket": "b", "last_training_attempt": {}}))
    hook.update_record(LOGOS, {"last_training_attempt": None, "never_there": None})
    assert stored(ssm) == {"s3_bucket": "b"}
