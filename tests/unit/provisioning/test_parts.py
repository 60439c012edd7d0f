"""The parts that need no endpoint."""

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from label_loop.loop import Loop
from label_loop.provisioning.names import Names, slug
from label_loop.provisioning.notifications import _overlaps, _plain
from label_loop.provisioning.policies import merged
from label_loop.provisioning.report import ProvisioningError, ResourceLine, ResourceOutcome
from label_loop.provisioning.review import _is_active
from label_loop.provisioning.site import Options, Site
from label_loop.provisioning.task_template import task_template

PLUGINS = Path(__file__).parents[3] / "plugins"
HOSTILE = "\"><script>alert(1)</script> {{ task.input | json }} {% raw %} ' & ü"


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def elements(labels, tag):
    return [attributes for name, attributes in Elements(task_template(labels)).found if name == tag]


@pytest.mark.parametrize("count", [1, 9, 10, 30])
def test_every_label_can_be_picked_and_none_of_the_above_is_last(count):
    labels = [f"label {n}" for n in range(count)]
    classifiers = elements(labels, "crowd-image-classifier")
    if count < 10:
        (classifier,) = classifiers
        offered = json.loads(classifier["categories"])
    else:
        assert not classifiers
        buttons = elements(labels, "crowd-radio-button")
        assert {button["name"] for button in buttons} == {"crowd-image-classifier"}
        offered = [button["value"] for button in buttons]
    assert offered == [*labels, "None of the Above"]


def test_radio_buttons_cannot_be_submitted_with_none_of_them_on():
    text = task_template([f"label {n}" for n in range(10)])
    script = text.partition("</crowd-form>")[2]
    assert "onsubmit" in script
    assert "preventDefault" in script
    assert "onsubmit" not in task_template(["a", "b"])  # the image classifier asks for a choice itself


@pytest.mark.parametrize("others", [0, 12])
def test_a_hostile_label_is_only_text(others):
    labels = [HOSTILE, *(f"l{n}" for n in range(others))]
    text = task_template(labels)
    scripts = [attributes.get("src") for attributes in elements(labels, "script")]
    assert scripts == ["https://assets.crowd.aws/crowd-html-elements.js", *([None] if others else [])]
    assert re.findall(r"{[{%].*?[}%]}", text) == ["{{ task.input.taskObject | grant_read_access }}"]
    assert HOSTILE in html.unescape(text) or json.dumps(HOSTILE) in html.unescape(text)


def test_names_are_within_aws_rules_and_two_loops_share_none():
    paths = ["/a.b", "/a/b", "/a-b", "/A-b", "/a_b", "/" + "x" * 60, "/" + "x" * 61, "/___", "/logos"]
    slugs = [slug(Loop(path)) for path in paths]
    assert len(set(slugs)) == len(paths)
    for one, path in zip(slugs, paths, strict=True):
        names = Names(Loop(path), "aws", "ap-southeast-1", "123456789012")
        assert re.fullmatch(r"[a-z0-9](-*[a-z0-9])*", one), path
        assert len(names.bucket) <= 63
    assert slugs[-1] == "logos"


def test_a_policy_keeps_the_statements_of_others_and_is_written_only_to_change():
    mine = {"Sid": "Mine", "Effect": "Allow"}
    other = {"Effect": "Deny", "Action": "*"}
    first = merged(json.dumps({"Version": "2008-10-17", "Id": "kept", "Statement": other}), [mine])
    assert json.loads(first) == {"Version": "2008-10-17", "Id": "kept", "Statement": [other, mine]}
    assert merged(first, [mine]) is None
    assert json.loads(merged(first, [{**mine, "Effect": "Deny"}]))["Statement"][1]["Effect"] == "Deny"


@pytest.mark.parametrize(
    ("events", "prefix", "overlaps"),
    [
        (["s3:ObjectCreated:Put"], "images_for_detection/", True),
        (["s3:ObjectCreated:*"], "images", True),
        (["s3:ObjectCreated:*"], "images_for_detection/new/", True),
        (["s3:ObjectCreated:*"], None, True),
        (["s3:ObjectCreated:*"], "other/", False),
        (["s3:ObjectRemoved:*"], "images_for_detection/", False),
    ],
)
def test_what_s3_would_refuse_beside_ours_is_known(events, prefix, overlaps):
    notification = {"Events": events}
    if prefix is not None:
        notification["Filter"] = {"Key": {"FilterRules": [{"Name": "Prefix", "Value": prefix}]}}
    assert _overlaps(notification, "images_for_detection/") is overlaps


def test_a_configuration_is_the_same_in_aws_spelling():
    def spelled(word):
        rules = [{"Name": word, "Value": "a/"}]
        return {"QueueConfigurations": [{"Id": "x", "Filter": {"Key": {"FilterRules": rules}}}]}

    assert _plain(spelled("Prefix")) == _plain(spelled("prefix"))


def client_error(code):
    return ClientError({"Error": {"Code": code, "Message": "no."}}, "CreateBucket")


@pytest.mark.parametrize("code", ["AccessDenied", "BucketAlreadyExists", "SomethingNew"])
def test_an_error_names_resource_code_and_way_out(code):
    text = str(ProvisioningError.of("bucket", "b", client_error(code)))
    assert text.startswith(f"Bucket b: {code} in CreateBucket: no. To fix this, ")


def test_waiting_ends(monkeypatch):
    site = Site(Loop("/logos"), Options(), boto3.Session(region_name="eu-west-1"), lambda _: None)
    slept = []
    site.account.sleep = slept.append
    with pytest.raises(ProvisioningError, match="not active after 120 s"):
        site.until(lambda: False, "table", "t", "active")
    assert sum(slept) == 120
    answers = iter([client_error("Wait"), client_error("Wait"), None])

    def act():
        error = next(answers)
        if error:
            raise error
        return "done"

    assert site.retry_on(act, "Wait") == "done"
    answers = iter([client_error("Other")])
    with pytest.raises(ClientError):
        site.retry_on(act, "Wait")


def test_a_failed_flow_definition_says_why():
    with pytest.raises(ProvisioningError, match="role cannot be assumed"):
        _is_active({"FlowDefinitionStatus": "Failed", "FailureReason": "role cannot be assumed"}, "f")


def test_only_aws_itself_is_not_local(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    session = boto3.Session("a", "b", region_name="eu-west-1")
    assert not Site(Loop("/logos"), Options(), session, lambda _: None).is_local
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    session = boto3.Session("a", "b", region_name="eu-west-1")
    assert Site(Loop("/logos"), Options(), session, lambda _: None).is_local


def test_a_line_reads_well():
    assert str(ResourceLine("queue", "q", ResourceOutcome.UNCHANGED)) == "unchanged     queue q"
    assert (
        str(ResourceLine("bucket", "b", ResourceOutcome.UPDATED, "CORS", planned=True))
        == "to be updated bucket b (CORS)"
    )
