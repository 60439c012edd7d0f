"""How well a model does on its test set, and the files that say so."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from local_aws.rekognition.classifier import DEFAULT_THRESHOLD, Matrix
from local_aws.rekognition.dataset import Example
from local_aws.rekognition.features import Vector
from local_aws.rekognition.model import Model


@dataclass(frozen=True)
class Scores:
    """Precision, recall and F1, 0..1."""

    precision: float
    recall: float
    f1: float

    def as_json(self) -> dict[str, float]:
        """Name them as the summary file does."""
        return {"F1Score": self.f1, "Precision": self.precision, "Recall": self.recall}


@dataclass(frozen=True)
class Evaluation:
    """A model on a test set: an image is predicted to be what the model is most confident of."""

    confusion: Counter[tuple[str, str]]  # (ground truth, predicted)
    counts: Counter[str]  # test images a label
    scores: dict[str, Scores]
    thresholds: Vector

    @property
    def overall(self) -> Scores:
        """Averages over the labels, each label counting the same."""
        scores = list(self.scores.values())
        return Scores(
            float(np.mean([score.precision for score in scores])),
            float(np.mean([score.recall for score in scores])),
            float(np.mean([score.f1 for score in scores])),
        )


def evaluate(model: Model, confidences: Matrix, truths: Sequence[tuple[str, ...]]) -> Evaluation:
    """Compare confidences (images, labels) with true labels; a label without test images has no score."""
    tops = [model.labels[index] for index in confidences.argmax(axis=1)]
    confusion: Counter[tuple[str, str]] = Counter()
    for truth, top in zip(truths, tops, strict=True):
        for label in truth:
            confusion[(label, top if top not in truth else label)] += 1
    counts = Counter(label for truth in truths for label in truth)
    return Evaluation(
        confusion=confusion,
        counts=counts,
        scores={label: _scores(label, confusion) for label in sorted(counts)},
        thresholds=_thresholds(model, confidences, truths, tops),
    )


def _scores(label: str, confusion: Counter[tuple[str, str]]) -> Scores:
    right = confusion[(label, label)]
    predicted = sum(count for (_, guess), count in confusion.items() if guess == label)
    actual = sum(count for (truth, _), count in confusion.items() if truth == label)
    precision = right / predicted if predicted else 0.0
    recall = right / actual if actual else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return Scores(precision, recall, f1)


def _thresholds(model: Model, confidences: Matrix, truths: Sequence[tuple[str, ...]], tops: Sequence[str]) -> Vector:
    """Each label's assumed threshold: low enough to keep its right predictions, and at most one half.

    Cutting there loses no recall of the test set and can only raise the precision that is reported.
    """
    thresholds = np.full(len(model.labels), DEFAULT_THRESHOLD, dtype=np.float32)
    for index, label in enumerate(model.labels):
        right = [row[index] for row, truth, top in zip(confidences, truths, tops, strict=True) if top == label in truth]
        if right:
            thresholds[index] = min(DEFAULT_THRESHOLD, float(min(right)))
    return thresholds


def summary(
    evaluation: Evaluation,
    model: Model,
    *,
    version_arn: str,
    ended: str,
    training_images: int,
    testing_images: int,
) -> dict[str, object]:
    """Return the content of EvaluationSummary-<project>-<version>.json."""
    thresholds = dict(zip(model.labels, evaluation.thresholds.tolist(), strict=True))
    return {
        "Version": 1,
        "EvaluationDetails": {
            "ProjectVersionArn": version_arn,
            "EvaluationEndTimestamp": ended,
            "Labels": list(model.labels),
            "NumberOfTrainingImages": training_images,
            "NumberOfTestingImages": testing_images,
        },
        "AggregatedEvaluationResults": {
            "ConfusionMatrix": [
                {
                    "GroundTruthLabel": truth,
                    "PredictedLabel": guess,
                    "Value": count / evaluation.counts[truth],
                }
                for (truth, guess), count in sorted(evaluation.confusion.items())
            ],
            **evaluation.overall.as_json(),
        },
        "LabelEvaluationResults": [
            {
                "Label": label,
                "NumberOfTestingImages": evaluation.counts[label],
                "Metrics": {**scores.as_json(), "Threshold": thresholds.get(label, DEFAULT_THRESHOLD)},
            }
            for label, scores in evaluation.scores.items()
        ],
    }


def snapshot(model: Model, examples: Sequence[Example], confidences: Matrix, ended: str) -> str:
    """Repeat the manifest lines, each with what the model says of its image: a numbered pair of entries per label."""
    return "".join(
        json.dumps({**example.line.content, **_judged(model, example, row, ended)}, ensure_ascii=False) + "\n"
        for example, row in zip(examples, confidences, strict=True)
    )


def _judged(model: Model, example: Example, row: Vector, ended: str) -> dict[str, object]:
    entries: dict[str, object] = {}
    for number, (label, confidence, threshold) in enumerate(zip(model.labels, row, model.thresholds, strict=True)):
        is_predicted, is_true = bool(confidence >= threshold), label in example.line.labels
        name = f"rekognition-custom-labels-evaluation-{number}"
        entries[name] = 1
        entries[f"{name}-metadata"] = {
            "confidence": round(float(confidence), 4),
            "job-name": "rekognition-custom-labels-evaluation-job",
            "class-name": label,
            "human-annotated": "no",
            "creation-date": ended,
            "type": "groundtruth/image-classification",
            "rekognition-custom-labels-evaluation-details": {
                "is-true-positive": is_predicted and is_true,
                "is-false-positive": is_predicted and not is_true,
                "is-false-negative": not is_predicted and is_true,
                "is-true-negative": not is_predicted and not is_true,
                "is-present-in-ground-truth": is_true,
            },
        }
    return entries
