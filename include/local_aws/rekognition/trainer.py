"""The training process: ``python -m local_aws.rekognition.trainer FOLDER``.

A process of its own, because fitting holds the interpreter's lock for long stretches and the endpoint
must keep answering. It reads and writes the folder alone and needs neither network nor credentials.
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from local_aws.rekognition import keypoint_classifier
from local_aws.rekognition import workfolder as roles
from local_aws.rekognition.classifier import Matrix, fit, recognized
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
from local_aws.rekognition.images import read_detail
from local_aws.rekognition.model import Model
from local_aws.rekognition.workfolder import Result, WorkFolder

ENOUGH_RECOGNIZED = 0.4  # share of the way from chance to all
MOST_IMAGES_WITH_KEYPOINTS = 2000  # in training and testing: three minutes of work


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
    model, confidences_of = _learn(folder, training, len(training) + len(testing))
    known = [example for example in testing if set(example.line.labels) & set(model.labels)]
    confidences = confidences_of(known)
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
    on_training = snapshot(model, training, confidences_of(training), ended)
    files = {
        roles.SUMMARY: _write(folder, name, json.dumps(content, indent=2, ensure_ascii=False)),
        **files,
        roles.TRAINING_OUTPUT: _write(folder, "training.manifest", on_training),
        roles.TESTING_OUTPUT: _write(folder, "testing.manifest", snapshot(model, known, confidences, ended)),
    }
    f1_score = evaluation.overall.f1
    return Result(succeeded=True, message="The model is ready to run.", f1_score=f1_score, files=files)


def _learn(folder: WorkFolder, training: list[Example], images: int) -> tuple[Model, Callable[[list[Example]], Matrix]]:
    """Return a model, and what gives its confidences for examples.

    Whole pictures are compared where that tells the labels apart. Else, the things are not where they were in another
    picture, and keypoints are compared if that is better: 50 times the work.
    """
    features = _features(training)
    rows = [(index, label) for index, example in enumerate(training) for label in example.line.labels]
    labels = [label for _, label in rows]
    row_features = features[[index for index, _ in rows]]
    right, by_chance = recognized(row_features, labels)
    if right - by_chance < ENOUGH_RECOGNIZED * (1 - by_chance) and images <= MOST_IMAGES_WITH_KEYPOINTS:
        learned = keypoint_classifier.fit([read_detail(_body(folder, training[index])) for index, _ in rows], labels)
        if learned is not None and learned[1] > right:
            model = learned[0]
            return model, lambda examples: np.stack([model.judge(_body(folder, example)) for example in examples])
    whole = fit([training[index].pixels for index, _ in rows], row_features, labels)
    return whole, lambda examples: whole.confidences(_features(examples))


def _body(folder: WorkFolder, example: Example) -> bytes:
    body = folder.read_image(example.line.bucket, example.line.key)
    if body is None:
        raise FileNotFoundError(f"the image {example.line.source_ref} was there when the manifest was read")
    return body


def _write(folder: WorkFolder, file: str, text: str) -> str:
    (folder.output / file).write_text(text, "utf-8")
    return file


def main() -> None:
    """Train what lies in the folder named on the command line."""
    os.nice(5)  # the endpoint answers first
    folder = WorkFolder(Path(sys.argv[1]))
    folder.write_result(train(folder))


if __name__ == "__main__":
    main()
