"""Rekognition's evaluation summary, in AWS's form and in any other."""

import json

import pytest
from hypothesis import given
from tests.unit.strategies import ARBITRARY_JSON, anything_like

from label_loop.domain.evaluation import EvaluationSummary, LabelScore, parse

SUMMARY = {
    "Version": 1,
    "EvaluationDetails": {"NumberOfTrainingImages": 80, "NumberOfTestingImages": 20, "Labels": ["cat", "dog"]},
    "AggregatedEvaluationResults": {"F1Score": 0.8, "Precision": 0.8, "Recall": 0.8, "ConfusionMatrix": [{"Value": 1}]},
    "LabelEvaluationResults": [
        {
            "Label": "cat",
            "NumberOfTestingImages": 12,
            "Metrics": {"F1Score": 0.9, "Precision": 1, "Recall": 0.8, "Threshold": 0.5},
        },
        {
            "Label": "dog",
            "NumberOfTestingImages": 8,
            "Metrics": {"F1Score": 0.7, "Precision": 0.6, "Recall": 0.8, "Threshold": 0.5},
        },
    ],
}


def test_a_summary_is_read_with_the_weakest_label_first():
    assert parse(json.dumps(SUMMARY)) == EvaluationSummary(
        training_images=80,
        test_images=20,
        labels=(LabelScore("dog", 8, 0.7, 0.6, 0.8), LabelScore("cat", 12, 0.9, 1.0, 0.8)),
    )


def test_what_has_no_score_comes_last():
    found = parse(json.dumps({"LabelEvaluationResults": [{"Label": "a"}, *SUMMARY["LabelEvaluationResults"]]}))
    assert [score.label for score in found.labels] == ["dog", "cat", "a"]
    assert found.labels[-1] == LabelScore("a", None, None, None, None)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", b"\xff\xfe", "[" * 100_000])
def test_what_is_no_summary_is_none(text):
    assert parse(text) is None


@pytest.mark.parametrize("value", [-0.1, 1.1, True, "0.5", float("nan"), float("inf"), None, [], 10**400])
def test_a_score_that_is_none_is_not_shown(value):
    results = [{"Label": "a", "NumberOfTestingImages": value, "Metrics": {"F1Score": value}}]
    (score,) = parse(json.dumps({"LabelEvaluationResults": results})).labels
    assert score.f1 is None


@given(summary=anything_like(SUMMARY) | ARBITRARY_JSON)
def test_any_json_is_read_into_what_a_page_can_show(summary):
    found = parse(json.dumps(summary))
    for score in found.labels if found else ():
        assert score.label.encode()
        assert all(share is None or 0 <= share <= 1 for share in (score.f1, score.precision, score.recall))
