"""The state of a loop: read from an item or from a record, whatever they hold, and stored field by field."""

import json
from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON, anything_like

from label_loop.loop_state import LoopState, Mark
from label_loop.payloads import ApprovalQuestion, Bake, FailedObject, LabelMinimums, TrainingAttempt

ATTEMPT = TrainingAttempt("v", "m", 1, "f", "t")
FULL = LoopState(
    endpoint_arn="arn:v1",
    endpoint_moved_at="2026-11-23T09:00:00+00:00",
    endpoint_started_at="2026-11-23T09:00:00+00:00",
    stopped_because="idle",
    stopping_since="2026-11-23T09:00:00+00:00",
    outage_reported_of="arn:v1",
    approval_question=ApprovalQuestion("v2", "because", "2026-11-23T09:00:00+00:00", "hold", True, "deploy"),
    current_bake=Bake("v1", "arn:v1", "v0", "arn:v0", "2026-11-23T09:00:00+00:00", "it fails", "it asks"),
    best_version_arn="arn:v1",
    numbered_version="label-loop-0123456789ab-01234567-v7",
    label_minimums=LabelMinimums("arn:v1", {"a": 80.25}),
    quality_reported_on="2026-11-23",
    deploying_since="2026-11-23T09:00:00+00:00",
    last_training_attempt=ATTEMPT,
    previous_trained_images=120,
    sampling_since="2026-11-23T09:00:00+00:00",
    sampled_until="2026-11-23T09:00:00+00:00",
    sampled_until_id="d1",
    sampling_secret="for nobody's eyes",
    rescored_by="arn:aws:rekognition:eu-west-1:1:project/p/version/v1/1",
    rescored_until="2026-11-23T09:00:00+00:00",
    uploads_taken_over_until="2026-11-23T09:00:00+00:00",
    uploads_seen_until="2026-11-23T09:00:00+00:00",
    answers_seen_until="2026-11-23T09:00:00+00:00",
    uploads_reconciled_until="2026-11-23T09:00:00+00:00",
    answers_reconciled_until="2026-11-23T09:00:00+00:00",
    failed_objects=(FailedObject("0a1b", 5, "a2i-human-loop-data/x/output.json: unknown"), FailedObject("2c3d", 1)),
    revision=7,
)


def test_the_samples_record_is_taken_over_as_it_is() -> None:
    values = {"s3_bucket": "b", "rekognition_project_version_arn": "arn:version", "previous_trained_images": "120"}
    assert LoopState.parse(values) == LoopState(endpoint_arn="arn:version", previous_trained_images=120)


def test_every_field_is_stored_and_read_again() -> None:
    assert all(getattr(FULL, field.name) for field in fields(LoopState))
    stored = FULL.changes_since(LoopState())
    assert stored["rekognition_project_version_arn"] == "arn:v1"
    assert LoopState.parse(stored) == FULL
    assert LoopState.parse(json.loads(json.dumps(stored))) == FULL


def test_dynamodbs_numbers_are_numbers() -> None:
    attempt = {**ATTEMPT.to_json(), "images": Decimal(1)}
    values = {"previous_trained_images": Decimal(12), "revision": Decimal(3), "last_training_attempt": attempt}
    assert LoopState.parse(values) == LoopState(previous_trained_images=12, revision=3, last_training_attempt=ATTEMPT)


def test_a_record_of_4_kb_has_room_for_what_failed() -> None:
    failed = tuple(FailedObject(f"{n:016x}", 5, "x" * 400) for n in range(50))
    compact = replace(FULL, failed_objects=failed).compact()
    assert compact.failed_objects == tuple(FailedObject(one.id, 5) for one in failed[-10:])
    assert len(json.dumps(compact.changes_since(LoopState())["failed_objects"])) < 600


def test_the_secret_is_in_no_record_and_in_no_text() -> None:
    assert "sampling_secret" not in FULL.compact().changes_since(LoopState())
    assert str(FULL.sampling_secret) not in f"{FULL} {FULL!r} {FULL.sample_values()}"


@pytest.mark.parametrize(
    "odd", [None, "x", 5, {}, {**FULL.changes_since(LoopState())["current_bake"], "since": "2026-11-23T09:00:00"}]
)
def test_an_odd_bake_counts_as_none(odd: object) -> None:
    assert LoopState.parse({"current_bake": odd}).current_bake is None


@pytest.mark.parametrize("odd", [None, "x", 5, [None], ["x"], [{}], [{"id": "a", "tries": "x", "text": ""}]])
def test_odd_failures_count_as_none(odd: object) -> None:
    assert LoopState.parse({"failed_objects": odd}).failed_objects == ()


def test_only_what_differs_is_stored() -> None:
    after = replace(FULL, stopped_because=None, revision=8)
    assert after.changes_since(FULL) == {"stopped_because": None, "revision": 8}
    assert FULL.changes_since(FULL) == {}


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (12, 12), ("12", 12), (0, 0), ("0", 0), ("", 0), (None, 0), ("-1", 0), (-1, 0), ("²", 0), ("1,000", 0),
        (1.5, 0), ([], 0), ({}, 0), (True, 0), ("many", 0), ("9" * 5000, 0),
    ],
)  # fmt: skip
def test_previous_trained_images_is_a_count_whatever_the_sample_left(value: object, count: int) -> None:
    assert LoopState.parse({"previous_trained_images": value}).previous_trained_images == count


@given(values=anything_like(FULL.changes_since(LoopState())) | st.dictionaries(st.text(max_size=10), ARBITRARY_JSON))
def test_anything_can_be_read(values: object) -> None:
    state = LoopState.parse(values if isinstance(values, dict) else {})
    assert state.previous_trained_images >= 0
    assert state.endpoint_arn != ""


@pytest.mark.parametrize("mark", list(Mark))
def test_a_mark_only_moves_on(mark: Mark) -> None:
    first = LoopState().advanced(mark, "2026-11-23T09")
    assert first.mark(mark) == "2026-11-23T09"
    assert first.advanced(mark, "2026-11-23T08") == first
    assert first.advanced(mark, "2026-11-23T10").mark(mark) == "2026-11-23T10"
