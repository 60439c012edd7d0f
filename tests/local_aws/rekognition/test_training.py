"""Real trainings, in a process of their own: what they leave in the bucket and how they fail."""

import json
import sys
import time
from typing import Any

import pytest
from tests.local_aws.rekognition.fakes import (
    BUCKET,
    Caller,
    digits,
    manifest,
    put_labelled,
    put_shapes,
    shape_picture,
)


def s3_object(result: dict[str, Any]) -> dict[str, str]:
    """The one manifest of a TrainingData or ValidationData."""
    (found,) = result["Assets"]
    return dict(found["GroundTruthManifest"]["S3Object"])


KINDS = ("true-positive", "false-positive", "false-negative", "true-negative")


def judgements(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the model says of an image, label by label."""
    return [row[f"rekognition-custom-labels-evaluation-{number}-metadata"] for number in range(10)]


def guess_in(row: dict[str, Any]) -> str:
    return str(max(judgements(row), key=lambda one: one["confidence"])["class-name"])


def test_a_training_leaves_its_results_in_the_bucket(caller: Caller) -> None:
    pictures = list(zip(*digits(), strict=True))
    put_labelled(caller.s3, pictures[:60], "train.manifest")
    test_rows = put_labelled(caller.s3, pictures[1000:1150], "test.manifest")
    arn = caller.version(caller.project("digits"), "v1", "train.manifest", "test.manifest")
    description = caller.trained(arn)
    assert description["Status"] == "TRAINING_COMPLETED"
    assert description["BillableTrainingTimeInSeconds"] >= 10

    evaluation = description["EvaluationResult"]
    assert evaluation["Summary"]["S3Object"]["Name"] == "evaluation/EvaluationSummary-digits-v1.json"
    summary = json.loads(caller.s3.text(evaluation["Summary"]["S3Object"]))
    assert summary["Version"] == 1
    details = summary["EvaluationDetails"]
    assert details["ProjectVersionArn"] == arn
    assert details["Labels"] == list("0123456789")
    assert (details["NumberOfTrainingImages"], details["NumberOfTestingImages"]) == (60, 150)
    overall = summary["AggregatedEvaluationResults"]
    assert overall["F1Score"] == pytest.approx(evaluation["F1Score"])
    assert 0.7 < overall["F1Score"] < 1

    by_label = {entry["Label"]: entry for entry in summary["LabelEvaluationResults"]}
    assert sum(entry["NumberOfTestingImages"] for entry in by_label.values()) == 150
    assert all(0 <= entry["Metrics"]["Threshold"] <= 0.5 for entry in by_label.values())
    scores = [entry["Metrics"]["F1Score"] for entry in by_label.values()]
    assert sum(scores) / len(scores) == pytest.approx(overall["F1Score"])

    # The snapshot says for each image what the confusion matrix sums up.
    snapshot = caller.s3.text(s3_object(description["TestingDataResult"]["Output"])).splitlines()
    rows = [json.loads(row) for row in snapshot]
    assert [row["source-ref"] for row in rows] == [row["source-ref"] for row in test_rows]
    for truth in by_label:
        of_label = [row for row in rows if row["kind-metadata"]["class-name"] == truth]
        judged = [guess_in(row) for row in of_label]
        matrix = {
            cell["PredictedLabel"]: cell["Value"]
            for cell in overall["ConfusionMatrix"]
            if cell["GroundTruthLabel"] == truth
        }
        assert sum(matrix.values()) == pytest.approx(1)
        for guess, share in matrix.items():
            assert judged.count(guess) == pytest.approx(share * len(judged))
        assert by_label[truth]["Metrics"]["Recall"] == pytest.approx(judged.count(truth) / len(judged))
        guessed = [row["kind-metadata"]["class-name"] for row in rows if guess_in(row) == truth]
        assert by_label[truth]["Metrics"]["Precision"] == pytest.approx(guessed.count(truth) / len(guessed))
    for row in rows:  # one pair of entries a label, of which exactly one flag of four holds
        details = [one["rekognition-custom-labels-evaluation-details"] for one in judgements(row)]
        assert [sum(one[f"is-{kind}"] for kind in KINDS) for one in details] == [1] * 10
        assert sum(one["is-present-in-ground-truth"] for one in details) == 1

    assert len(caller.s3.text(s3_object(description["TrainingDataResult"]["Output"])).splitlines()) == 60
    for name in ("TrainingDataResult", "TestingDataResult"):
        assert s3_object(description[name]["Validation"])["Name"].endswith("_with_validation.json")
    manifest_summary = json.loads(caller.s3.text(description["ManifestSummary"]["S3Object"]))
    assert manifest_summary["statistics"]["testing"]["valid_json_lines"] == 150


def test_a_training_that_fails_says_why_and_leaves_a_summary(caller: Caller) -> None:
    caller.s3.put(BUCKET, "bad.manifest", manifest(put_shapes(caller.s3)[:1] * 3))
    description = caller.trained(caller.version(caller.project(), "v1", "bad.manifest"))
    assert description["Status"] == "TRAINING_FAILED"
    assert "ERROR_MANIFEST_TOO_FEW_LABELS" in description["StatusMessage"]
    assert "EvaluationResult" not in description
    summary = json.loads(caller.s3.text(description["ManifestSummary"]["S3Object"]))
    assert summary["statistics"]["training"]["total_json_lines"] == 3


def test_a_missing_manifest_fails_the_training(caller: Caller) -> None:
    description = caller.trained(caller.version(caller.project(), "v1", "none.manifest"))
    assert description["Status"] == "TRAINING_FAILED"
    assert "ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT" in description["StatusMessage"]
    assert "ManifestSummary" not in description


def test_a_manifest_without_an_extension_fails_the_training(caller: Caller) -> None:
    put_shapes(caller.s3, "manifests.of/shapes")
    description = caller.trained(caller.version(caller.project(), "v1", "manifests.of/shapes"))
    assert description["Status"] == "TRAINING_FAILED"
    assert "no file extension. (ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT)" in description["StatusMessage"]


def test_an_output_bucket_that_cannot_be_written_fails_the_training(caller: Caller) -> None:
    put_shapes(caller.s3)
    arn = caller(
        "CreateProjectVersion",
        ProjectArn=caller.project(),
        VersionName="v1",
        OutputConfig={"S3Bucket": "nobodys-bucket"},
        TrainingData={"Assets": [{"GroundTruthManifest": {"S3Object": {"Bucket": BUCKET, "Name": "shapes.manifest"}}}]},
        TestingData={"AutoCreate": True},
    )["ProjectVersionArn"]
    description = caller.trained(arn)
    assert description["Status"] == "TRAINING_FAILED"
    assert "ERROR_CANNOT_WRITE_OUTPUT_S3_BUCKET" in description["StatusMessage"]


def test_a_process_that_dies_is_a_service_issue(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    put_shapes(caller.s3)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    description = caller.trained(caller.version(caller.project(), "v1", "shapes.manifest"))
    assert description["Status"] == "TRAINING_FAILED"
    assert "service issue" in description["StatusMessage"]


def test_closing_ends_the_training_process(caller: Caller) -> None:
    pictures = [(shape_picture(label, n), label) for n in range(20) for label in ("disc", "square")]
    put_labelled(caller.s3, pictures * 10, "many.manifest")
    arn = caller.version(caller.project(), "v1", "many.manifest")
    trainer = caller.service._versions._registry.version(arn, caller.region).trainer
    assert trainer is not None
    deadline = time.monotonic() + 60
    while trainer._process is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process = trainer._process
    caller.service.close()
    assert process.wait(60) == -9
    assert "cancelled" in caller.trained(arn)["StatusMessage"]
