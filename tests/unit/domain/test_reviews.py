"""Human loops: names, what an answer means, and where its image goes."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON, HOSTILE_TEXT, anything_like

from label_loop.domain.folders import copy_key
from label_loop.domain.labels import check_label, labels_of
from label_loop.domain.log_row import LogRow
from label_loop.domain.reviews import (
    check_asked,
    detection_id_of,
    human_loop_name,
    new_label_problem,
    parse_answer,
    task_input,
)
from label_loop.exceptions import MalformedAnswerError, RefusedAnswerError, UnaskedAnswerError
from label_loop.payloads import LABELLED_FOLDER, TEST_FOLDER, ReviewAnswer, ReviewEnded, ReviewTask

DETECTION_ID = "0b6f3d5e-9c1a-4b7e-8f2d-1234567890ab"
NAME = f"label-loop-{DETECTION_ID}"


def answer(label, at="2026-11-23T09:00:00.000Z"):
    return {
        "answerContent": {"crowd-image-classifier": {"label": label}},
        "submissionTime": at,
        "workerId": "w",
        "workerMetadata": {"identityData": {"identityProviderType": "Cognito", "issuer": "i", "sub": "s"}},
    }


def output(*answers, **changes):
    return {
        "flowDefinitionArn": "arn:flow",
        "humanLoopName": NAME,
        "inputContent": {
            "source": "A2I Workflow",
            "detectLabelRequestId": DETECTION_ID,
            "detectedConfidenceLevel": 42.5,
            "detectedLabel": "dog",
            "taskObject": "s3://b/images_for_detection/1.png",
        },
        "humanAnswers": list(answers),
        **changes,
    }


def read(*answers, **changes):
    return parse_answer(json.dumps(output(*answers, **changes)).encode())


# --- names and input


def test_a_loops_name_is_one_that_a2i_takes_and_leads_back():
    name = human_loop_name(DETECTION_ID)
    assert re.fullmatch(r"[a-z0-9](-*[a-z0-9])*", name)
    assert len(name) <= 63
    assert detection_id_of(name) == DETECTION_ID


@pytest.mark.parametrize(
    "name",
    ["", "label-loop-", DETECTION_ID, f"{NAME}0", f"x-{NAME}", f"{NAME}\n", NAME.upper(), "label-loop-1",
     f"label-loop-{DETECTION_ID.replace('-', '')}", f"label-loop-{'g' * 8}{DETECTION_ID[8:]}"],
)  # fmt: skip
def test_another_name_leads_nowhere(name):
    assert detection_id_of(name) is None


def test_a_tasks_input_has_the_samples_names():
    task = ReviewTask(DETECTION_ID, "Human Sampling", "s3://b/k", "cat", 12.5)
    assert task_input(task) == {
        "source": "Human Sampling",
        "detectLabelRequestId": DETECTION_ID,
        "detectedConfidenceLevel": 12.5,
        "detectedLabel": "cat",
        "taskObject": "s3://b/k",
    }


# --- answers


def test_an_answer_is_read_whole():
    assert read(answer(" cat ")) == ReviewAnswer(NAME, DETECTION_ID, "cat", "2026-11-23T09:00:00.000Z", "w")


@pytest.mark.parametrize("text", ["None of the Above", "none of the above", "NONE OF THE ABOVE", " None Of The Above "])
def test_none_of_the_above_in_any_case_is_no_label(text):
    assert read(answer(text)).label is None


@pytest.mark.parametrize("text", ["None", "None of the Above.", "Not none of the above", "none_of_the_above"])
def test_a_label_that_resembles_none_of_the_above_is_a_label(text):
    assert read(answer(text)).label == text


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["cat"], "cat"),
        (["dog", "cat", "cat"], "cat"),
        (["cat", "dog", "cat", "dog", "dog"], "dog"),
        (["cat", "dog", "cat", "", "a/b"], "cat"),
        (["None of the Above", "cat", "cat"], "cat"),
        (["cat", "None of the Above", "None of the Above"], None),
        (["dog", " cat", "cat "], "cat"),
    ],
)
def test_the_majority_counts(labels, expected):
    assert read(*(answer(label) for label in labels)).label == expected


@pytest.mark.parametrize("labels", [["cat", "dog"], ["cat", "dog", "", "dog", "cat"], ["cat", "None of the Above"]])
def test_answers_that_tie_are_no_answer(labels):
    ended = read(*(answer(label) for label in labels))
    assert isinstance(ended, ReviewEnded)
    assert (ended.human_loop_name, ended.detection_id, ended.status) == (NAME, DETECTION_ID, "Undecided")
    assert "'cat'" in ended.reason


def test_answers_that_tie_are_told_within_bounds():
    ended = read(*(answer(f"{number}{'x' * 200}") for number in range(100)))
    assert len(ended.reason) < 400


BLANKS = [
    {}, {"label": ""}, {"label": "  "}, {"label": None}, {"label": "a/b"}, {"cat": False, "dog": False},
    {"cat": True, "dog": True}, "cat", None, [],
]  # fmt: skip


@pytest.mark.parametrize("blank", BLANKS, ids=json.dumps)
def test_of_several_workers_those_count_who_name_a_label(blank):
    without_label = {**answer("x"), "answerContent": {"crowd-image-classifier": blank}}
    assert read(without_label, answer("cat"), answer("cat")).label == "cat"
    assert read(answer("cat"), without_label, {"workerId": "w"}).label == "cat"
    with pytest.raises(MalformedAnswerError):
        read(without_label, without_label)


def test_an_answer_that_names_no_label_says_nothing_about_the_time():
    first, blank = answer("cat", "2026-11-23T09:00:00.000Z"), answer("", "2026-11-23T10:00:00.000Z")
    assert read(first, blank).answered_at == "2026-11-23T09:00:00.000Z"


def test_spellings_of_one_label_are_votes_for_it():
    assert read(answer("Cat"), answer("dog"), answer("cat")).label == "Cat"
    assert read(answer("none of the above"), answer("dog"), answer("None of the Above")).label is None


def test_the_time_is_the_last_answers():
    times = ["2026-11-23T10:00:00.000Z", "2026-11-23T11:00:00.000Z", "2026-11-23T09:00:00.000Z"]
    assert read(*(answer("cat", at) for at in times)).answered_at == times[1]


@pytest.mark.parametrize("at", [None, 5, [], {}])
def test_an_odd_submission_time_is_not_taken_for_a_time(at):
    given_time = "2026-11-23T09:00:00.000Z"
    assert read(answer("cat", given_time), answer("cat", at)).answered_at == given_time
    without = answer("cat")
    del without["submissionTime"]
    assert read(answer("cat", given_time), without).answered_at == given_time


def test_a_task_of_the_sample_is_answered_too():
    """Its detection ids are Rekognition's request ids, and its loops have names of their own."""
    read_answer = read(answer("cat"), humanLoopName="a2i-loop-1")
    assert (read_answer.human_loop_name, read_answer.detection_id) == ("a2i-loop-1", DETECTION_ID)


def without(key):
    return {name: value for name, value in output(answer("cat")).items() if name != key}


@pytest.mark.parametrize(
    "value",
    [
        None, [], {}, 1, "text", output(), without("humanLoopName"), without("inputContent"),
        without("humanAnswers"), output(humanAnswers=None), output(humanAnswers={}), output(humanAnswers="cat"),
        output(humanAnswers=[None]), output(humanAnswers=[[]]), output({"answerContent": {}}),
        output({"answerContent": None}), output({"answerContent": {"crowd-image-classifier": "cat"}}),
        output({"answerContent": {"crowd-image-classifier": {}}}), output(answer(None)), output(answer(7)),
        output(answer(["cat"])), output(answer({"cat": 1})), output(answer("")), output(answer("  ")),
        output(answer("cat"), inputContent=None), output(answer("cat"), inputContent=[]),
        output(answer("cat"), inputContent={}), output(answer("cat"), inputContent="x"),
        output(answer("cat"), inputContent={"detectLabelRequestId": None}),
        output(answer("cat"), inputContent={"detectLabelRequestId": ""}),
        output(answer("cat"), inputContent={"detectLabelRequestId": {"a": 1}}),
        output(answer("cat"), inputContent={"detectLabelRequestId": "\ud800"}),
    ],
    ids=lambda value: json.dumps(value)[-60:],
)  # fmt: skip
def test_what_is_no_answer_is_malformed(value):
    with pytest.raises(MalformedAnswerError) as caught:
        parse_answer(json.dumps(value).encode())
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "body", [b"", b" ", b"{", b"\xff\xfe", b"\xef\xbb\xbf{}", b"\x89PNG\r\n", b"[" * 200_000, b'{"a":' * 100_000,
     b"9" * 5_000, b'{"humanLoopName": "a", "humanLoopName": "b"}'],
    ids=lambda body: repr(body)[:20],
)  # fmt: skip
def test_what_is_no_json_is_malformed(body):
    with pytest.raises(MalformedAnswerError):
        parse_answer(body)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (without("humanLoopName"), "'humanLoopName' is missing"),
        (output(answer("cat"), inputContent={"detectLabelRequestId": 7}), "'inputContent.detectLabelRequestId' is 7"),
        (output(answer("a/b")), "'a/b' is not a valid label: a label must have no slash"),
        (output(answer(None)), "exactly one label must be selected"),
        (output(), "there are none"),
        (output(*[answer("cat")] * 1001), "'humanAnswers' is a list"),
    ],
)
def test_what_is_wrong_is_named_with_its_value(value, told):
    with pytest.raises(MalformedAnswerError) as caught:
        parse_answer(json.dumps(value).encode())
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second", "last"),
    [
        ("2026-11-23T09:00:00.000Z", "2026-11-23T09:30:00+02:00", "2026-11-23T09:00:00.000Z"),
        ("2026-11-23T09:00:00Z", "2026-11-23T09:00:00.500Z", "2026-11-23T09:00:00.500Z"),
        ("2026-11-23T09:00:00Z", "0001-01-01T00:00:00+23:59", "2026-11-23T09:00:00.000Z"),
        ('=HYPERLINK("x")', "1", None),
    ],
)
def test_times_are_compared_as_times(first, second, last):
    assert read(answer("cat", first), answer("cat", second)).answered_at == last
    assert read(answer("cat", second), answer("cat", first)).answered_at == last


@pytest.mark.parametrize(
    ("submitted", "written"),
    [
        ("2026-11-23T09:00:00.000Z", "2026-11-23T09:00:00.000Z"),
        ("2026-11-23", "2026-11-23T00:00:00.000Z"),
        ("20261123T090000Z", "2026-11-23T09:00:00.000Z"),
        ("2026-11-23T09:00:00+02:00", "2026-11-23T09:00:00.000+02:00"),
        # Any character may separate date and time, also one that cannot be stored.
        ("2026-11-23\ud80009:00:00Z", "2026-11-23T09:00:00.000Z"),
        ('=HYPERLINK("x")', None),
        ("", None),
        ("now", None),
        ("9" * 5000, None),
    ],
)
def test_a_time_is_written_in_one_form_and_what_is_none_is_not(submitted, written):
    assert read(answer("cat", submitted)).answered_at == written


# --- which answer applies


ROW = LogRow(DETECTION_ID, "2026-11-23T08:00:00+00:00", "b", "images_for_detection/1.png", "e", human_loop_name=NAME)


def test_an_answer_applies_to_the_row_that_records_its_review():
    check_asked(read(answer("cat")), ROW)
    check_asked(read(answer("cat"), humanLoopName="2f3e"), replace(ROW, human_loop_name="2f3e"))


@pytest.mark.parametrize("row", [None, replace(ROW, human_loop_name=None)])
def test_an_answer_that_no_row_records_is_not_applied_yet(row):
    with pytest.raises(UnaskedAnswerError, match=DETECTION_ID):
        check_asked(read(answer("cat")), row)


def test_an_answer_of_another_review_is_refused_and_both_are_named():
    with pytest.raises(RefusedAnswerError, match=rf"'other'.*{NAME}"):
        check_asked(read(answer("cat"), humanLoopName="other"), ROW)


def test_a_refused_label_is_named_with_the_rule_and_the_way_out():
    labels = labels_of([f"label {n:02}" for n in range(30)], lambda name: 0)
    told = new_label_problem("zebra", labels)
    assert "'zebra'" in told
    assert "'label 00', 'label 01'" in told
    assert "label 25" not in told
    assert "Review-Allow-New-Labels" in told


def check(body):
    try:
        read_answer = parse_answer(body)
    except MalformedAnswerError:
        return
    assert read_answer.detection_id.encode()
    if isinstance(read_answer, ReviewEnded):
        return
    assert read_answer.answered_at is None or read_answer.answered_at.encode()
    if read_answer.label is not None:
        assert check_label(read_answer.label) == read_answer.label


@given(body=st.binary() | st.text().map(str.encode))
def test_no_bytes_raise_anything_else(body):
    check(body)


@given(value=ARBITRARY_JSON | anything_like(output(answer("cat"))))
def test_no_json_raises_anything_else(value):
    check(json.dumps(value).encode())


# --- keys


@given(label=st.text() | HOSTILE_TEXT)
def test_an_answered_label_is_one_folder_or_refused(label):
    try:
        answered = read(answer(label)).label
    except MalformedAnswerError:
        return
    if answered is not None:
        key = copy_key(LABELLED_FOLDER, answered, DETECTION_ID, "images_for_detection/1.png", ".png")
        assert key.count("/") == 2
        assert key.split("/")[1] == answered == label.strip()


@pytest.mark.parametrize(
    ("image_key", "key"),
    [
        ("images_for_detection/1.png", "images_labeled_by_folder/cat/1-0b6f3d5e-9c1a.png"),
        ("images_for_detection/a/b/1.PNG", "images_labeled_by_folder/cat/1-0b6f3d5e-9c1a.png"),
        ("images_for_detection/a b+ü%.png", "images_labeled_by_folder/cat/a b+ü%-0b6f3d5e-9c1a.png"),
        ("images_for_detection/noname", "images_labeled_by_folder/cat/noname-0b6f3d5e-9c1a.png"),
        ("", "images_labeled_by_folder/cat/image-0b6f3d5e-9c1a.png"),
        ("/", "images_labeled_by_folder/cat/image-0b6f3d5e-9c1a.png"),
        (f"u/{'x' * 500}.png", f"images_labeled_by_folder/cat/{'x' * 80}-0b6f3d5e-9c1a.png"),
    ],
)
def test_keys_of_copies(image_key, key):
    assert copy_key(LABELLED_FOLDER, "cat", DETECTION_ID, image_key, ".png") == key
    tested = key.replace("images_labeled_by_folder/cat/", "images_for_testing/cat/human-sample-")
    assert copy_key(TEST_FOLDER, "cat", DETECTION_ID, image_key, ".png") == tested


@given(image_key=HOSTILE_TEXT)
def test_a_training_key_is_one_that_s3_takes_and_training_counts(image_key):
    from label_loop.domain.training_images import folder_label

    # The longest label, of characters that are longest in UTF-8; keys are at most 1,024 bytes.
    for label in ("cat", "x" * 255):
        for folder in (LABELLED_FOLDER, TEST_FOLDER):
            key = copy_key(folder, label, DETECTION_ID, image_key * 20, ".png")
            assert len(key.encode()) <= 1024
            assert folder_label(folder, key) == label


def test_the_longest_key_in_any_script_fits_s3():
    label = check_label("中" * 255)
    assert len(copy_key(TEST_FOLDER, label, DETECTION_ID, "中" * 300 + ".png", ".png").encode()) <= 1024


@pytest.mark.parametrize(
    ("flow", "source", "shown"),
    [
        ("airflow", "A2I Workflow", True),
        ("airflow", "Human Sampling", False),
        ("arn:flow", "A2I Workflow", False),
        (7, "A2I Workflow", False),
    ],
)
def test_the_guess_is_shown_in_the_airflow_ui_and_never_of_a_sample(flow, source, shown):
    given_input = {**output()["inputContent"], "source": source}
    assert read(answer("cat"), flowDefinitionArn=flow, inputContent=given_input).guess_shown is shown


def test_who_gave_the_leading_answer_is_known():
    given = [
        {**answer(label), "workerId": who}
        for label, who in (("cat", "zoe"), ("Cat", "ann@b.c"), ("dog", "bob"), ("cat", "zoe"), ("cat", None))
    ]
    assert read(*given).reviewers == "ann@b.c+zoe"
    assert read({**answer("cat"), "workerId": {"a": "b"}}).reviewers == ""
