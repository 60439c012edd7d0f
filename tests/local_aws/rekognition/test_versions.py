"""A version's states, limits and refusals, by a clock turned by hand."""

import threading
from typing import Any

import pytest
from tests.local_aws.rekognition.fakes import BUCKET, Caller, asset

from local_aws.rekognition.training import Trainer, TrainingOutcome

OUTPUT = {"S3Bucket": BUCKET, "S3KeyPrefix": "evaluation"}


def state(caller: Caller, arn: str) -> str:
    return str(caller.describe(arn)["Status"])


def test_a_version_lives_through_all_states(instant: Caller) -> None:
    project = instant.project()
    arn = instant.version(project, "v1", "any.manifest")
    assert arn.startswith(project.rpartition("/")[0] + "/version/v1/")
    assert state(instant, arn) == "TRAINING_IN_PROGRESS"
    assert "TrainingEndTimestamp" not in instant.describe(arn)
    description = instant.trained(arn)
    assert description["Status"] == "TRAINING_COMPLETED"
    assert (description["TrainingEndTimestamp"] - description["CreationTimestamp"]).total_seconds() == pytest.approx(
        10, abs=0.01
    )
    answer = instant("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=2, MaxInferenceUnits=4)
    assert answer == {"Status": "STARTING"}
    instant.clock.now += 4.9
    assert state(instant, arn) == "STARTING"
    instant.clock.now += 0.2
    running = instant.describe(arn)
    assert (running["Status"], running["MinInferenceUnits"], running["MaxInferenceUnits"]) == ("RUNNING", 2, 4)
    assert instant("StopProjectVersion", ProjectVersionArn=arn) == {"Status": "STOPPING"}
    instant.clock.now += 2.9
    assert state(instant, arn) == "STOPPING"
    instant.clock.now += 0.2
    assert state(instant, arn) == "STOPPED"
    instant.running(arn)
    instant("StopProjectVersion", ProjectVersionArn=arn)
    instant.clock.now += 3
    assert instant("DeleteProjectVersion", ProjectVersionArn=arn) == {"Status": "DELETING"}
    assert state(instant, arn) == "DELETING"
    instant.clock.now += 1
    assert instant("DescribeProjectVersions", ProjectArn=project)["ProjectVersionDescriptions"] == []
    instant("DeleteProject", ProjectArn=project)


def test_a_long_training_lasts_longer_than_the_minimum(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    finish = threading.Event()

    def run(_trainer: Trainer) -> TrainingOutcome:
        finish.wait(10)
        return TrainingOutcome(succeeded=False, message="no luck")

    monkeypatch.setattr(Trainer, "run", run)
    arn = caller.version(caller.project(), "v1", "any.manifest")
    caller.clock.now += 100
    assert state(caller, arn) == "TRAINING_IN_PROGRESS"
    finish.set()
    description = caller.trained(arn)
    assert (description["Status"], description["StatusMessage"]) == ("TRAINING_FAILED", "no luck")
    assert (description["TrainingEndTimestamp"] - description["CreationTimestamp"]).total_seconds() >= 99
    assert "EvaluationResult" not in description


@pytest.mark.parametrize(
    ("operation", "options"),
    [
        ("StartProjectVersion", {"MinInferenceUnits": 1}),
        ("StopProjectVersion", {}),
        ("DeleteProjectVersion", {}),
    ],
)
def test_a_version_in_training_is_in_use(instant: Caller, operation: str, options: dict[str, Any]) -> None:
    arn = instant.version(instant.project(), "v1", "any.manifest")
    instant.refused("ResourceInUseException", operation, ProjectVersionArn=arn, **options)


def test_what_a_starting_running_or_stopping_version_refuses(ready: tuple[Caller, str]) -> None:
    caller, arn = ready
    project = caller("DescribeProjects")["ProjectDescriptions"][0]["ProjectArn"]
    start = {"ProjectVersionArn": arn, "MinInferenceUnits": 1}
    caller.refused("ResourceInUseException", "StartProjectVersion", **start)
    caller.refused("ResourceInUseException", "DeleteProjectVersion", ProjectVersionArn=arn)
    caller.refused("ResourceInUseException", "DeleteProject", ProjectArn=project)
    caller("StopProjectVersion", ProjectVersionArn=arn)
    caller.refused("ResourceInUseException", "StopProjectVersion", ProjectVersionArn=arn)
    caller.refused("ResourceInUseException", "StartProjectVersion", **start)
    caller.clock.now += 3
    caller.refused("InvalidParameterException", "StopProjectVersion", ProjectVersionArn=arn)
    caller("StartProjectVersion", **start)
    caller.refused("ResourceInUseException", "StopProjectVersion", ProjectVersionArn=arn)


def test_a_failed_training_cannot_start_but_be_deleted(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "run", lambda _trainer: TrainingOutcome(succeeded=False, message="no"))
    arn = caller.version(caller.project(), "v1", "any.manifest")
    caller.trained(arn)
    caller.refused("InvalidParameterException", "StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1)
    caller("DeleteProjectVersion", ProjectVersionArn=arn)


def test_two_models_run_a_region_until_one_has_stopped(instant: Caller) -> None:
    project = instant.project()
    arns = []
    for name in ("v1", "v2", "v3"):
        arns.append(instant.version(project, name, "any.manifest"))
        instant.trained(arns[-1])
    instant.running(arns[0])
    instant("StartProjectVersion", ProjectVersionArn=arns[1], MinInferenceUnits=1)
    third = {"ProjectVersionArn": arns[2], "MinInferenceUnits": 1}
    instant.refused("LimitExceededException", "StartProjectVersion", **third)
    instant("StopProjectVersion", ProjectVersionArn=arns[0])
    instant.refused("LimitExceededException", "StartProjectVersion", **third)
    instant.clock.now += 3
    assert instant("StartProjectVersion", **third) == {"Status": "STARTING"}


def test_two_trainings_run_a_region(instant: Caller) -> None:
    arns = [instant.version(instant.project(name), "v1", "any.manifest") for name in ("a", "b")]
    third = instant.project("c")
    request: dict[str, Any] = {
        "ProjectArn": third,
        "VersionName": "v1",
        "OutputConfig": OUTPUT,
        "TrainingData": {"Assets": [asset("any.manifest")]},
        "TestingData": {"AutoCreate": True},
    }
    instant.refused("LimitExceededException", "CreateProjectVersion", **request)
    instant.trained(arns[0])
    assert instant("CreateProjectVersion", **request)["ProjectVersionArn"]


def test_a_version_name_is_taken_once_a_project(instant: Caller) -> None:
    project, other = instant.project("a"), instant.project("b")
    instant.trained(instant.version(project, "v1", "any.manifest"))
    with pytest.raises(Exception, match="ResourceInUseException"):
        instant.version(project, "v1", "any.manifest")
    assert instant.version(other, "v1", "any.manifest")


@pytest.mark.parametrize("units", [{"MinInferenceUnits": 6}, {"MinInferenceUnits": 2, "MaxInferenceUnits": 1}])
def test_inference_units_are_checked(instant: Caller, units: dict[str, int]) -> None:
    arn = instant.version(instant.project(), "v1", "any.manifest")
    instant.trained(arn)
    instant.refused("InvalidParameterException", "StartProjectVersion", ProjectVersionArn=arn, **units)


@pytest.mark.parametrize(
    "changes",
    [
        {"TrainingData": None},
        {"TestingData": None},
        {"TestingData": {}},
        {"TestingData": {"AutoCreate": True, "Assets": [asset("t.manifest")]}},
        {"TrainingData": {"Assets": []}},
        {"TrainingData": {"Assets": [{"GroundTruthManifest": {"S3Object": {"Bucket": BUCKET}}}]}},
        {"OutputConfig": {}},
        {"FeatureConfig": {"ContentModeration": {"ConfidenceThreshold": 50.0}}},
    ],
)
def test_an_incomplete_training_request_is_refused(instant: Caller, changes: dict[str, Any]) -> None:
    request: dict[str, Any] = {
        "ProjectArn": instant.project(),
        "VersionName": "v1",
        "OutputConfig": OUTPUT,
        "TrainingData": {"Assets": [asset("any.manifest")]},
        "TestingData": {"AutoCreate": True},
    } | changes
    complete = {name: value for name, value in request.items() if value is not None}
    instant.refused("InvalidParameterException", "CreateProjectVersion", **complete)


def test_what_does_not_exist_is_not_found(instant: Caller) -> None:
    project = instant.project()
    arn = instant.version(project, "v1", "any.manifest")
    missing = arn[:-1] + ("1" if arn[-1] != "1" else "2")
    for operation, options in (
        ("StartProjectVersion", {"MinInferenceUnits": 1}),
        ("StopProjectVersion", {}),
        ("DeleteProjectVersion", {}),
        ("DetectCustomLabels", {"Image": {"Bytes": b"x"}}),
    ):
        instant.refused("ResourceNotFoundException", operation, ProjectVersionArn=missing, **options)
        instant.refused("ResourceNotFoundException", operation, region="us-east-1", ProjectVersionArn=arn, **options)
    instant.refused("ResourceNotFoundException", "DescribeProjectVersions", region="us-east-1", ProjectArn=project)
    elsewhere = project[:-1] + ("1" if project[-1] != "1" else "2")
    instant.refused("ResourceNotFoundException", "DescribeProjectVersions", ProjectArn=elsewhere)


def test_versions_are_paged_newest_first_and_found_by_name(instant: Caller) -> None:
    project = instant.project()
    for number in range(5):
        instant.trained(instant.version(project, f"v{number}", "any.manifest"))
    names, token = [], None
    while True:
        page = instant(
            "DescribeProjectVersions", ProjectArn=project, MaxResults=2, **({"NextToken": token} if token else {})
        )
        names += [d["ProjectVersionArn"].split("/")[3] for d in page["ProjectVersionDescriptions"]]
        token = page.get("NextToken")
        if not token:
            break
        instant.version(project, f"later{len(names)}", "any.manifest") if len(names) == 2 else None
    assert names == ["v4", "v3", "v2", "v1", "v0"]
    found = instant("DescribeProjectVersions", ProjectArn=project, VersionNames=["v3", "none", "v1"])
    assert [d["ProjectVersionArn"].split("/")[3] for d in found["ProjectVersionDescriptions"]] == ["v3", "v1"]


def test_what_was_given_is_described(instant: Caller) -> None:
    project = instant.project()
    arn = instant(
        "CreateProjectVersion",
        ProjectArn=project,
        VersionName="v1",
        OutputConfig=OUTPUT,
        TrainingData={"Assets": [asset("train.manifest")]},
        TestingData={"Assets": [asset("test.manifest")]},
        VersionDescription="from the loop",
        Tags={"a": "b"},
    )["ProjectVersionArn"]
    description = instant.describe(arn)
    assert description["OutputConfig"] == OUTPUT
    assert description["VersionDescription"] == "from the loop"
    assert description["TrainingDataResult"]["Input"] == {"Assets": [asset("train.manifest")]}
    assert description["TestingDataResult"]["Input"]["Assets"] == [asset("test.manifest")]
    assert description["TestingDataResult"]["Input"]["AutoCreate"] is False
