"""What CloudFormation and Rekognition answer on bad days, as botocore's models have it, and what is made of it."""

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from deployment.environment_stack import TEMPLATE, deploy_environment_stack
from deployment.models import Models
from label_loop.loop import Loop
from label_loop.provisioning.account import Account
from label_loop.provisioning.report import DeploymentError
from label_loop.provisioning.stack import ENVIRONMENT
from label_loop.provisioning.stacks import Stacks

NAME, MARK = "prod", [{"Key": "label-loop-stack", "Value": ENVIRONMENT}]
ARN = f"arn:aws:cloudformation:eu-west-1:123456789012:stack/{NAME}/1"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
VERSION = "arn:aws:rekognition:eu-west-1:123456789012:project/a/version/v1/1"
BODY = TEMPLATE.read_text()


class Script:
    """An account whose services answer by a script; what is said and how long is slept is kept."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.slept = 0.0
        session = boto3.Session("none", "none", region_name="eu-west-1")
        self.account = Account(session, self.said.append, sleep=self._sleep, clock=lambda: self.slept)
        self._stubbers: dict[str, Stubber] = {}

    def answer(self, service: str, operation: str, answer: dict[str, Any], request: Any = None) -> None:
        self._stubber(service).add_response(operation, answer, request)

    def stack(self, status: str | None, **more: Any) -> None:
        """Answer DescribeStacks with a stack in a state, or with none."""
        if status is None:
            text = f"Stack with id {NAME} does not exist"
            self._stubber("cloudformation").add_client_error("describe_stacks", "ValidationError", text)
            return
        about = {"StackName": NAME, "StackId": ARN, "CreationTime": NOW, "StackStatus": status, "Tags": MARK, **more}
        self.answer("cloudformation", "describe_stacks", {"Stacks": [about]})

    def events(self, *events: tuple[str, str, str, str]) -> None:
        """Answer DescribeStackEvents: newest first, as (id, resource, status, reason)."""
        told = [
            {
                "StackId": ARN,
                "StackName": NAME,
                "EventId": event,
                "Timestamp": NOW,
                "LogicalResourceId": resource,
                "ResourceType": "AWS::X::Y",
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            }
            for event, resource, status, reason in events
        ]
        self.answer("cloudformation", "describe_stack_events", {"StackEvents": told})

    def summary(self) -> None:
        parameters = [{"ParameterKey": key} for key in ("EnvironmentName", "MaxWorkers")]
        self.answer("cloudformation", "get_template_summary", {"Parameters": parameters})

    def change_set(self, kind: str, status: str, reason: str = "") -> None:
        request = {
            "StackName": NAME,
            "ChangeSetName": ANY,
            "ChangeSetType": kind,
            "Capabilities": ["CAPABILITY_IAM"],
            "TemplateBody": BODY,
            "Tags": MARK,
            "Parameters": ANY,
        }
        self.answer("cloudformation", "create_change_set", {"Id": "arn:changes", "StackId": ARN}, request)
        self.answer("cloudformation", "describe_change_set", {"Status": "CREATE_IN_PROGRESS"})
        self.answer("cloudformation", "describe_change_set", {"Status": status, "StatusReason": reason})

    def check(self) -> None:
        for stubber in self._stubbers.values():
            stubber.assert_no_pending_responses()

    def _stubber(self, service: str) -> Stubber:
        if service not in self._stubbers:
            self._stubbers[service] = Stubber(self.account.client(service))
            self._stubbers[service].activate()
        return self._stubbers[service]

    def _sleep(self, seconds: float) -> None:
        self.slept += seconds


@pytest.fixture
def script() -> Script:
    return Script()


def deploy(script: Script, **given: str) -> None:
    try:
        deploy_environment_stack(script.account, NAME, given or {"EnvironmentName": NAME}, lambda: "; so far")
    finally:
        script.check()


def test_events_are_told_as_they_come_and_silence_by_the_minute(script: Script):
    script.stack(None)
    script.summary()
    script.change_set("CREATE", "CREATE_COMPLETE")
    script.answer("cloudformation", "execute_change_set", {}, {"ChangeSetName": "arn:changes"})
    review = ("0", "prod", "REVIEW_IN_PROGRESS", "User Initiated")
    script.events(review)
    script.stack("REVIEW_IN_PROGRESS")
    first = ("1", "Network", "CREATE_IN_PROGRESS", "")
    for _ in range(30):
        script.events(first, review)
        script.stack("CREATE_IN_PROGRESS")
    script.events(first, review)
    script.stack("CREATE_COMPLETE")
    script.events(("2", "Network", "CREATE_COMPLETE", ""), first, review)
    script.stack("CREATE_COMPLETE")
    deploy(script)
    assert [line.split(None, 1)[1] for line in script.said if "Network" in line] == [
        "CREATE_IN_PROGRESS AWS::X::Y Network",
        "CREATE_COMPLETE    AWS::X::Y Network",
    ]
    assert [line.strip() for line in script.said if " min" in line] == [
        "CREATE_IN_PROGRESS for 1 min; so far",
        "CREATE_IN_PROGRESS for 2 min; so far",
    ]


def test_a_creation_that_fails_is_told_with_what_failed_first(script: Script):
    script.stack(None)
    script.summary()
    script.change_set("CREATE", "CREATE_COMPLETE")
    script.answer("cloudformation", "execute_change_set", {})
    script.events(("1", "Network", "CREATE_COMPLETE", ""))
    script.stack("ROLLBACK_COMPLETE")
    script.events(
        ("3", "Bucket", "CREATE_FAILED", "Resource creation cancelled"),
        ("2", "NatAddress", "CREATE_FAILED", "The maximum number of addresses has been reached."),
        ("1", "Network", "CREATE_COMPLETE", ""),
    )
    with pytest.raises(DeploymentError, match="NatAddress CREATE_FAILED: The maximum number of addresses") as refused:
        deploy(script)
    assert "so far" in str(refused.value)
    assert "To fix this, " in str(refused.value)


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("ROLLBACK_COMPLETE", f"aws cloudformation delete-stack --stack-name {NAME}"),
        ("CREATE_FAILED", f"aws cloudformation delete-stack --stack-name {NAME}"),
        ("DELETE_FAILED", f"aws cloudformation delete-stack --stack-name {NAME}"),
        ("UPDATE_ROLLBACK_FAILED", f"aws cloudformation continue-update-rollback --stack-name {NAME}"),
    ],
)
def test_a_stack_that_cannot_be_updated_names_the_way_out(script: Script, status: str, command: str):
    script.stack(status, StackStatusReason="it was so")
    script.summary()
    with pytest.raises(DeploymentError) as refused:
        deploy(script)
    for text in (status, "it was so", command):
        assert text in str(refused.value)


def test_what_was_asked_for_is_awaited_also_before_it_begins(script: Script):
    update(script)
    script.change_set("UPDATE", "CREATE_COMPLETE")
    script.events()
    script.answer("cloudformation", "execute_change_set", {})
    script.events()
    script.stack("UPDATE_COMPLETE")  # of the time before
    script.events(("1", "Environment", "UPDATE_IN_PROGRESS", ""))
    script.stack("UPDATE_IN_PROGRESS")
    script.events(("1", "Environment", "UPDATE_IN_PROGRESS", ""))
    script.stack("UPDATE_COMPLETE")
    script.events(("2", "Environment", "UPDATE_COMPLETE", ""), ("1", "Environment", "UPDATE_IN_PROGRESS", ""))
    script.stack("UPDATE_COMPLETE")
    deploy(script, MaxWorkers="6")


def update(script: Script) -> None:
    script.stack("UPDATE_COMPLETE", Parameters=[{"ParameterKey": "MaxWorkers", "ParameterValue": "5"}])
    script.summary()
    request = {"StackName": ARN, "TemplateStage": "Original"}
    script.answer("cloudformation", "get_template", {"TemplateBody": f"{BODY}\n"}, request)


def test_a_change_set_that_fails_is_told_with_its_reason_and_removed(script: Script):
    update(script)
    script.change_set("UPDATE", "FAILED", "Parameter MaxWorkers failed to satisfy constraint")
    script.answer("cloudformation", "delete_change_set", {}, {"ChangeSetName": "arn:changes"})
    with pytest.raises(DeploymentError, match=r"MaxWorkers failed to satisfy constraint\. To fix this, "):
        deploy(script, MaxWorkers="99")


def test_a_change_set_without_changes_is_a_success(script: Script):
    update(script)
    script.change_set("UPDATE", "FAILED", "The submitted information didn't contain changes.")
    script.answer("cloudformation", "delete_change_set", {})
    script.stack("UPDATE_COMPLETE")
    deploy(script, MaxWorkers="6")
    assert any("nothing to change" in line for line in script.said)


def test_what_is_as_it_should_be_gets_no_change_set(script: Script):
    update(script)
    deploy(script, MaxWorkers="5")
    assert script.said == [f"  unchanged: stack {NAME}"]


def test_work_that_an_interrupted_run_left_behind_is_awaited(script: Script):
    script.stack("UPDATE_IN_PROGRESS")
    script.events()
    script.events()
    script.stack("UPDATE_IN_PROGRESS")
    script.events(("1", "Environment", "UPDATE_COMPLETE", ""))
    script.stack("UPDATE_COMPLETE", Parameters=[{"ParameterKey": "EnvironmentName", "ParameterValue": NAME}])
    script.events(("1", "Environment", "UPDATE_COMPLETE", ""))
    script.summary()
    script.answer("cloudformation", "get_template", {"TemplateBody": BODY})
    deploy(script)
    assert "is still working on the stack" in script.said[0]
    assert script.said[-1] == f"  unchanged: stack {NAME}"


def test_a_name_without_a_stack_yet_is_created_again(script: Script):
    script.stack("REVIEW_IN_PROGRESS")
    script.summary()
    script.change_set("CREATE", "FAILED", "no reason")
    script.answer("cloudformation", "delete_change_set", {})
    with pytest.raises(DeploymentError, match="no reason"):
        deploy(script)


def test_a_stack_that_cannot_be_deleted_is_told_with_what_holds_it(script: Script):
    script.stack("UPDATE_COMPLETE")
    script.events()
    script.answer("cloudformation", "delete_stack", {}, {"StackName": ARN})
    script.events(("0", "Bucket", "DELETE_IN_PROGRESS", ""))
    script.stack("DELETE_FAILED")
    script.events(("1", "Bucket", "DELETE_FAILED", "The bucket you tried to delete is not empty"))
    stacks = Stacks(script.account)
    stack = stacks.find_ours(NAME, ENVIRONMENT)
    assert stack is not None
    with pytest.raises(DeploymentError, match=r"is not empty\. To fix this, remove what blocks it \(empty a bucket"):
        stacks.delete(stack)
    script.check()


def versions(script: Script, **statuses: str) -> None:
    """Answer what Models asks before it acts: the record, then the versions."""
    value = '{"rekognition_project_arn": "arn:aws:rekognition:eu-west-1:123456789012:project/a/1"}'
    script.answer("ssm", "get_parameter", {"Parameter": {"Name": "x", "Value": value, "Type": "String"}})
    told = [{"ProjectVersionArn": VERSION.replace("v1", name), "Status": status} for name, status in statuses.items()]
    script.answer("rekognition", "describe_project_versions", {"ProjectVersionDescriptions": told})


def test_models_that_run_or_start_are_stopped_and_awaited(script: Script):
    versions(script, v1="RUNNING", v2="STARTING", v3="STOPPED", v4="TRAINING_IN_PROGRESS")
    script.answer("rekognition", "stop_project_version", {"Status": "STOPPING"}, {"ProjectVersionArn": VERSION})
    versions(script, v1="STOPPING", v2="RUNNING")
    request = {"ProjectVersionArn": VERSION.replace("v1", "v2")}
    script.answer("rekognition", "stop_project_version", {"Status": "STOPPING"}, request)
    versions(script, v1="STOPPED", v2="STOPPING")
    versions(script, v1="STOPPED", v2="STOPPED")
    Models(script.account).stop(Loop("/a"))
    script.check()
    assert [line.strip() for line in script.said] == [
        f"stopped: the model version {name} of /a" for name in ("v1", "v2")
    ]


def test_a_model_that_never_stops_is_told_after_a_bounded_wait(script: Script, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("deployment.models._MOST_POLLS", 2)
    for _ in range(2):
        versions(script, v1="STOPPING")
    with pytest.raises(DeploymentError, match="the model version v1 does not stop"):
        Models(script.account).stop(Loop("/a"))
    script.check()


def test_a_dry_run_stops_nothing(script: Script):
    script.account.dry_run = True
    versions(script, v1="RUNNING")
    Models(script.account).stop(Loop("/a"))
    script.check()
    assert script.said == ["  to be stopped: the model version v1 of /a"]
