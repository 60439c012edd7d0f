"""The templates are in order, and make what provisioning makes: it finds everything, and has nothing to mend."""

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
from moto.cloudformation.models import cloudformation_backends
from tests.deployment.template import ACCOUNT, FOLDER, LOOP, NAMES, REGION, references, resolved, template

from deployment.__main__ import _parser
from label_loop.loop import Loop
from label_loop.parameters import PARAMETERS
from label_loop.provisioning import Line, Options, Outcome, provision
from label_loop.provisioning.names import slug
from label_loop.provisioning.table import (
    INDEX,
    REVIEWS,
    STATE,
    STATISTICS,
    _definitions,
    _index,
    _schema,
    inference_log,
)
from label_loop.system_record import SYSTEM_RECORD, SYSTEM_RECORD_DESCRIPTION
from local_aws.moto_lock import MOTO_LOCK
from local_aws.server import LocalAws
from local_aws.settings import Settings

# What moto's CloudFormation does not know is made by `make_the_rest`, or is no business of provisioning's.
UNSUPPORTED = {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::Rekognition::Project"}
ALARMS = {"AWS::CloudWatch::Alarm", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::Events::Rule"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[LocalAws]:
    with LocalAws(Settings(port=0)) as aws:
        yield aws


@pytest.fixture
def client(endpoint: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    return boto3.Session().client


def resources(kind: str = "") -> dict[str, Any]:
    """Return the resources of application.yaml, those of a type, with what refers to the others resolved."""
    found = resolved(template("application")["Resources"], references("arn:project", "https://sqs/"))
    return {name: one for name, one in found.items() if kind in ("", one["Type"])}


def test_the_linter_finds_nothing():
    command = [str(Path(sys.executable).with_name("cfn-lint")), *map(str, sorted(FOLDER.glob("*.yaml")))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert len(command) == 3


def test_names_that_need_no_hash_are_those_that_the_template_takes():
    pattern, longest = (template("application")["Parameters"]["Loop"][key] for key in ("AllowedPattern", "MaxLength"))
    for name in ("label-loop", "logos", "a", "7", "x" * 24, "x" * 25, "a--b", "-a", "a-", "A", "a.b", "a_b", "my-aws"):
        taken = bool(re.fullmatch(pattern, name)) and len(name) <= longest
        assert taken == (slug(Loop(f"/{name}")) == name), name
    assert not re.fullmatch(pattern, "ssm-loop")  # Parameter Store keeps such paths to AWS


def test_tables_are_laid_out_as_provisioning_lays_them_out():
    layouts = {
        "InferenceLog": (NAMES.base, inference_log(INDEX)),
        "Reviews": (f"{NAMES.base}-reviews", REVIEWS),
        "Statistics": (f"{NAMES.base}-statistics", STATISTICS),
        "State": (f"{NAMES.base}-state", STATE),
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


def test_parameters_are_the_package_s_with_their_defaults():
    made = {one["Properties"]["Name"]: one["Properties"] for one in resources("AWS::SSM::Parameter").values()}
    record = made.pop(LOOP.parameter(SYSTEM_RECORD))
    assert record["Description"] == SYSTEM_RECORD_DESCRIPTION
    assert {name: (one["Value"], one["Description"], one["Type"]) for name, one in made.items()} == {
        LOOP.parameter(name): (parameter.default, parameter.description, "String")
        for name, parameter in PARAMETERS.items()
    }


def deploy(endpoint: LocalAws, client: Callable[[str], Any]) -> dict[str, Any]:
    """Make the stack: by moto's CloudFormation what that knows, and by the services' own calls the rest."""
    project = client("rekognition").create_project(ProjectName=NAMES.base)["ProjectArn"]
    url = client("sqs").create_queue(QueueName="x")["QueueUrl"].removesuffix("x")
    whole, known = template("application"), references(project, url)
    given = {key: value for key, value in known.items() if key.startswith("Project")}
    stack = json.loads(json.dumps(resolved(whole, given)))
    # moto's CloudFormation gives queues another host than the endpoint does.
    stack["Resources"]["SystemRecord"] = resolved(stack["Resources"]["SystemRecord"], known)
    supported = {k: v for k, v in stack["Resources"].items() if v["Type"] not in UNSUPPORTED | ALARMS}
    for one in supported.values():
        one.pop("DependsOn", None)
        if one["Type"] == "AWS::SSM::Parameter":
            del one["Properties"]["Tags"]  # moto takes a list, AWS a map
    text = json.dumps({**stack, "Resources": supported})
    with MOTO_LOCK:
        made = cloudformation_backends[ACCOUNT][REGION].create_stack("loop", text, {"Loop": LOOP.name}, tags={})
        assert made.status == "CREATE_COMPLETE"
    outputs = {output["OutputKey"]: output["OutputValue"] for output in made.outputs}
    assert outputs["BucketName"] == NAMES.bucket
    assert outputs["ParameterPath"] == LOOP.path
    found = resolved(whole["Resources"], known)
    assert {one["Type"] for one in found.values()} >= UNSUPPORTED | ALARMS
    make_the_rest(found, client)
    return found


def make_the_rest(found: dict[str, Any], client: Callable[[str], Any]) -> None:
    """Make what moto's CloudFormation leaves out, of the template's own properties."""
    s3, sqs = client("s3"), client("sqs")
    bucket = found["Bucket"]["Properties"]
    name = bucket["BucketName"]
    policy = found["BucketPolicy"]["Properties"]["PolicyDocument"]
    allowed = [one for one in policy["Statement"] if one["Sid"] != "TlsOnly"]  # moto is asked without TLS
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({**policy, "Statement": allowed}))
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=bucket["VersioningConfiguration"])
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=bucket["PublicAccessBlockConfiguration"])
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": bucket["CorsConfiguration"]["CorsRules"]})
    for purpose in ("Uploads", "Answers"):
        policy = found[f"{purpose}QueuePolicy"]["Properties"]
        (url,) = policy["Queues"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy["PolicyDocument"])})
    notifications = [
        {
            "Id": f"made-up-by-cloudformation-{number}",
            "QueueArn": one["Queue"],
            "Events": [one["Event"]],
            "Filter": {"Key": {"FilterRules": one["Filter"]["S3Key"]["Rules"]}},
        }
        for number, one in enumerate(bucket["NotificationConfiguration"]["QueueConfigurations"])
    ]
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"QueueConfigurations": notifications}
    )
    for table in (one["Properties"] for one in found.values() if one["Type"] == "AWS::DynamoDB::Table"):
        client("dynamodb").update_continuous_backups(
            TableName=table["TableName"],
            PointInTimeRecoverySpecification=table["PointInTimeRecoverySpecification"],
        )


def test_provisioning_finds_what_the_template_made_and_mends_only_what_it_cannot_make(endpoint, client):
    deploy(endpoint, client)
    lines: list[Line] = []
    values = provision(LOOP, Options(), boto3.Session(), lines.append)
    changed = {(line.kind, line.name): line.detail for line in lines if line.outcome is not Outcome.UNCHANGED}
    folders = changed.pop(("bucket", NAMES.bucket))
    assert all(part.endswith("/") for part in folders.split(", ")), folders
    assert changed == {("parameter", LOOP.parameter(SYSTEM_RECORD)): "sampling_since, state_table"}
    assert values["review_backend"] == "airflow"

    again: list[Line] = []
    assert provision(LOOP, Options(), boto3.Session(), again.append) == values
    assert {line.outcome for line in again} == {Outcome.UNCHANGED}

    client("s3").put_object(Bucket=NAMES.bucket, Key="images_for_detection/an image.png", Body=b"x")
    received = client("sqs").receive_message(QueueUrl=values["uploads_queue_url"], MaxNumberOfMessages=10)
    assert sum("an+image.png" in message["Body"] for message in received["Messages"]) == 1


def test_the_alarms_watch_the_dead_letter_queues_and_tell_the_topic():
    alarms = resources("AWS::CloudWatch::Alarm").values()
    watched = {one["Properties"]["Dimensions"][0]["Value"] for one in alarms}
    assert watched == {NAMES.dead_letter_queue("uploads"), NAMES.dead_letter_queue("answers")}
    assert all(one["Properties"]["AlarmActions"] == [NAMES.arn("sns", NAMES.base)] for one in alarms)


def test_both_buckets_take_tls_only():
    for name in ("application", "mwaa"):
        statements = template(name)["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        (deny,) = [one for one in statements if one["Effect"] == "Deny"]
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert len(deny["Resource"]) == 2


def test_the_commands_of_the_documentation_are_understood():
    text = (FOLDER.parents[1] / "docs" / "deploying.md").read_text()
    commands = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ make ")]
    assert {shlex.split(line)[1] for line in commands} == {"deploy", "destroy"}
    for command in commands:
        # What make would run, but for the environment that it may want to set up first.
        told = subprocess.run([*shlex.split(command), "-n"], cwd=FOLDER.parents[1], capture_output=True, check=True)
        (line,) = [one for one in told.stdout.decode().replace("\\\n", "").splitlines() if "-m deployment" in one]
        words = shlex.split(line)
        given = _parser().parse_args(words[words.index("deployment") + 1 :])
        assert given.stack == "label-loop-prod"
    settings = set(re.findall(r"(\w+)=", " ".join(re.findall(r'SET="([^"]+)"', text))))
    assert settings and settings <= set(template("mwaa")["Parameters"])


def test_a_login_is_never_named_by_a_loop_whose_name_cognito_could_refuse():
    domain = template("application")["Resources"]["ReviewerLogin"]["Properties"]["Domain"]
    prefix, stack_id = domain["Fn::Join"][1]
    assert prefix == "reviewers"
    assert stack_id == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
    assert not any(word in f"{prefix}-0123456789abcdef" for word in ("aws", "amazon", "cognito"))


def test_nothing_of_amazon_a2i_is_made_where_nobody_asks_for_it():
    whole = template("application")
    for name, one in whole["Resources"].items():
        of_a2i = one["Type"].startswith(("AWS::SageMaker", "AWS::Cognito", "AWS::IAM::Role"))
        assert of_a2i == (one.get("Condition") in {"HasA2I", "HasTaskUi", "HasWorkforce"}), name
    assert {whole["Parameters"][name]["Default"] for name in ("A2I", "PrivateWorkforce")} == {"false"}


def test_the_rule_tells_of_all_parameters_of_people_and_not_of_the_loop_s_own():
    (rule,) = resources("AWS::Events::Rule").values()
    told = {one["Ref"] for one in rule["Properties"]["EventPattern"]["detail"]["name"]}
    assert told == {*resources("AWS::SSM::Parameter")} - {"SystemRecord"}


def test_a_template_fits_into_a_request():
    for path in FOLDER.glob("*.yaml"):
        assert len(path.read_bytes()) <= 51_200
        assert path.read_text().isascii()  # CloudFormation gives others back as question marks
