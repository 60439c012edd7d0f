"""Reads Rekognition's evaluation summary: how well a version did on its test set."""

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
    """Return a field read from a path of the summary; it is missing if any part of the path is."""
    return Field(validation_alias=AliasPath(*path))


def _or_none(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


def _readable(label: str) -> str:
    return label.encode(errors="replace").decode()  # JSON may hold lone surrogates, which cannot be encoded


def _worst_first(scores: Sequence["LabelScore | None"] | None) -> tuple["LabelScore", ...]:
    known = (score for score in scores or () if score)
    return tuple(sorted(known, key=lambda score: (2.0 if score.f1 is None else score.f1, score.label)))


type _Count = Annotated[int | None, Field(strict=True, ge=0), WrapValidator(_or_none)]
type _Share = Annotated[float | None, Field(strict=True, ge=0, le=1), WrapValidator(_or_none)]


@dataclass(frozen=True)
class LabelScore:
    """A label's scores, 0 to 1, and its number of test images; None if the summary lacks them."""

    label: Annotated[str, _at("Label"), Field(strict=True), AfterValidator(_readable)]
    test_images: Annotated[_Count, _at("NumberOfTestingImages")] = None
    f1: Annotated[_Share, _at("Metrics", "F1Score")] = None
    precision: Annotated[_Share, _at("Metrics", "Precision")] = None
    recall: Annotated[_Share, _at("Metrics", "Recall")] = None


type _Score = Annotated[LabelScore | None, WrapValidator(_or_none)]
type _Scores = Annotated[tuple[_Score, ...] | None, WrapValidator(_or_none), AfterValidator(_worst_first)]


@dataclass(frozen=True)
class EvaluationSummary:
    """The numbers of training and test images, and the scores of each label, lowest F1 first."""

    training_images: Annotated[_Count, _at("EvaluationDetails", "NumberOfTrainingImages")] = None
    test_images: Annotated[_Count, _at("EvaluationDetails", "NumberOfTestingImages")] = None
    labels: Annotated[_Scores, _at("LabelEvaluationResults")] = ()


_SUMMARY = TypeAdapter(EvaluationSummary)


def parse(text: str | bytes) -> EvaluationSummary | None:
    """Parse an evaluation summary; None if it is not one. Missing or malformed values are None."""
    try:
        return _SUMMARY.validate_python(json.loads(text))
    except (ValueError, RecursionError):  # a ValidationError is a ValueError
        return None
