"""The records that pass between the parts: identities, and what survives JSON."""

import json
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import HOSTILE_TEXT

from label_loop.payloads import S3Upload, TrainingAttempt

UPLOAD = S3Upload("b", "images_for_detection/a b+ü%.png", "e1", version_id="v1")


def test_one_upload_has_one_id_in_every_process():
    # Written down, since rows of yesterday's release have to be found again.
    assert UPLOAD.detection_id == "afa4cdad-26e1-005b-3e05-f82b0871cd9c"
    assert replace(UPLOAD).detection_id == UPLOAD.detection_id


@pytest.mark.parametrize(
    "other",
    [
        {"bucket": "b2"},
        {"key": "images_for_detection/a b+ü%.PNG"},
        {"etag": "e2"},
        {"version_id": "v2"},
        {"version_id": None, "sequencer": "0055AED6DCD90281E5"},
        {"version_id": None},
    ],
)
def test_another_upload_has_another_id(other):
    assert replace(UPLOAD, **other).detection_id != UPLOAD.detection_id


def test_how_the_event_came_does_not_change_the_id():
    seen_by_event = replace(UPLOAD, sequencer="0055AED6DCD90281E5", size_bytes=1024)
    assert seen_by_event.detection_id == UPLOAD.detection_id


def test_two_uploads_of_one_unversioned_key_have_two_ids():
    first, second = (replace(UPLOAD, version_id=None, sequencer=text) for text in ("01", "02"))
    assert first.detection_id != second.detection_id


parts = st.text(st.sampled_from("ab:|/0123"), max_size=6)


@given(one=st.tuples(parts, parts, parts, parts), two=st.tuples(parts, parts, parts, parts))
def test_parts_cannot_run_into_each_other(one, two):
    ids = {S3Upload(b, k, e, version_id=v).detection_id for b, k, e, v in (one, two)}
    assert len(ids) == len({one, two})


@given(key=HOSTILE_TEXT)
def test_any_key_has_an_id_and_a_uri(key):
    upload = S3Upload("b", key, "e")
    assert str(uuid.UUID(upload.detection_id)) == upload.detection_id
    assert upload.uri == f"s3://b/{key}"


@pytest.mark.parametrize("outcome", [None, "accepted", "rejected"])
def test_a_training_attempt_survives_json(outcome):
    attempt = TrainingAttempt("v", "manifests/1.manifest", 12, "ab", "2026-11-23T09:00:00+00:00", outcome)
    assert TrainingAttempt.from_json(json.loads(json.dumps(attempt.to_json()))) == attempt


@pytest.mark.parametrize("values", [None, {}, {"version_name": "v"}, {"something": "else"}])
def test_what_something_else_wrote_is_no_training_attempt(values):
    assert TrainingAttempt.from_json(values) is None


@pytest.mark.parametrize("name", ["version_name", "manifest_key", "images", "started_at", "outcome"])
def test_an_attempt_with_a_part_of_another_type_is_no_attempt_of_ours(name):
    values = TrainingAttempt("v", "m", 1, "f", "t").to_json() | {name: ["x"]}
    assert TrainingAttempt.from_json(values) is None


@pytest.mark.parametrize("images", [True, "12", 12.0, 12.5, None, float("nan"), 10**400, {1}])
def test_a_number_of_images_is_a_number(images):
    values = TrainingAttempt("v", "m", 1, "f", "t").to_json() | {"images": images}
    attempt = TrainingAttempt.from_json(values)
    assert attempt is None or attempt.images == images == 10**400


@pytest.mark.parametrize("values", ["text", 7, ["v"], {"version_name": "\ud800"}])
def test_what_is_no_record_is_no_attempt_of_ours(values):
    assert TrainingAttempt.from_json(values) is None


def test_an_attempt_with_a_newer_releases_field_is_no_attempt_of_ours():
    values = TrainingAttempt("v", "m", 1, "f", "t").to_json() | {"added_later": 1}
    assert TrainingAttempt.from_json(values) is None
