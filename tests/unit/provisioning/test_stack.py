"""A loop's stack: what it makes for a new loop, and for one that has something already."""

import json
from collections import Counter

import pytest
from moto.cloudwatch.models import cloudwatch_backends
from tests.deployment.template import template
from tests.unit.provisioning import older

from label_loop.loop import Loop
from label_loop.provisioning import DeploymentError, ProvisioningError, ResourceOutcome
from label_loop.provisioning.names import slug
from label_loop.provisioning.provision import provision_at
from label_loop.provisioning.site import Options, Site
from label_loop.provisioning.stack import LOOP, MARKER
from label_loop.provisioning.topic import OPERATOR_FILTER
from label_loop.system_record import SYSTEM_RECORD

ACCOUNT, REGION = "123456789012", "eu-west-1"
READING = ("Get", "List", "Describe", "Head")


@pytest.fixture
def before(client, loop):
    """Lay out a loop of a release before there were stacks; return its record."""
    return older.lay_out(client, loop)


def changed(lines):
    return {(line.kind, line.name): line.detail for line in lines if line.outcome is ResourceOutcome.UPDATED}


def created(lines):
    return Counter(line.kind for line in lines if line.outcome is ResourceOutcome.CREATED)


def name_of(loop):
    return f"label-loop-{slug(loop)}"


def statements(client, bucket):
    policy = json.loads(client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    return {one["Sid"]: one for one in policy["Statement"]}


def stack_parameters(client, loop):
    (stack,) = client("cloudformation").describe_stacks(StackName=name_of(loop))["Stacks"]
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}


def delete_stack(client, loop):
    client("cloudformation").delete_stack(StackName=name_of(loop))


def alarms(loop):
    found = cloudwatch_backends[ACCOUNT][REGION].alarms
    return {name: alarm for name, alarm in found.items() if name.startswith(f"{name_of(loop)}-")}


ALARMED = {
    "uploads-dead-letters": "uploads-dead-letters",
    "answers-dead-letters": "answers-dead-letters",
    "uploads-wait": "uploads",
}
"""The queue that each alarm watches, by their last parts."""


def test_a_new_loop_takes_tls_only_and_has_an_alarm_on_what_waits_and_on_dead_letters(run, client, loop):
    values, _ = run()
    assert statements(client, values["s3_bucket"])["TlsOnly"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    watched = {name: [(one.name, one.value) for one in alarm.dimensions] for name, alarm in alarms(loop).items()}
    base = name_of(loop)
    assert watched == {f"{base}-{name}": [("QueueName", f"{base}-{queue}")] for name, queue in ALARMED.items()}
    for alarm in alarms(loop).values():
        assert alarm.alarm_actions == [values["sns-topic"]]


def test_the_mail_of_a_new_loop_is_the_stack_s_and_stays(run, client, loop):
    values, _ = run(operator_email="operator@example.com")
    run()
    listed = client("sns").list_subscriptions_by_topic(TopicArn=values["sns-topic"])["Subscriptions"]
    assert [one["Endpoint"] for one in listed] == ["operator@example.com"]
    attributes = client("sns").get_subscription_attributes(SubscriptionArn=listed[0]["SubscriptionArn"])["Attributes"]
    assert attributes["FilterPolicyScope"] == "MessageBody"
    assert json.loads(attributes["FilterPolicy"]) == OPERATOR_FILTER
    assert stack_parameters(client, loop)["OperatorEmail"] == "operator@example.com"


def test_a_loop_of_before_there_were_stacks_keeps_all_and_gets_what_is_new(run, client, loop, before):
    queue = {"QueueUrl": before["uploads_queue_url"], "AttributeNames": ["Policy", "QueueArn", "VisibilityTimeout"]}
    kept = client("sqs").get_queue_attributes(**queue)["Attributes"]
    values, lines = run()
    new = {f"{kind}_table": f"{name_of(loop)}-{kind}" for kind in ("state", "labels")}
    assert values == {**before, **new}
    assert created(lines) == {"stack": 1, "table": 2, "folders of": 1}
    assert set(changed(lines)) == {
        ("bucket", before["s3_bucket"]),
        *(("table", before[key]) for key in ("dynamodb_table", "reviews_table", "statistics_table")),  # recovery
        ("parameter", loop.parameter(SYSTEM_RECORD)),
    }
    assert client("sqs").get_queue_attributes(**queue)["Attributes"] == kept
    assert "TlsOnly" in statements(client, before["s3_bucket"])
    assert {name: alarm.alarm_actions for name, alarm in alarms(loop).items()} == {
        f"{name_of(loop)}-{name}": [before["sns-topic"]] for name in ALARMED
    }
    again, lines = run()
    assert (again, {line.outcome for line in lines}) == (values, {ResourceOutcome.UNCHANGED})


def test_a_dry_run_over_such_a_loop_tells_of_the_stack_and_changes_nothing(aws, run, before):
    aws.calls.reset()
    _, lines = run(dry_run=True)
    assert [call for call in aws.calls.counts() if not call.split(".")[1].startswith(READING)] == []
    assert created(lines) == {"stack": 1, "table": 2, "folders of": 1}


def test_one_that_was_interrupted_before_is_continued(run, client, loop, before):
    client("ssm").delete_parameter(Name=loop.parameter(SYSTEM_RECORD))
    client("sqs").delete_queue(QueueUrl=before["answers_queue_url"])
    client("dynamodb").delete_table(TableName=before["statistics_table"])
    values, lines = run(review_backend="airflow")
    assert created(lines)["queue"] == 1
    assert {key: value for key, value in values.items() if key in before} | {
        "sampling_since": before["sampling_since"]
    } == before
    assert {line.outcome for line in run()[1]} == {ResourceOutcome.UNCHANGED}


def test_a_run_that_was_cut_after_the_stack_still_knows_what_the_loop_had_before(aws, run, client, loop, before):
    client("ssm").delete_parameter(Name=loop.parameter(SYSTEM_RECORD))
    aws.faults.replace([{"service": "ssm", "operation": "PutParameter", "kind": "error", "code": "Interrupted"}])
    with pytest.raises(ProvisioningError, match="Interrupted"):
        run(review_backend="airflow")
    aws.faults.replace([])
    values, _ = run(review_backend="airflow")
    assert values["uploads_queue_url"] == before["uploads_queue_url"]
    assert values["rekognition_project_arn"] == before["rekognition_project_arn"]


def test_a_stack_that_was_deleted_is_made_again_over_what_it_kept(run, client, loop):
    values, _ = run(review_backend="airflow")
    client("dynamodb").put_item(TableName=values["state_table"], Item={"Loop": {"S": loop.name}})
    delete_stack(client, loop)
    again, lines = run()
    assert again == values
    assert created(lines) == {"stack": 1, "queue": 4, "topic": 1}
    assert client("dynamodb").get_item(TableName=values["state_table"], Key={"Loop": {"S": loop.name}})["Item"]
    client("s3").put_object(Bucket=values["s3_bucket"], Key="images_for_detection/a.png", Body=b"x")
    received = client("sqs").receive_message(QueueUrl=values["uploads_queue_url"], MaxNumberOfMessages=10)
    assert any("a.png" in message["Body"] for message in received["Messages"])


def test_what_a_stack_made_and_is_gone_is_told_and_comes_back_with_another_stack(run, client, loop):
    values, _ = run(review_backend="airflow")
    client("sqs").delete_queue(QueueUrl=values["uploads_queue_url"])
    _, lines = run()
    assert [line.name for line in lines if line.outcome is ResourceOutcome.PROBLEM] == [f"{name_of(loop)}-uploads"]
    delete_stack(client, loop)
    assert run()[0] == values
    assert {line.outcome for line in run()[1]} == {ResourceOutcome.UNCHANGED}


def test_a_stack_of_an_earlier_release_keeps_its_parameters_and_gets_what_is_new(run, client, loop):
    """As make deploy made it: the parameters and the record are its own, and it knows of no state and no labels."""
    earlier = template("loop")
    del earlier["Resources"]["State"], earlier["Resources"]["Labels"], earlier["Outputs"]["Record"]
    statements = earlier["Resources"]["LoopAccess"]["Properties"]["PolicyDocument"]["Statement"]
    statements[:] = [one for one in statements if one["Sid"] not in ("State", "Labels")]
    bucket = f"{name_of(loop)}-{ACCOUNT}-{REGION}"
    given = {"Loop": loop.name, "Path": loop.path, "BucketName": bucket}
    client("cloudformation").create_stack(
        StackName=name_of(loop),
        TemplateBody=f"# YAML, as templates are\n{json.dumps(earlier)}",
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Tags=[{"Key": MARKER, "Value": LOOP}],
    )
    chosen = loop.parameter("Minimum-F1-Score")
    client("ssm").put_parameter(Name=chosen, Value="0.95", Type="String", Overwrite=True)
    _, planned = run(dry_run=True)
    assert {line.outcome for line in planned if line.kind == "stack"} == {ResourceOutcome.UPDATED}
    values, lines = run()
    for some in (planned, lines):
        assert ResourceOutcome.PROBLEM not in {line.outcome for line in some}
    assert ("stack", name_of(loop)) in changed(lines)
    assert changed(lines)["parameter", loop.parameter(SYSTEM_RECORD)] == "sampling_since, state_table, labels_table"
    assert values["state_table"] == f"{name_of(loop)}-state"
    for key in ("state_table", "labels_table"):
        assert client("dynamodb").describe_table(TableName=values[key])
    assert client("ssm").get_parameter(Name=chosen)["Parameter"]["Value"] == "0.95"
    assert {line.outcome for line in run()[1]} == {ResourceOutcome.UNCHANGED}


@pytest.mark.parametrize("key", ["reviews_table", "uploads_queue_url", "sns-topic"])
def test_what_the_record_names_elsewhere_and_is_gone_is_told(run, client, loop, before, key):
    gone = f"{before[key]}-of-ours"
    name = loop.parameter(SYSTEM_RECORD)
    client("ssm").put_parameter(Name=name, Value=json.dumps({**before, key: gone}), Overwrite=True)
    with pytest.raises(ProvisioningError, match=rf"names {gone}, which does not exist.*key {key}"):
        run()


def test_a_bucket_that_is_gone_while_its_queues_are_there_is_told_before_anything_is_made(run, client, before):
    s3, bucket = client("s3"), before["s3_bucket"]
    for one in s3.list_object_versions(Bucket=bucket)["Versions"]:
        s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    s3.delete_bucket(Bucket=bucket)
    with pytest.raises(ProvisioningError, match="the loop's queues do"):
        run()


def test_a_loop_that_had_something_before_its_stack_says_so_when_it_is_gone(run, client, before):
    run()
    client("dynamodb").delete_table(TableName=before["reviews_table"])
    with pytest.raises(ProvisioningError, match="reviews_table"):
        run()


def test_a_stack_of_somebody_else_s_is_left_alone(run, client, loop):
    body = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    client("cloudformation").create_stack(StackName=name_of(loop), TemplateBody=body)
    with pytest.raises(DeploymentError, match="has no tag label-loop-stack"):
        run()
    assert client("cloudformation").get_template(StackName=name_of(loop))["TemplateBody"]


def test_a_path_that_parameter_store_keeps_is_refused_before_anything_is_made(aws, session):
    with pytest.raises(ProvisioningError, match="reserves paths that begin with aws or ssm"):
        provision_at(Site(Loop("/aws-logos"), Options(), session, lambda _: None))
