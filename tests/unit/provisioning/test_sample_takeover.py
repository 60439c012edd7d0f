"""The command that takes a deployment of the AWS sample over, and its way back."""

import json

import boto3
import pytest
from boto3 import Session
from tests.testing.sample_layout import ACCOUNT, ANSWERS, UPLOADS

from label_loop.cli import main
from label_loop.provisioning.notifications import _plain
from label_loop.provisioning.parameter_store import ADOPTION
from label_loop.system_record import SYSTEM_RECORD

WRITES = ("Put", "Create", "Delete", "Disable", "Enable", "Update", "Set", "Subscribe", "Tag", "Start", "Stop")


@pytest.fixture
def loop(sample_stack):
    return sample_stack.loop


def told(function, folder, name):
    return {
        "Id": name,
        "LambdaFunctionArn": function,
        "Events": ["s3:ObjectCreated:Put"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": folder}]}},
    }


@pytest.fixture
def deployed(client, sample_stack, sample):
    """Give the sample its triggers, one of its rules disabled, beside a notification and rules of others."""
    sample_stack.add_triggers(client, disabled={"sampling-poll"})
    function = sample_stack.function(client)
    functions = [*sample_stack.notifications(client), told(function, "elsewhere/", "theirs")]
    client("s3").put_bucket_notification_configuration(
        Bucket=sample_stack.bucket, NotificationConfiguration={"LambdaFunctionConfigurations": functions}
    )
    events = client("events")
    for name, target in (("of-the-function", function), ("of-others", f"{function}-of-others")):
        events.put_rule(Name=f"{sample_stack.prefix}-{name}", ScheduleExpression="rate(1 hour)")
        events.put_targets(Rule=f"{sample_stack.prefix}-{name}", Targets=[{"Id": "t", "Arn": target}])
    return Deployment(sample_stack, client)


class Deployment:
    """The sample as it is deployed, and the command."""

    def __init__(self, sample_stack, client):
        self.sample_stack, self.client = sample_stack, client
        self.loop, self.stack = sample_stack.loop, sample_stack.name

    def adopt(self, *options):
        return main(["adopt", self.loop.path, "--stack", self.stack, *options])

    def back(self, *options):
        return main(["adopt", self.loop.path, "--back", *options])

    def record(self):
        name = self.loop.parameter(SYSTEM_RECORD)
        return json.loads(self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])

    def change(self, **values):
        self.sample_stack.put_record(self.client, self.record() | values)

    def rules(self):
        """Return the states of the sample's rules, and of those beside them, without their common prefix."""
        prefix = f"{self.sample_stack.prefix}-"
        rules = self.client("events").list_rules(NamePrefix=prefix)["Rules"]
        return {one["Name"].removeprefix(prefix): one["State"] for one in rules}

    def triggers(self):
        """Return what sets the sample to work now: its rules' states, and the bucket's notifications."""
        answer = self.client("s3").get_bucket_notification_configuration(Bucket=self.sample_stack.bucket)
        return self.rules(), _plain({key: value for key, value in answer.items() if key != "ResponseMetadata"})


def queue_folders(notifications):
    return [
        rule["Value"]
        for one in notifications.get("QueueConfigurations", [])
        for rule in one["Filter"]["Key"]["FilterRules"]
    ]


def test_the_loop_is_told_instead_of_the_samples_functions_and_its_rules_rest(sample, deployed):
    assert deployed.adopt() == 0
    rules, notifications = deployed.triggers()
    assert rules == {
        "scheduled-poll": "DISABLED",
        "sampling-poll": "DISABLED",
        "paramater-store": "DISABLED",
        "of-the-function": "DISABLED",
        "of-others": "ENABLED",
    }
    assert [one["Id"] for one in notifications["LambdaFunctionConfigurations"]] == ["theirs"]
    assert sorted(queue_folders(notifications)) == sorted([UPLOADS, ANSWERS])
    assert {key: value for key, value in deployed.record().items() if key in sample} == sample


def test_an_adopted_loop_goes_on_as_the_sample_until_it_is_told_otherwise(client, loop, deployed):
    assert deployed.adopt() == 0
    names = ("Approve-Deployments", "Test-With-Human-Samples", "Train-None-Of-The-Above", "Challenger-Margin")
    answer = client("ssm").get_parameters(Names=[loop.parameter(name) for name in names])
    values = {one["Name"].rpartition("/")[2]: one["Value"] for one in answer["Parameters"]}
    assert values == dict(zip(names, ("never", "false", "false", "0.02"), strict=True))
    client("ssm").delete_parameter(Name=loop.parameter(names[1]))
    assert main(["provision", loop.path]) == 0  # as after an update that brings a new parameter
    found = client("ssm").get_parameter(Name=loop.parameter(names[1]))
    assert found["Parameter"]["Value"] == "false"


def test_the_way_back_leaves_the_triggers_exactly_as_they_were(deployed, capsys):
    before = deployed.triggers()
    assert deployed.adopt() == 0
    assert deployed.triggers() != before
    assert deployed.back() == 0
    assert deployed.triggers() == before
    assert deployed.back() == 0
    assert "there is nothing to give back" in capsys.readouterr().out
    assert deployed.triggers() == before


def test_a_second_adoption_changes_nothing_and_the_way_back_still_knows_everything(deployed, capsys):
    before = deployed.triggers()
    deployed.adopt()
    capsys.readouterr()
    assert deployed.adopt() == 0
    assert not [line for line in capsys.readouterr().out.splitlines() if line.startswith(("updated", "created"))]
    deployed.back()
    assert deployed.triggers() == before


def test_the_time_of_taking_over_is_set_anew_after_a_way_back_only(deployed):
    deployed.change(rekognition_project_version_arn="arn:one")
    deployed.adopt()
    first = deployed.record()["uploads_taken_over_until"]
    deployed.adopt()
    assert deployed.record()["uploads_taken_over_until"] == first
    deployed.back()
    deployed.adopt()
    assert deployed.record()["uploads_taken_over_until"] > first


def test_without_a_model_what_was_uploaded_is_still_to_be_detected(deployed):
    deployed.adopt()
    assert "uploads_taken_over_until" not in deployed.record()


def test_datasets_of_the_project_are_told_before_anything_is_changed(client, sample, deployed, capsys):
    """Whoever looked at the model in the AWS console has made some."""
    client("rekognition").create_dataset(ProjectArn=sample["rekognition_project_arn"], DatasetType="TRAIN")
    assert deployed.adopt("--dry-run") == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "datasets of" in line]
    assert line.startswith(
        f"found         datasets of {deployed.sample_stack.project} (the project has a training dataset"
    )


@pytest.mark.parametrize("arguments", [[], ["--back"]])
def test_a_dry_run_writes_nothing(aws, loop, deployed, arguments, capsys):
    if arguments:
        deployed.adopt()
    before = deployed.triggers()
    aws.calls.reset()
    assert deployed.adopt("--dry-run", *arguments) == 0
    called = [name.split(".")[-1] for name in aws.calls.counts()]
    assert called
    assert not [name for name in called if name.startswith(WRITES)]
    assert deployed.triggers() == before
    assert "nothing was changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("ssm", "PutParameter"),
        ("s3", "PutBucketNotificationConfiguration"),
        ("events", "DisableRule"),
    ],
)
def test_one_that_is_cut_is_continued_and_can_be_taken_back(aws, loop, deployed, service, operation):
    before = deployed.triggers()
    fault = {"service": service, "operation": operation, "kind": "error", "code": "AccessDenied"}
    aws.faults.replace([fault])
    assert deployed.adopt() == 1
    aws.faults.replace([])
    assert deployed.back() == 0
    assert deployed.triggers() == before
    aws.faults.replace([fault])
    assert deployed.adopt() == 1
    aws.faults.replace([])
    assert deployed.adopt() == 0
    assert deployed.rules()["scheduled-poll"] == "DISABLED"
    assert deployed.back() == 0
    assert deployed.triggers() == before


@pytest.mark.parametrize("operation", ["EnableRule", "DeleteParameter"])
def test_a_way_back_that_is_cut_is_continued(aws, deployed, operation):
    before = deployed.triggers()
    deployed.adopt()
    aws.faults.replace([{"service": "*", "operation": operation, "kind": "error", "code": "AccessDenied"}])
    assert deployed.back() == 1
    aws.faults.replace([])
    assert deployed.back() == 0
    assert deployed.triggers() == before


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"dynamodb_table": "gone"}, "table gone: it does not exist"),
        ({"s3_bucket": "gone-bucket"}, "bucket gone-bucket: it does not exist"),
        ({"rekognition_project_arn": f"arn:aws:rekognition:eu-west-1:{ACCOUNT}:project/gone/1"}, "does not exist"),
        ({"sns-topic": ""}, "it has no sns-topic"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_changed(deployed, capsys, change, problem):
    deployed.change(**change)
    before = deployed.triggers()
    assert deployed.adopt() == 1
    assert problem in capsys.readouterr().err
    assert deployed.triggers() == before


def test_a_bucket_of_another_region_is_told(loop, deployed, monkeypatch, capsys):
    before = deployed.triggers()
    there = Session(region_name="us-east-1")
    there.client("ssm").put_parameter(
        Name=loop.parameter(SYSTEM_RECORD), Value=json.dumps(deployed.record()), Type="String"
    )
    monkeypatch.setattr(boto3, "Session", lambda **_: there)
    assert main(["adopt", loop.path]) == 1
    assert "it is in eu-west-1, but the command works in us-east-1" in capsys.readouterr().err
    assert deployed.triggers() == before


def test_a_function_that_is_told_of_more_than_the_folders_stops_it(client, sample_stack, deployed, capsys):
    broad = told(sample_stack.function(client), "images", "all")
    client("s3").put_bucket_notification_configuration(
        Bucket=sample_stack.bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [broad]}
    )
    assert deployed.adopt() == 1
    assert "more than the loop's folders" in capsys.readouterr().err


def test_bad_parameters_and_a_model_that_does_not_run_are_told_and_stop_nothing(client, loop, deployed, capsys):
    deployed.change(rekognition_project_version_arn="arn:gone")
    client("ssm").put_parameter(Name=loop.parameter("Minimum-F1-Score"), Value="0,8", Overwrite=True)
    assert deployed.adopt() == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("problem")]
    assert ["Minimum-F1-Score" in lines[0], "arn:gone" in lines[1], len(lines)] == [True, True, 2]
    assert client("ssm").get_parameter(Name=loop.parameter("Minimum-F1-Score"))["Parameter"]["Value"] == "0,8"


def test_the_rules_of_a_state_machine_that_the_record_names_are_known_without_the_stack(loop, deployed):
    assert main(["adopt", loop.path]) == 0
    assert deployed.rules()["scheduled-poll"] == "DISABLED"


def test_schedules_that_are_not_known_are_told(loop, sample, capsys):
    assert main(["adopt", loop.path]) == 0
    assert "name the sample's stack with --stack" in capsys.readouterr().out


def test_a_stack_that_is_none_is_told_with_where_it_was_looked_for(aws, deployed, capsys):
    deployed.stack = "nothing-there"
    assert deployed.adopt() == 1
    where = f"account {ACCOUNT}, region eu-west-1, endpoint {aws.url}"
    assert f"Stack nothing-there: there is none of that name in {where}. To fix this, " in capsys.readouterr().err


def test_a_stack_that_is_not_the_sample_s_is_told_and_its_rules_stay_enabled(client, sample_stack, deployed, capsys):
    deployed.stack = f"other-{sample_stack.name}"
    rule = {"Name": deployed.stack, "ScheduleExpression": "rate(1 hour)", "State": "ENABLED"}
    template = {"Resources": {"Rule": {"Type": "AWS::Events::Rule", "Properties": rule}}}
    client("cloudformation").create_stack(StackName=deployed.stack, TemplateBody=json.dumps(template))
    assert deployed.adopt() == 1
    assert f"has nothing that the record of {deployed.loop.path} names" in capsys.readouterr().err
    assert client("events").describe_rule(Name=deployed.stack)["State"] == "ENABLED"


def test_labels_given_after_the_adoption_get_a_page_of_their_own_until_the_way_back(sample, deployed, capsys):
    deployed.adopt()
    assert "its page offers the labels that are written in it" in capsys.readouterr().out
    assert main(["provision", deployed.loop.path, "--labels", "cat,dog"]) == 0
    assert deployed.record()["flow_definition_arn"] != sample["flow_definition_arn"]
    deployed.adopt()
    deployed.back()
    assert deployed.record()["flow_definition_arn"] == sample["flow_definition_arn"]


def test_a_damaged_note_of_the_way_back_is_not_written_over(client, loop, deployed, capsys):
    name = loop.parameter(ADOPTION)
    client("ssm").put_parameter(Name=name, Value="[]", Type="String")
    for call in (deployed.adopt, deployed.back):
        assert call() == 1
        assert "it is not what the adoption wrote" in capsys.readouterr().err
    assert client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "[]"
