"""Input of any form: what reads it gives an answer or a named error, never another one."""

import json
import os
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON, HOSTILE_TEXT, anything_like

from label_loop.domain import evaluation, labels, manifest, reviews, uploads
from label_loop.domain.events import parse_message
from label_loop.domain.folders import copy_key
from label_loop.domain.images import image_suffix
from label_loop.domain.training_images import folder_label
from label_loop.exceptions import (
    InvalidLabelError,
    InvalidParameterError,
    LoopNotSetUpError,
    MalformedAnswerError,
    MalformedEventError,
)
from label_loop.loop import Loop
from label_loop.loop_state import LoopState
from label_loop.parameters import FIELDS, PARAMETERS
from label_loop.payloads import (
    LABELLED_FOLDER,
    UPLOADS_FOLDER,
    LabelledImage,
    ReviewAnswer,
    ReviewEnded,
    S3Upload,
    TrainingAttempt,
)
from label_loop.system_record import SystemRecord
from label_loop.variables import read_settings

WHOLE = os.environ.get("CHAOS") == "whole"
LOOP = Loop("/logos")
LONGEST_KEY_BYTES = 1024
any_input = settings(
    max_examples=1300 if WHOLE else 110,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

ANSWER = {
    "humanLoopName": "label-loop-0b6f3d5e-9c1a-4b7e-8f2d-1234567890ab",
    "inputContent": {"detectLabelRequestId": "0b6f3d5e-9c1a-4b7e-8f2d-1234567890ab", "source": "A2I Workflow"},
    "humanAnswers": [
        {"answerContent": {"crowd-image-classifier": {"label": "a"}}, "submissionTime": "2026-11-23T09:00:00Z"}
    ],
}
OBJECT = {"key": "images_for_detection/a.png", "size": 1, "eTag": "e", "sequencer": "01", "versionId": "v"}
S3_EVENT = {
    "Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": OBJECT}}],
}
NO_TEXT = {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "%ff"}}}]}
HALF_A_CHARACTER = {"detail-type": "Object Created", "detail": {"bucket": {"name": "b"}, "object": {"key": "\ud800"}}}
EVENT_BRIDGE = {"detail-type": "Object Created", "detail": {"bucket": {"name": "b"}, "object": OBJECT}}
ENDED = {
    "detail-type": "SageMaker A2I HumanLoop Status Change",
    "detail": {"humanLoopStatus": "Failed", "humanLoopName": ANSWER["humanLoopName"], "failureReason": "r"},
}
RECORD = {
    "s3_bucket": "b",
    "rekognition_project_version_arn": "arn",
    "previous_trained_images": "12",
    "uploads_queue_url": "https://queue",
    "last_training_attempt": TrainingAttempt("v", "m", 1, "f", "t").to_json(),
}
EVALUATION = {
    "EvaluationDetails": {"NumberOfTrainingImages": 1, "NumberOfTestingImages": 1},
    "LabelEvaluationResults": [{"Label": "a", "NumberOfTestingImages": 1, "Metrics": {"F1Score": 1.0}}],
}
LINE = json.loads(manifest.line("b", LabelledImage("k", "a", "2026")))

DEEP = st.integers(1, 20_000).map(lambda depth: "[" * depth + "]" * depth)


def texts_like(*shapes: Any) -> st.SearchStrategy[str]:
    """Return JSON like some shapes, whole, cut off, nested deep, or text of no form."""
    whole = st.one_of(*(anything_like(shape) for shape in shapes)).map(json.dumps)
    cut = st.builds(lambda text, share: text[: int(len(text) * share)], whole, st.floats(0, 1))
    exact = st.sampled_from([json.dumps(shape) for shape in shapes])
    return st.one_of(whole, whole, whole, exact, cut, DEEP, HOSTILE_TEXT)


def as_keys(text: str) -> str:
    return text.encode()[: LONGEST_KEY_BYTES - 100].decode(errors="ignore") or "k"


KEYS = st.one_of(HOSTILE_TEXT, HOSTILE_TEXT.map(lambda text: text * 40), st.text(st.characters(codec="utf-8"))).map(
    as_keys
)


@any_input
@given(body=st.one_of(texts_like(ANSWER).map(str.encode), st.binary(max_size=200)))
def test_any_answer_is_read_or_malformed(body: bytes) -> None:
    with suppress(MalformedAnswerError):
        answer = reviews.parse_answer(body)
        assert isinstance(answer, ReviewEnded) or answer.label is None or labels.label_problem(answer.label) is None
        assert json.dumps(answer.detection_id)


@any_input
@given(label=st.one_of(HOSTILE_TEXT, st.text(max_size=2000), st.sampled_from(["../x", "a/b", "<b>", "\x00", "=1+1"])))
def test_any_label_names_one_folder_or_is_malformed(label: str) -> None:
    answer = json.loads(json.dumps(ANSWER))
    answer["humanAnswers"][0]["answerContent"]["crowd-image-classifier"]["label"] = label
    with suppress(MalformedAnswerError):
        read = reviews.parse_answer(json.dumps(answer).encode())
        assert isinstance(read, ReviewAnswer)
        key = copy_key(LABELLED_FOLDER, str(read.label), "0" * 36, "a.png", ".png")
        assert key.count("/") == LABELLED_FOLDER.count("/") + 1
        assert len(key.encode()) <= LONGEST_KEY_BYTES
        assert ".." not in key.split("/")


@any_input
@given(body=texts_like(S3_EVENT, EVENT_BRIDGE, ENDED), wrappings=st.integers(0, 4))
@example(body=json.dumps(NO_TEXT), wrappings=0)
@example(body=json.dumps(HALF_A_CHARACTER), wrappings=1)
def test_any_message_is_read_or_malformed(body: str, wrappings: int) -> None:
    for _ in range(wrappings):
        body = json.dumps({"Type": "Notification", "Message": body})
    with suppress(MalformedEventError):
        for event in parse_message(body).events:
            assert not isinstance(event, S3Upload) or event.detection_id


@any_input
@given(key=KEYS)
def test_any_key_is_filed_under_one_name(key: str) -> None:
    upload = S3Upload("b", UPLOADS_FOLDER + key, "e")
    assert upload.detection_id == S3Upload("b", UPLOADS_FOLDER + key, "e").detection_id
    label = folder_label(LABELLED_FOLDER, LABELLED_FOLDER + key)
    assert label is None or key.startswith(f"{label}/")
    written = uploads.upload_key(key, b"body", "label")
    assert len(written.encode()) <= LONGEST_KEY_BYTES
    assert written.count("/") == LABELLED_FOLDER.count("/") + 1
    assert image_suffix(key, b"") in {".png", ".jpg", ".jpeg"}
    line = manifest.line("b", LabelledImage(key, "label", "2026"))
    assert [image.key for image in manifest.parse(line.encode().splitlines(), "b")] == [key]


@any_input
@given(name=st.sampled_from(sorted(PARAMETERS)), text=st.one_of(HOSTILE_TEXT, st.text(), st.floats().map(str)))
def test_any_value_of_a_parameter_is_read_or_refused_and_no_other_setting_changes(name: str, text: str) -> None:
    with suppress(InvalidParameterError):
        PARAMETERS[name].parse(text)
    other, good = ("Minimum-F1-Score", "0.5") if name != "Minimum-F1-Score" else ("Human-Sampling-Interval", "77")
    found = read_settings(LOOP, lambda _, asked: {name: text, other: good}.get(asked))
    assert getattr(found, FIELDS[other]) == PARAMETERS[other].parse(good)


@any_input
@given(text=texts_like(RECORD))
def test_any_system_record_can_be_asked_or_says_what_is_missing(text: str) -> None:
    with suppress(LoopNotSetUpError):
        record = SystemRecord.parse(LOOP, text)
        state = LoopState.parse(record.values)
        assert state.previous_trained_images >= 0
        attempt = state.last_training_attempt
        assert attempt is None or isinstance(attempt.manifest_key, str)
        assert isinstance(state.endpoint_arn, str | None)
        assert "https://other" not in record.dead_letter_queue_urls
        assert record.bucket


@any_input
@given(text=texts_like(EVALUATION))
def test_any_evaluation_is_read_into_scores_or_none(text: str) -> None:
    summary = evaluation.parse(text)
    assert summary is None or all(score.f1 is None or 0 <= score.f1 <= 1 for score in summary.labels)


@any_input
@given(lines=st.lists(texts_like(LINE), max_size=5))
def test_a_good_line_of_a_manifest_is_found_beside_any_others(lines: list[str]) -> None:
    good = LabelledImage("good.png", "a", "2026")
    assert good in list(manifest.parse([*lines, manifest.line("b", good)], "b"))


@any_input
@given(text=st.one_of(HOSTILE_TEXT, ARBITRARY_JSON.map(str)))
def test_any_label_of_an_upload_is_taken_or_refused(text: str) -> None:
    with suppress(InvalidLabelError):
        assert labels.label_problem(labels.check_label(text)) is None
