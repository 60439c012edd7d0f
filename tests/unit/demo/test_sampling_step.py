"""The demo's sentence about how good the latest version is."""

from dataclasses import replace

from demo.steps.sampling import live_accuracy_of
from label_loop.domain.log_row import LogRow

ARN = "arn:aws:rekognition:eu-west-1:123456789012:project/p/version/{}/1763888400000"
ROW = LogRow(
    "d",
    "2026-11-25T09:00:00.000000+00:00",
    "b",
    "k",
    "e",
    project_version_arn=ARN.format("v1"),
    detected_label="7",
    confidence_percent=99.0,
    minimum_confidence_percent=70.0,
)


def test_the_latest_version_is_told_with_its_interval() -> None:
    later = replace(ROW, detected_at="2026-11-26T09:00:00.000000+00:00", project_version_arn=ARN.format("v2"))
    right = replace(later, is_sampled=True, sample_weight=5, human_label="7")
    assert live_accuracy_of([ROW, later, *[right] * 4]) == (
        "With 95 % confidence, of what v2 accepted, 51.0 % to 100.0 % is right (4 answers, 100 % answered)."
    )
