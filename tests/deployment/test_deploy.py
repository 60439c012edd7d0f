"""``make deploy`` and ``make destroy`` over the local endpoint: what they make, leave alone, refuse and keep."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from tests.deployment.commands import REGION, Commands, pointed_at
from tests.testing.sparing_session import SparingSession

from deployment.__main__ import new_session
from deployment.uploads import Uploads, etag
from label_loop.loop import Loop
from local_aws.server import LocalAws
from local_aws.services import RequestContext
from local_aws.settings import EndpointSettings

NETWORK = {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[LocalAws]:
    with LocalAws(EndpointSettings(port=0)) as aws, pointed_at(aws):
        yield aws


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("build")


@pytest.fixture(scope="module")
def session(endpoint: LocalAws) -> boto3.Session:
    return SparingSession()


@pytest.fixture
def commands(
    endpoint: LocalAws,
    build: Path,
    session: boto3.Session,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Commands:
    monkeypatch.setattr("deployment.__main__.new_session", lambda _: session)
    return Commands(endpoint, build, session, capsys)


def serve_elsewhere(commands: Commands, name: str, paths: str) -> None:
    """Make an environment that no stack of ours made."""
    request = {
        "Name": name,
        "ExecutionRoleArn": "arn:aws:iam::123456789012:role/other",
        "SourceBucketArn": "arn:aws:s3:::other",
        "DagS3Path": "dags",
        "NetworkConfiguration": NETWORK,
        "AirflowConfigurationOptions": {"label_loop.parameter_paths": paths},
    }
    commands.aws.environments.call("CreateEnvironment", request, RequestContext(REGION, "test"))


def test_a_dry_run_tells_everything_and_makes_nothing(commands: Commands):
    told = commands.deploy("dry", "--loops", "dry-loop", "--dry-run")
    assert (told.status, told.writes) == (0, {})
    for text in ("created stack label-loop-dry-loop", "created: stack dry (", "plugins.zip", "dags/training.py"):
        assert f"to be {text}" in told.out or text in told.out
    assert "nothing was changed" in told.out
    assert commands.client("cloudformation").list_stacks()["StackSummaries"] == []


def test_deploying_twice_changes_nothing_the_second_time(commands: Commands, build: Path):
    first = commands.deploy("twice", "--loops", "a-loop,b-loop", "--labels", "cat,dog", "--email", "you@example.com")
    assert first.status == 0, first.err
    environment = commands.environment("twice")
    bucket = commands.output("twice", "BucketName")
    versions = commands.client("s3").list_object_versions(Bucket=bucket)["Versions"]
    by_key = {version["Key"]: version["VersionId"] for version in versions}
    assert environment["PluginsS3ObjectVersion"] == by_key["plugins.zip"]
    assert environment["RequirementsS3ObjectVersion"] == by_key["requirements.txt"]
    assert set(by_key) == {"plugins.zip", "requirements.txt", *(f"dags/{path.name}" for path in build.glob("dags/*"))}
    assert environment["AirflowConfigurationOptions"]["label_loop.parameter_paths"] == "/a-loop,/b-loop"
    assert [what for what, _ in commands.aws.environments.changes] == ["CreateEnvironment"]
    (stack,) = commands.client("cloudformation").describe_stacks(StackName="twice")["Stacks"]
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
    policies = [commands.output(f"label-loop-{loop}", "LoopPolicyArn") for loop in ("a-loop", "b-loop")]
    assert given["LoopPolicyArns"] == ",".join(policies)

    again = commands.deploy("twice")
    assert (again.status, again.writes) == (0, {}), again.out
    # A dry run says so as well.
    dry = commands.deploy("twice", "--dry-run")
    assert (dry.status, dry.writes) == (0, {})
    assert "to be" not in dry.out


def test_only_what_differs_is_uploaded_and_the_environment_takes_a_new_version_of_it(commands: Commands, build: Path):
    commands.deploy("differs", "--loops", "differing")
    s3, bucket = commands.client("s3"), commands.output("differs", "BucketName")
    before = commands.environment("differs")
    s3.put_object(Bucket=bucket, Key="dags/training.py", Body=b"# of the release before")
    s3.put_object(Bucket=bucket, Key="dags/no_more.py", Body=b"# of the release before")
    dags = commands.deploy("differs")
    assert dags.writes == {"s3.PutObject": 1, "s3.DeleteObject": 1}
    listed = {item["Key"]: item["ETag"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="dags/")["Contents"]}
    assert listed == {f"dags/{path.name}": etag(path) for path in build.glob("dags/*")}
    assert commands.environment("differs") == before

    s3.put_object(Bucket=bucket, Key="plugins.zip", Body=b"of the release before")
    dry = commands.deploy("differs", "--dry-run")
    assert dry.writes == {}
    assert "to be updated: stack differs (PluginsVersion=(the new version))" in dry.out
    plugins = commands.deploy("differs")
    assert plugins.status == 0, plugins.err
    assert plugins.writes["s3.PutObject"] == 1
    after = commands.environment("differs")
    newest = s3.head_object(Bucket=bucket, Key="plugins.zip")["VersionId"]
    assert before["PluginsS3ObjectVersion"] != after["PluginsS3ObjectVersion"] == newest
    assert before["RequirementsS3ObjectVersion"] == after["RequirementsS3ObjectVersion"]


def test_settings_and_loops_that_are_not_named_again_stay(commands: Commands):
    commands.deploy("settings", "--loops", "first-loop", "--set", "MaxWorkers=3")
    more = commands.deploy("settings", "--loops", "first-loop,second-loop")
    assert more.status == 0, more.err
    environment = commands.environment("settings")
    assert environment["MaxWorkers"] == 3
    assert environment["AirflowConfigurationOptions"]["label_loop.parameter_paths"] == "/first-loop,/second-loop"
    fewer = commands.deploy("settings", "--loops", "second-loop")
    assert "no longer served: /first-loop" in fewer.out
    refused = commands.deploy("settings", "--set", "MaxWorker=3")
    assert refused.status == 1
    assert "mwaa.yaml: it has no parameter MaxWorker." in refused.err
    assert refused.writes == {}


def test_an_interrupted_deployment_goes_on_where_it_stopped(commands: Commands, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Uploads, "version", interrupt)
        stopped = commands.deploy("interrupted", "--loops", "interrupted-loop")
    assert stopped.status == 130
    assert "run the command again" in stopped.err
    again = commands.deploy("interrupted")
    assert again.status == 0, again.err
    assert commands.environment("interrupted")["Status"] == "AVAILABLE"
    assert "created" not in again.out


def test_a_loop_that_another_environment_serves_is_refused(commands: Commands):
    serve_elsewhere(commands, "elsewhere", "/shared , /other/")
    refused = commands.deploy("second", "--loops", "own,shared")
    assert (refused.status, refused.writes) == (1, {})
    assert "The loop /shared: the environment elsewhere serves it" in refused.err


@pytest.mark.parametrize("name", ["label-loop-mine", "not-ours"])
def test_a_stack_of_somebody_else_s_is_left_alone(commands: Commands, name: str):
    cloudformation = commands.client("cloudformation")
    body = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    cloudformation.create_stack(StackName=name, TemplateBody=body)
    stack, loop = ("mine", "mine") if name == "label-loop-mine" else (name, "some-loop")
    for refused in (
        commands.deploy(stack, "--loops", loop),
        commands.destroy(name),
        commands.deploy(stack, "--loops", loop, "--dry-run"),
    ):
        assert (refused.status, refused.writes) == (1, {})
        assert f"The stack {name}: it has no tag label-loop-stack" in refused.err
    assert cloudformation.get_template(StackName=name)["TemplateBody"]


def test_a_loop_s_stack_is_not_destroyed_as_an_environment(commands: Commands):
    commands.deploy("kinds", "--loops", "kind-loop")
    refused = commands.destroy("label-loop-kind-loop")
    assert (refused.status, refused.writes) == (1, {})
    assert "label-loop-stack=loop" in refused.err


@pytest.mark.parametrize("stack", ["", "9lives", "a_b", "x" * 81, "arn:aws:cloudformation"])
def test_a_name_that_no_stack_can_have_touches_none(commands: Commands, stack: str):
    for refused in (commands.deploy(stack, "--loops", "some"), commands.destroy(stack)):
        assert (refused.status, refused.writes) == (1, {})
        assert "is not a valid name for a stack" in refused.err


def test_an_environment_does_not_take_the_name_of_its_loop_s_stack(commands: Commands):
    refused = commands.deploy("label-loop-some", "--loops", "some")
    assert (refused.status, refused.writes) == (1, {})
    assert "is the stack of the loop /some" in refused.err


@pytest.mark.parametrize("loop", ["aws-a", "SSM/a"])
def test_a_loop_that_parameter_store_does_not_take_is_refused_before_anything_is_made(commands: Commands, loop: str):
    refused = commands.deploy("refusing", "--loops", loop)
    assert (refused.status, refused.writes) == (1, {})
    assert "reserves paths that begin with aws or ssm" in refused.err


def test_a_loop_that_no_stack_made_gets_one_for_what_it_lacks(commands: Commands):
    record = '{"s3_bucket": "of-before"}'
    commands.client("ssm").put_parameter(Name="/made/before/For-System-Use-Only", Value=record, Type="String")
    where = {"LocationConstraint": REGION}
    commands.client("s3").create_bucket(Bucket="of-before", CreateBucketConfiguration=where)
    deployed = commands.deploy("adopting", "--loops", "/made/before")
    assert deployed.status == 0, deployed.err
    assert "updated       bucket of-before" in deployed.out
    (loop,) = {one for one in deployed.out.split() if one.startswith("label-loop-made-before-") and len(one) == 29}
    (stack,) = commands.client("cloudformation").describe_stacks(StackName="adopting")["Stacks"]
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
    assert given["LoopPolicyArns"] == commands.output(loop, "LoopPolicyArn")
    again = commands.deploy("adopting")
    assert (again.status, again.writes) == (0, {}), again.out


def given_to(commands: Commands, loop: str) -> dict[str, str]:
    described = commands.client("cloudformation").describe_stacks(StackName=f"label-loop-{loop}")["Stacks"]
    return {one["ParameterKey"]: one["ParameterValue"] for one in described[0]["Parameters"]}


def test_amazon_a2i_is_turned_on_off_and_on_again_with_one_page(commands: Commands):
    sagemaker = commands.client("sagemaker")
    people = {"UserPool": "eu-west-1_1", "UserGroup": "reviewers", "ClientId": "1"}
    team = sagemaker.create_workteam(
        WorkteamName="us", Description="Us", MemberDefinitions=[{"CognitoMemberDefinition": people}]
    )["WorkteamArn"]
    on = ("--review-backend", "a2i", "--labels", "cat,dog", "--workteam-arn", team)
    made = commands.deploy("people", "--loops", "asked", *on)
    assert made.status == 0, made.err
    (page,) = sagemaker.list_human_task_uis()["HumanTaskUiSummaries"]
    first = given_to(commands, "asked")
    assert (first["A2I"], first["TaskUiName"]) == ("true", page["HumanTaskUiName"])
    flows = sagemaker.list_flow_definitions()["FlowDefinitionSummaries"]
    flow = sagemaker.describe_flow_definition(FlowDefinitionName=flows[0]["FlowDefinitionName"])
    assert flow["RoleArn"] == commands.output("label-loop-asked", "A2IRoleArn")
    assert flow["HumanLoopConfig"]["WorkteamArn"] == team
    again = commands.deploy("people", *on)
    assert (again.status, again.writes) == (0, {}), again.out

    assert commands.deploy("people", "--review-backend", "airflow").status == 0
    assert given_to(commands, "asked")["TaskUiName"] == ""
    assert commands.deploy("people", *on).status == 0
    # A stack cannot make the page a second time, so it is the setup that takes it up.
    assert given_to(commands, "asked")["TaskUiName"] == ""
    assert sagemaker.list_human_task_uis()["HumanTaskUiSummaries"] == [page]


def test_an_environment_that_could_not_be_updated_is_told_with_mwaa_s_reason(commands: Commands):
    commands.deploy("failed", "--loops", "failing")
    kept = commands.aws.environments._environments[REGION, "failed"]
    error = {"ErrorCode": "INCORRECT_CONFIGURATION", "ErrorMessage": "requirements.txt cannot be installed"}
    kept |= {"Status": "UPDATE_FAILED", "LastUpdate": {"Status": "FAILED", "Error": error}}
    told = commands.deploy("failed")
    assert told.status == 1
    for text in ("UPDATE_FAILED", "requirements.txt cannot be installed", "airflow-failed-*"):
        assert text in told.err


def test_destroying_removes_what_costs_by_the_hour_and_says_what_it_keeps(commands: Commands):
    commands.deploy("gone", "--loops", "gone-loop,shared-loop")
    serve_elsewhere(commands, "also", "/shared-loop")
    bucket = commands.output("gone", "BucketName")
    commands.client("logs").create_log_group(logGroupName="airflow-gone-Task")
    dry = commands.destroy("gone", "--dry-run")
    assert (dry.status, dry.writes) == (0, {})
    assert "to be deleted: stack gone" in dry.out
    done = commands.destroy("gone")
    assert done.status == 0, done.err
    assert done.writes == {"cloudformation.DeleteStack": 1}
    for text in (bucket, "airflow-gone-Task", "table label-loop-gone-loop-reviews", "stack label-loop-gone-loop"):
        assert text in done.out
    assert "kept running: the models of /shared-loop, which the environment also serves" in done.out
    assert commands.aws.environments.changes[-1] == ("DeleteEnvironment", {"Name": "gone"})
    assert commands.client("s3").head_object(Bucket=bucket, Key="plugins.zip")
    assert commands.client("ssm").get_parameter(Name=Loop("/gone-loop").parameter("For-System-Use-Only"))
    again = commands.destroy("gone")
    assert (again.status, again.writes) == (1, {})
    assert f"in {REGION}. To fix this, check STACK and REGION" in again.err
    assert commands.deploy("gone", "--loops", "gone-loop").status == 0  # its loop is where it was


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "there are no credentials"),
        (("AWS_DEFAULT_REGION",), "no region is set"),
    ],
)
def test_without_credentials_or_region_it_says_how_to_have_them(commands, monkeypatch, missing, text):
    monkeypatch.setattr("deployment.__main__.new_session", new_session)
    for name in missing:
        monkeypatch.delenv(name)
    for refused in (commands.deploy("nobody"), commands.destroy("nobody")):
        assert refused.status == 1
        assert text in refused.err
        assert "To fix this, " in refused.err


def test_a_region_that_cannot_be_reached_and_a_package_that_cannot_be_built_are_told(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr("deployment.__main__.new_session", new_session)
    refused = commands.destroy("nobody", "--region", "no region")
    assert refused.status == 1
    assert "check REGION" in refused.err
    (tmp_path / "file").write_text("in the way")
    refused = commands.deploy("nobody", "--build", str(tmp_path / "file" / "build"))
    assert (refused.status, refused.writes) == (1, {})
    assert "The package: it could not be built" in refused.err
