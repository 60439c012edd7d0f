"""How good a version was on its test set, as Rekognition's evaluation summary tells."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LabelScore:
    """A label's scores from 0 to 1, and how many test images had it; None where the summary does not say."""

    label: str
    test_images: int | None
    f1: float | None
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class EvaluationSummary:
    """How many images trained and tested a version, and each label's scores, the worst F1 first."""

    training_images: int | None
    test_images: int | None
    labels: tuple[LabelScore, ...]


def parse(text: str | bytes) -> EvaluationSummary | None:
    """Read an evaluation summary; None where it is none. What it lacks, or has in another form, is None."""
    try:
        summary = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(summary, dict):
        return None
    details = _mapping(summary.get("EvaluationDetails"))
    results = summary.get("LabelEvaluationResults")
    labels = [_label(_mapping(result)) for result in (results if isinstance(results, list) else [])]
    return EvaluationSummary(
        training_images=_count(details.get("NumberOfTrainingImages")),
        test_images=_count(details.get("NumberOfTestingImages")),
        labels=tuple(sorted(filter(None, labels), key=_worst_first)),
    )


def _label(result: Mapping[str, Any]) -> LabelScore | None:
    label, metrics = result.get("Label"), _mapping(result.get("Metrics"))
    if not isinstance(label, str):
        return None
    return LabelScore(
        label=label.encode(errors="replace").decode(),  # JSON can hold what no page can
        test_images=_count(result.get("NumberOfTestingImages")),
        f1=_share(metrics.get("F1Score")),
        precision=_share(metrics.get("Precision")),
        recall=_share(metrics.get("Recall")),
    )


def _worst_first(score: LabelScore) -> tuple[float, str]:
    return (2.0 if score.f1 is None else score.f1, score.label)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _share(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)
