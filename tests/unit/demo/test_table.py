import io
from dataclasses import replace

import pytest
from rich.console import Console

from demo.control import IDLE_POLLING, calls_per_image
from demo.table import VersionResult, got_better, result, table, too_few_to_tell
from label_loop.domain.log_row import LogRow
from label_loop.domain.training import HELD
from label_loop.payloads import TrainingAttempt

ATTEMPT = TrainingAttempt("v1", "m", 20, "f", "2026-11-25T08:00:00", test_images=40)


def _result(number: int, f1: float, testing: int = 200) -> VersionResult:
    return VersionResult(number, 20, testing, f1, 300, 205, 204, 95, 3.14)


@pytest.mark.parametrize(
    ("first", "second", "better"),
    [(0.8, 0.9, True), (0.9, 0.8, False), (0.9, 0.9, False), (0.95, 0.95, True), (1.0, 1.0, True), (0.99, 0.98, False)],
)
def test_better_is_more_or_as_good_where_little_is_left(first: float, second: float, better: bool) -> None:
    assert got_better(_result(1, first), _result(2, second)) is better


@pytest.mark.parametrize(
    ("first", "second", "testing", "too_few"),
    [(0.975, 0.924, 40, True), (0.975, 0.7, 40, False), (0.886, 0.88, 200, False), (0.5, 0.4, 30, True)],
)
def test_a_few_images_excuse_a_small_difference_only(first: float, second: float, testing: int, too_few: bool) -> None:
    assert too_few_to_tell(_result(1, first, testing), _result(2, second, testing)) is too_few


def test_a_version_is_summed_up_from_its_own_rows() -> None:
    def row(key: str, version: str, label: str, confidence: float, human_label: str | None = None) -> LogRow:
        return LogRow(
            detection_id=key,
            detected_at="2026-11-25T09:00:00.000000+00:00",
            bucket="b",
            key=key,
            etag="e",
            project_version_arn=version,
            detected_label=label,
            confidence_percent=confidence,
            minimum_confidence_percent=70.0,
            human_label=human_label,
        )

    rows = [
        row("a", "v1", "1", 70),
        row("b", "v1", "1", 99),
        row("c", "v1", "2", 69.9, human_label="2"),
        row("d", "v2", "2", 90, human_label="2"),
    ]
    version = {"ProjectVersionArn": "v1", "EvaluationResult": {"F1Score": 0.5}}
    truth = {"a": "1", "b": "2", "c": "2", "d": "2"}
    summed = result(1, version, ATTEMPT, rows=rows, truth=truth, calls_per_image=2.5)
    assert summed == VersionResult(1, 20, 40, 0.5, 3, 2, 1, 1, 2.5)


def test_a_version_that_never_served_is_shown_as_held() -> None:
    attempt = replace(ATTEMPT, outcome=HELD)
    version = {"ProjectVersionArn": "v3", "EvaluationResult": {"F1Score": 0.875}}
    held = result(3, version, attempt, rows=[], truth={}, calls_per_image=0.0)
    console = Console(file=io.StringIO(), width=110)
    console.print(table([held]))
    assert "3, held" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_held_version_that_a_person_deployed_is_shown_by_its_number() -> None:
    attempt = replace(ATTEMPT, outcome=HELD)
    version = {"ProjectVersionArn": "v1", "EvaluationResult": {"F1Score": 0.5}}
    row = LogRow("a", "2026-11-25T09:00:00.000000+00:00", "b", "a", "e", project_version_arn="v1")
    assert not result(1, version, attempt, rows=[row], truth={"a": "1"}, calls_per_image=1.0).is_held


def test_the_table_shows_whole_headers_in_a_log() -> None:
    console = Console(file=io.StringIO(), width=110)
    console.print(table([_result(1, 0.5), VersionResult(2, 20, 40, 1, 0, 0, 0, 0, 0)]))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in text
    for word in ("of these right", "205 (68%)", "0.500", "3.1", "0 (-)"):
        assert word in text


def test_idle_polling_is_no_call_for_an_image() -> None:
    assert calls_per_image({"s3.GetObject": 20, "sqs.ReceiveMessage": 5, IDLE_POLLING: 99}, 10) == 2.5
    assert calls_per_image({"s3.GetObject": 1}, 0) == 0
