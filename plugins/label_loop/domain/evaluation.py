"""How good a version was on its test set, as Rekognition's evaluation summary tells."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AliasPath,
    Field,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)


def _at(*path: str) -> Any:
    """Return where a value stands in the summary; what stands at an odd place is missing."""
    return Field(validation_alias=AliasPath(*path))


def _or_none(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


def _readable(label: str) -> str:
    return label.encode(errors="replace").decode()  # JSON can hold what no page can


def _worst_first(scores: Sequence["LabelScore | None"] | None) -> tuple["LabelScore", ...]:
    known = (score for score in scores or () if score)
    return tuple(sorted(known, key=lambda score: (2.0 if score.f1 is None else score.f1, score.label)))


type _Count = Annotated[int | None, Field(strict=True, ge=0), WrapValidator(_or_none)]
type _Share = Annotated[float | None, Field(strict=True, ge=0, le=1), WrapValidator(_or_none)]


@dataclass(frozen=True)
class LabelScore:
    """A label's scores from 0 to 1, and how many test images had it; None where the summary does not say."""

    label: Annotated[str, _at("Label"), Field(strict=True), AfterValidator(_readable)]
    test_images: Annotated[_Count, _at("NumberOfTestingImages")] = None
    f1: Annotated[_Share, _at("Metrics", "F1Score")] = None
    precision: Annotated[_Share, _at("Metrics", "Precision")] = None
    recall: Annotated[_Share, _at("Metrics", "Recall")] = None


type _Score = Annotated[LabelScore | None, WrapValidator(_or_none)]
type _Scores = Annotated[tuple[_Score, ...] | None, WrapValidator(_or_none), AfterValidator(_worst_first)]


@dataclass(frozen=True)
class EvaluationSummary:
    """How many images trained and tested a version, and each label's scores, the worst F1 first."""

    training_images: Annotated[_Count, _at("EvaluationDetails", "NumberOfTrainingImages")] = None
    test_images: Annotated[_Count, _at("EvaluationDetails", "NumberOfTestingImages")] = None
    labels: Annotated[_Scores, _at("LabelEvaluationResults")] = ()


_SUMMARY = TypeAdapter(EvaluationSummary)


def parse(text: str | bytes) -> EvaluationSummary | None:
    """Read an evaluation summary; None where it is none. What it lacks, or has in another form, is None."""
    try:
        return _SUMMARY.validate_python(json.loads(text))
    except (ValueError, RecursionError):  # a ValidationError is a ValueError
        return None
