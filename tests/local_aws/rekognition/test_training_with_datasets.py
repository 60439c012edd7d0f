"""CreateProjectVersion in a project that has datasets, and how the AWS console brings them about."""

import json
from typing import Any

import pytest
from tests.local_aws.rekognition.fakes import BUCKET, Caller, asset, put_shapes
from tests.local_aws.rekognition.test_datasets import (
    ADDED_IN_CONSOLE,
    GOOD,
    create,
    created,
    describe,
    listed,
    update,
)
from tests.local_aws.rekognition.test_training import s3_object

from local_aws.rekognition.trainer import train
from local_aws.rekognition.training import Trainer

OUTPUT = {"S3Bucket": BUCKET, "S3KeyPrefix": "evaluation"}
MANIFESTS = {"TrainingData": {"Assets": [asset("any.manifest")]}, "TestingData": {"AutoCreate": True}}


@pytest.fixture
def here(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """A Rekognition whose trainings are real, but need no process of their own."""
    monkeypatch.setattr(Trainer, "_train", lambda _, folder: folder.write_result(train(folder)))
    return caller


def request(project: str, **changes: Any) -> dict[str, Any]:
    return {"ProjectArn": project, "VersionName": "v1", "OutputConfig": OUTPUT} | changes


def test_a_version_is_trained_with_the_datasets(here: Caller) -> None:
    project = here.project()
    training = created(here, project, [*put_shapes(here.s3, "a", 6), ADDED_IN_CONSOLE])
    created(here, project, put_shapes(here.s3, "b", 3), "TEST")
    arn = here("CreateProjectVersion", **request(project))["ProjectVersionArn"]
    assert here.describe(arn)["Status"] == "TRAINING_IN_PROGRESS"
    update(here, training, GOOD)  # too late for this training
    description = here.trained(arn)
    assert description["Status"] == "TRAINING_COMPLETED"

    for result, name, count in (("TrainingDataResult", "train", 12), ("TestingDataResult", "test", 6)):
        snapshot = s3_object(description[result]["Input"])
        assert snapshot == {"Bucket": BUCKET, "Name": f"evaluation/logos-v1/datasets/{name}.manifest"}
        rows = [json.loads(row) for row in here.s3.text(snapshot).splitlines()]
        assert len(rows) == count
        assert all(row["cl-metadata"] == {"is_labeled": True} for row in rows)
        assert len(here.s3.text(s3_object(description[result]["Output"])).splitlines()) == count
    assert description["TestingDataResult"]["Input"]["AutoCreate"] is False
    summary = json.loads(here.s3.text(description["ManifestSummary"]["S3Object"]))
    assert summary["statistics"]["training"]["valid_json_lines"] == 12
    evaluation = json.loads(here.s3.text(description["EvaluationResult"]["Summary"]["S3Object"]))
    assert evaluation["EvaluationDetails"]["NumberOfTestingImages"] == 6


def test_without_a_test_dataset_a_fifth_is_split_off(here: Caller) -> None:
    project = here.project()
    training = created(here, project, put_shapes(here.s3, "a", 5))
    description = here.trained(here("CreateProjectVersion", **request(project))["ProjectVersionArn"])
    assert description["TestingDataResult"]["Input"] == {"AutoCreate": True}
    assert len(here.s3.text(s3_object(description["TrainingDataResult"]["Output"])).splitlines()) == 8
    assert len(here.s3.text(s3_object(description["TestingDataResult"]["Output"])).splitlines()) == 2
    assert len(listed(here, training)) == 10


def test_errors_of_entries_fail_a_training_as_those_of_manifests_do(here: Caller) -> None:
    project = here.project()
    created(here, project, put_shapes(here.s3, "a", 3)[:3] + GOOD[:2])  # of two images there are no objects
    description = here.trained(here("CreateProjectVersion", **request(project))["ProjectVersionArn"])
    assert description["Status"] == "TRAINING_FAILED"
    assert "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST" in description["StatusMessage"]
    rows = here.s3.text(s3_object(description["TrainingDataResult"]["Validation"])).splitlines()
    assert [json.loads(row)["errors"][0]["code"] for row in rows[3:]] == ["ERROR_INVALID_IMAGE"] * 2


def test_an_output_bucket_that_cannot_be_written_fails_the_training(here: Caller) -> None:
    project = here.project()
    created(here, project, GOOD)
    answer = here("CreateProjectVersion", **request(project, OutputConfig={"S3Bucket": "nobodys-bucket"}))
    description = here.trained(answer["ProjectVersionArn"])
    assert description["Status"] == "TRAINING_FAILED"
    assert "ERROR_CANNOT_WRITE_OUTPUT_S3_BUCKET" in description["StatusMessage"]


def test_a_project_with_datasets_takes_no_manifests_until_they_are_deleted(here: Caller) -> None:
    project = here.project()
    arn = create(here, project, kind="TEST")
    message = here.refused("InvalidParameterException", "CreateProjectVersion", **request(project, **MANIFESTS))
    assert "datasets" in message
    for name, value in MANIFESTS.items():
        here.refused("InvalidParameterException", "CreateProjectVersion", **request(project, **{name: value}))
    here.clock.now += 2
    here("DeleteDataset", DatasetArn=arn)
    here.refused("InvalidParameterException", "CreateProjectVersion", **request(project, **MANIFESTS))
    here.clock.now += 2
    here.refused("InvalidParameterException", "CreateProjectVersion", **request(project))
    assert here("CreateProjectVersion", **request(project, **MANIFESTS))["ProjectVersionArn"]


def test_datasets_must_be_complete_to_train_with(here: Caller) -> None:
    project = here.project()
    here.refused("InvalidParameterException", "CreateProjectVersion", **request(project))
    created(here, project, GOOD, "TEST")
    assert "no training dataset" in here.refused(
        "InvalidParameterException", "CreateProjectVersion", **request(project)
    )
    training = create(here, project, GOOD)
    here.refused("ResourceInUseException", "CreateProjectVersion", **request(project))
    here.clock.now += 2
    update(here, training, ["not JSON"])
    assert "UPDATE_FAILED" in here.refused("InvalidParameterException", "CreateProjectVersion", **request(project))
    update(here, training, GOOD)
    assert here("CreateProjectVersion", **request(project))["ProjectVersionArn"]


def test_opening_a_trained_project_in_the_console_makes_datasets(here: Caller) -> None:
    project = here.project("logos")
    assert here.service.open_in_console("logos") == []
    for name in ("old", "new"):
        put_shapes(here.s3, f"{name}.manifest", 3 if name == "new" else 2)
        here.trained(here.version(project, name, f"{name}.manifest"))
    (arn,) = here.service.open_in_console("logos")
    assert describe(here, arn)["Status"] == "CREATE_IN_PROGRESS"
    here.clock.now += 2
    assert "/train/" in arn
    assert len(listed(here, arn)) == 6
    assert here.service.open_in_console("logos") == []
    here.refused("InvalidParameterException", "CreateProjectVersion", **request(project, **MANIFESTS))


def test_the_console_makes_a_test_dataset_of_a_test_manifest(here: Caller) -> None:
    project = here.project("logos")
    for name, count in (("train", 3), ("test", 2)):
        put_shapes(here.s3, f"{name}.manifest", count)
    here.trained(here.version(project, "v1", "train.manifest", "test.manifest"))
    arns = here.service.open_in_console("logos")
    here.clock.now += 2
    assert [(arn.split("/")[-2], len(listed(here, arn))) for arn in arns] == [("train", 6), ("test", 4)]
