"""The training process: ``python -m local_aws.rekognition.trainer FOLDER``.

A process of its own, because fitting holds the interpreter's lock for long stretches and the endpoint
must keep answering. It reads and writes the folder alone and needs neither network nor credentials.
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from local_aws.rekognition import workfolder as roles
from local_aws.rekognition.classifier import Classifier, Matrix, fit
from local_aws.rekognition.dataset import (
    CONTENT_MESSAGES,
    Dataset,
    Example,
    ManifestFileError,
    described,
    json_line,
    load_dataset,
    overlap_errors,
    split,
    split_errors,
)
from local_aws.rekognition.evaluation import evaluate, snapshot, summary
from local_aws.rekognition.features import describe
from local_aws.rekognition.workfolder import Result, WorkFolder


def train(folder: WorkFolder) -> Result:
    """Check the manifests, train, evaluate, and write the result files; bad input is a failed result."""
    try:
        training = load_dataset(folder.training_manifest.read_text("utf-8", "replace"), folder.read_image)
        testing = None
        if folder.testing_manifest.exists():
            testing = load_dataset(folder.testing_manifest.read_text("utf-8", "replace"), folder.read_image)
    except ManifestFileError as error:
        return Result(succeeded=False, message=str(error))
    if testing is None:
        across: list[str] = []
        training.codes += split_errors(training)
    else:
        across = overlap_errors(training, testing)
    files = _write_validation(folder, training, testing, across)
    codes = [*training.codes, *(testing.codes if testing else []), *across]
    if codes:
        return Result(succeeded=False, message=f"{CONTENT_MESSAGES[codes[0]]} ({codes[0]})", files=files)
    parts = (training.examples, testing.examples) if testing else split(training.examples)
    return _fit_and_evaluate(folder, *parts, files=files)


def _write_validation(
    folder: WorkFolder, training: Dataset, testing: Dataset | None, across: list[str]
) -> dict[str, str]:
    """Write the manifest summary and the manifests with the errors of their lines."""
    parts = {"training": training} | ({"testing": testing} if testing else {})
    content = {
        "statistics": {name: dataset.statistics() for name, dataset in parts.items()},
        "errors": described(across),
    }
    (folder.output / "manifest_summary.json").write_text(json.dumps(content, indent=2))
    files = {roles.MANIFEST_SUMMARY: "manifest_summary.json"}
    for name, dataset in parts.items():
        file = f"{name}_manifest_with_validation.json"
        (folder.output / file).write_text(_with_validation(dataset), "utf-8")
        files[f"{name}_validation"] = file
    return files


def _with_validation(dataset: Dataset) -> str:
    rows = []
    for line in dataset.lines:
        if line.codes:
            rows.append(json_line(line.content, is_labeled=bool(line.labels), codes=line.codes))
        else:
            rows.append(line.text)
    return "".join(f"{row}\n" for row in rows)


def _features(examples: list[Example]) -> Matrix:
    return np.stack([describe(example.pixels) for example in examples])


def _fit_and_evaluate(
    folder: WorkFolder, training: list[Example], testing: list[Example], files: dict[str, str]
) -> Result:
    job = folder.read_job()
    training_features = _features(training)
    rows = [(index, label) for index, example in enumerate(training) for label in example.line.labels]
    model = fit(
        [training[index].pixels for index, _ in rows],
        training_features[[index for index, _ in rows]],
        [label for _, label in rows],
    )
    known = [example for example in testing if set(example.line.labels) & set(model.labels)]
    confidences = model.confidences(_features(known))
    truths = [tuple(label for label in e.line.labels if label in model.labels) for e in known]
    evaluation = evaluate(model, confidences, truths)
    model = model.with_thresholds(evaluation.thresholds)
    model.save(folder.model)
    ended = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    content = summary(
        evaluation,
        model,
        version_arn=job.version_arn,
        ended=ended,
        training_images=len(training),
        testing_images=len(testing),
    )
    name = f"EvaluationSummary-{job.project_name}-{job.version_name}.json"
    (folder.output / name).write_text(json.dumps(content, indent=2, ensure_ascii=False), "utf-8")
    files = {roles.SUMMARY: name, **files, **_write_snapshots(folder, model, training, known, ended)}
    f1_score = evaluation.overall.f1
    return Result(succeeded=True, message="The model is ready to run.", f1_score=f1_score, files=files)


def _write_snapshots(
    folder: WorkFolder, model: Classifier, training: list[Example], testing: list[Example], ended: str
) -> dict[str, str]:
    files = {}
    for role, part in ((roles.TRAINING_OUTPUT, training), (roles.TESTING_OUTPUT, testing)):
        file = f"{role.removesuffix('_output')}.manifest"
        text = snapshot(model, part, model.confidences(_features(part)), ended)
        (folder.output / file).write_text(text, "utf-8")
        files[role] = file
    return files


def main() -> None:
    """Train what lies in the folder named on the command line."""
    os.nice(5)  # the endpoint answers first
    folder = WorkFolder(Path(sys.argv[1]))
    folder.write_result(train(folder))


if __name__ == "__main__":
    main()
