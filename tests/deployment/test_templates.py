"""The templates are in order, and describe what the code takes for granted."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.deployment.template import FILES, LOOP, NAMES, PROJECT, REGION, references, resolved, template

from deployment.__main__ import _parser
from label_loop.loop import Loop
from label_loop.parameters import PARAMETERS
from label_loop.provisioning import Options, ResourceLine, ResourceOutcome, provision
from label_loop.provisioning.bucket import adapt_bucket
from label_loop.provisioning.names import PURPOSES, slug
from label_loop.provisioning.notifications import ensure_notifications
from label_loop.provisioning.site import Site
from label_loop.provisioning.table import (
    INDEX,
    LABELS,
    REVIEWS,
    STATE,
    STATISTICS,
    _definitions,
    _index,
    _schema,
    adapt_table,
    inference_log,
)
from label_loop.system_record import SYSTEM_RECORD, SYSTEM_RECORD_DESCRIPTION
from local_aws.server import LocalAws
from local_aws.settings import EndpointSettings

KNOWN = references(f"{NAMES.arn('rekognition', f'project/{NAMES.base}')}/1", "https://sqs/")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[LocalAws]:
    with LocalAws(EndpointSettings(port=0)) as aws:
        yield aws


@pytest.fixture
def client(endpoint: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    return boto3.Session().client


def resources(kind: str = "") -> dict[str, Any]:
    """Return the resources of loop.yaml, those of a type, with what refers to the others resolved."""
    found = resolved(
        template("loop")["Resources"],
        KNOWN,
    )
    return {name: one for name, one in found.items() if kind in ("", one["Type"])}


def test_the_linter_finds_nothing():
    command = [str(Path(sys.executable).with_name("cfn-lint")), *map(str, FILES.values())]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert len(command) == 3


def test_the_template_takes_every_loop_s_name_and_path():
    parameters = template("loop")["Parameters"]
    for path in (
        "/label-loop",
        "/logos",
        "/7",
        "/" + "x" * 24,
        "/" + "x" * 25,
        "/a--b",
        "/-a",
        "/A",
        "/a.b/c_d",
        "/my-aws",
    ):
        name = slug(Loop(path))
        assert re.fullmatch(parameters["Loop"]["AllowedPattern"], name), path
        assert len(name) <= parameters["Loop"]["MaxLength"]
        assert re.fullmatch(parameters["Path"]["AllowedPattern"], path)
    for path in ("/aws", "/SSM/loop", "no-path", "/a b"):  # Parameter Store keeps the first two to AWS
        assert not re.fullmatch(parameters["Path"]["AllowedPattern"], path)


def test_tables_are_laid_out_as_provisioning_lays_them_out():
    layouts = {
        "InferenceLog": (NAMES.base, inference_log(INDEX)),
        "Reviews": (f"{NAMES.base}-reviews", REVIEWS),
        "Statistics": (f"{NAMES.base}-statistics", STATISTICS),
        "State": (f"{NAMES.base}-state", STATE),
        "Labels": (f"{NAMES.base}-labels", LABELS),
    }
    tables = resources("AWS::DynamoDB::Table")
    assert set(tables) == set(layouts)
    for logical, (name, layout) in layouts.items():
        properties = tables[logical]["Properties"]
        assert properties["TableName"] == name
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        assert properties["KeySchema"] == _schema(layout.key)
        assert properties["AttributeDefinitions"] == _definitions(layout.key, *layout.indexes.values())
        indexes = [_index(index, attributes) for index, attributes in layout.indexes.items()]
        assert properties.get("GlobalSecondaryIndexes", []) == indexes
        assert tables[logical]["UpdateReplacePolicy"] == "Retain"
        assert tables[logical]["DeletionPolicy"] == "RetainExceptOnCreate"  # a failed creation can be repeated


def test_the_parameters_of_stacks_of_earlier_releases_stay_as_they_were():
    """The setup makes parameters now. These belong to older stacks, whose policy denies any change of them."""
    made = {one["Properties"]["Name"]: one["Properties"] for one in resources("AWS::SSM::Parameter").values()}
    record = made.pop(LOOP.parameter(SYSTEM_RECORD))
    assert record["Description"] == SYSTEM_RECORD_DESCRIPTION
    assert len(made) == 15
    for name, properties in made.items():
        PARAMETERS[name.removeprefix(f"{LOOP.path}/")].parse(properties["Value"])
        assert properties["Type"] == "String"


def test_what_the_stack_makes_is_as_what_a_loop_had_before_is_made(client):
    """Two ways describe a bucket and the tables: the template for new ones, the code for those that are kept."""
    lines: list[ResourceLine] = []
    values = provision(LOOP, Options(review_backend="airflow"), boto3.Session(), lines.append)
    assert {line.outcome for line in lines} == {ResourceOutcome.CREATED}

    again: list[ResourceLine] = []
    site = Site(LOOP, Options(), boto3.Session(), again.append)
    adapt_bucket(site, values["s3_bucket"])
    ensure_notifications(site, values["s3_bucket"], {one: values[f"{one}_queue_url"] for one in PURPOSES})
    for layout in (inference_log(INDEX), REVIEWS, STATISTICS, STATE):
        adapt_table(site, values[layout.record_key], layout)
    assert [str(line) for line in again if line.outcome is not ResourceOutcome.UNCHANGED] == []

    client("s3").put_object(Bucket=NAMES.bucket, Key="images_for_detection/an image.png", Body=b"x")
    received = client("sqs").receive_message(QueueUrl=values["uploads_queue_url"], MaxNumberOfMessages=10)
    assert sum("an+image.png" in message["Body"] for message in received["Messages"]) == 1


def test_the_record_names_everything_that_the_stack_makes_and_keeps():
    output = resolved(
        template("loop")["Outputs"]["Record"]["Value"],
        KNOWN,
    )
    values = json.loads(output)
    assert all(values.values())
    kinds = {
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::DynamoDB::Table",
        "AWS::SNS::Topic",
        "AWS::Rekognition::Project",
    }
    assert len(values) == sum(one["Type"] in kinds for one in template("loop")["Resources"].values())


def test_a_stack_can_be_made_over_what_one_that_was_deleted_has_kept():
    whole = template("loop")
    for name, one in whole["Resources"].items():
        if one.get("DeletionPolicy") and not one["Type"].startswith(("AWS::SSM", "AWS::SageMaker", "AWS::Cognito")):
            assert one["Condition"] == f"Makes{name}"
            assert whole["Parameters"][f"Existing{name}"]["Default"] == ""


def test_the_alarms_watch_uploads_that_wait_and_dead_letters_and_tell_the_topic():
    alarms = resources("AWS::CloudWatch::Alarm").values()
    watched = {one["Properties"]["Dimensions"][0]["Value"] for one in alarms}
    queues = {NAMES.queue("uploads"), NAMES.dead_letter_queue("uploads"), NAMES.dead_letter_queue("answers")}
    assert watched == queues
    assert all(one["Properties"]["AlarmActions"] == [NAMES.arn("sns", NAMES.base)] for one in alarms)


def test_both_buckets_take_tls_only():
    for name in ("loop", "mwaa"):
        statements = template(name)["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        (deny,) = [one for one in statements if one["Effect"] == "Deny"]
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert len(deny["Resource"]) == 2


def test_the_commands_of_the_documentation_are_understood():
    text = (PROJECT / "docs" / "deploying.md").read_text()
    commands = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ make ")]
    assert {shlex.split(line)[1] for line in commands} == {"deploy", "destroy"}
    for command in commands:
        # What make would run, but for the environment that it may want to set up first.
        told = subprocess.run([*shlex.split(command), "-n"], cwd=PROJECT, capture_output=True, check=True)
        (line,) = [one for one in told.stdout.decode().replace("\\\n", "").splitlines() if "-m deployment" in one]
        words = shlex.split(line)
        given = _parser().parse_args(words[words.index("deployment") + 1 :])
        assert given.stack == "label-loop-prod"
    settings = set(re.findall(r"(\w+)=", " ".join(re.findall(r'SET="([^"]+)"', text))))
    assert settings and settings <= set(template("mwaa")["Parameters"])


def test_a_login_is_never_named_by_a_loop_whose_name_cognito_could_refuse():
    domain = template("loop")["Resources"]["ReviewerLogin"]["Properties"]["Domain"]
    prefix, stack_id = domain["Fn::Join"][1]
    assert prefix == "reviewers"
    assert stack_id == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
    assert not any(word in f"{prefix}-0123456789abcdef" for word in ("aws", "amazon", "cognito"))


def test_nothing_of_amazon_a2i_is_made_where_nobody_asks_for_it():
    whole = template("loop")
    for name, one in whole["Resources"].items():
        of_a2i = one["Type"].startswith(("AWS::SageMaker", "AWS::Cognito", "AWS::IAM::Role"))
        assert of_a2i == (one.get("Condition") in {"HasA2I", "HasTaskUi", "HasWorkforce"}), name
    assert {whole["Parameters"][name]["Default"] for name in ("A2I", "PrivateWorkforce")} == {"false"}


def test_the_rule_tells_of_all_parameters_of_people_and_not_of_the_loop_s_own():
    (rule,) = resources("AWS::Events::Rule").values()
    told = rule["Properties"]["EventPattern"]["detail"]["name"]
    assert sorted(told) == sorted(LOOP.parameter(name) for name in PARAMETERS)


def test_a_template_fits_into_a_request():
    for path in FILES.values():
        assert len(path.read_bytes()) <= 51_200
        assert path.read_text().isascii()  # CloudFormation gives others back as question marks
