"""A loop's names, its settings in force, and its system record."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON

from label_loop.console.prices import inference_unit_usd_per_hour
from label_loop.exceptions import InvalidParameterError, LoopNotSetUpError
from label_loop.loop import Loop, loops
from label_loop.parameters import FIELDS, PARAMETERS, Settings
from label_loop.payloads import TrainingAttempt
from label_loop.system_record import SYSTEM_RECORD, SystemRecord
from label_loop.variables import SYNC_STATE, parse_sync_state, read_settings, setting, variable_text

LOGOS = Loop("/logos")
DEEP = "[" * 200_000


def reader(**texts):
    """Return a read_variable over texts by parameter name, with ``_`` for ``-``."""
    named = {name.replace("_", "-"): text for name, text in texts.items()}
    return lambda _loop, name: named.get(name)


# --- the loop


@pytest.mark.parametrize(
    ("path", "name", "dag_id", "variable"),
    [
        ("/logos", "logos", "logos.training", "logos/Minimum-F1-Score"),
        ("/label-loop", "label-loop", "label-loop.training", "label-loop/Minimum-F1-Score"),
        ("/acme/logos", "acme.logos", "acme.logos.training", "acme/logos/Minimum-F1-Score"),
        ("/A_b.c-1", "A_b.c-1", "A_b.c-1.training", "A_b.c-1/Minimum-F1-Score"),
    ],
)
def test_names(path, name, dag_id, variable):
    loop = Loop(path)
    assert loop.name == name
    assert loop.dag_id("training") == dag_id
    assert loop.parameter("Minimum-F1-Score") == f"{path}/Minimum-F1-Score"
    assert loop.variable("Minimum-F1-Score") == variable


@pytest.mark.parametrize("path", ["", "/", "logos", "/logos/", "//logos", "/lo gos", "/löwe", "/a,/b", "/a\n"])
def test_what_is_no_parameter_store_path_is_no_loop(path):
    with pytest.raises(InvalidParameterError, match="parameter_paths"):
        Loop(path)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (None, ["/label-loop"]),
        ("/logos", ["/logos"]),
        ("/logos,/products", ["/logos", "/products"]),
        (" /logos/ , /products ,, /logos,", ["/logos", "/products"]),
        ("/acme/logos\n,/acme/products", ["/acme/logos", "/acme/products"]),
        ("", []),
    ],
)
def test_the_loops_come_from_the_airflow_option(monkeypatch, paths, expected):
    variable = "AIRFLOW__LABEL_LOOP__PARAMETER_PATHS"
    if paths is None:
        monkeypatch.delenv(variable, raising=False)
    else:
        monkeypatch.setenv(variable, paths)
    assert [loop.path for loop in loops()] == expected


def test_a_path_that_is_none_is_told_and_takes_no_other_loop_away(monkeypatch, caplog):
    monkeypatch.setenv("AIRFLOW__LABEL_LOOP__PARAMETER_PATHS", "/logos,products")
    assert [loop.path for loop in loops()] == ["/logos"]
    assert "'products'" in caplog.text


def test_two_paths_of_one_name_do_not_share_their_dags(monkeypatch, caplog):
    monkeypatch.setenv("AIRFLOW__LABEL_LOOP__PARAMETER_PATHS", "/a/b,/a.b,/c")
    assert [loop.path for loop in loops()] == ["/a/b", "/c"]
    assert "/a.b is left out" in caplog.text


def test_variables_are_airflows(monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_LOGOS/MINIMUM-F1-SCORE", "0.9")
    assert variable_text(LOGOS, "Minimum-F1-Score") == "0.9"
    assert setting(LOGOS, "Minimum-F1-Score") == 0.9


# --- settings in force


def test_without_anything_the_defaults_are_in_force():
    assert read_settings(LOGOS, reader()) == Settings(
        enable_automatic_training=True,
        automatic_training_poll_frequency_minutes=720,
        minimum_untrained_images=10,
        minimum_f1_score=0.8,
        minimum_inference_units=1,
        minimum_label_detection_confidence_percent=70.0,
        enable_a2i_workflow=True,
        enable_automatic_human_sampling=True,
        automatic_human_sampling_frequency_minutes=720,
        human_sampling_interval=1000,
        review_answers_per_image=1,
        review_allow_new_labels=False,
        review_instructions="Pick the label that fits the image best.",
        idle_model_stop_minutes=0,
        maximum_inference_units=0,
    )


SYNCED = json.dumps({"values": {"Minimum-F1-Score": "0.6", "Human-Sampling-Interval": "none"}, "refused": {}})


@pytest.mark.parametrize(
    ("variable", "state", "in_force"),
    [
        ("0.7", SYNCED, 0.7),
        ("0,7", SYNCED, 0.6),
        ("7", SYNCED, 0.6),
        ("", SYNCED, 0.6),
        (None, SYNCED, 0.6),
        ("0,7", None, 0.8),
        ("0,7", "", 0.8),
        ("0,7", "no json", 0.8),
        ("0,7", '{"values": {"Minimum-F1-Score": "1.5"}}', 0.8),
        ("0,7", '{"values": {"Minimum-F1-Score": null}}', 0.8),
        ("0,7", '{"values": null}', 0.8),
        ("0,7", '{"values": ["Minimum-F1-Score"]}', 0.8),
        ("0,7", '{"values": "text"}', 0.8),
        ("0,7", "[1]", 0.8),
        ("0,7", "null", 0.8),
    ],
)
def test_a_setting_falls_back_to_the_last_good_value_then_to_the_default(variable, state, in_force):
    read = reader(Minimum_F1_Score=variable, **{SYNC_STATE.replace("-", "_"): state})
    assert setting(LOGOS, "Minimum-F1-Score", read) == in_force
    assert read_settings(LOGOS, read).minimum_f1_score == in_force
    assert read_settings(LOGOS, read).human_sampling_interval == 1000


def test_one_bad_value_leaves_the_others_in_force():
    read = reader(Minimum_F1_Score="x", Human_Sampling_Interval="7", Enable_A2I_Workflow="No")
    in_force = read_settings(LOGOS, read)
    assert (in_force.minimum_f1_score, in_force.human_sampling_interval) == (0.8, 7)
    assert in_force.enable_a2i_workflow is False


def test_each_parameter_reaches_its_own_field():
    other = {
        "Enable-Automatic-Training": ("false", False),
        "Automatic-Training-Poll-Frequency": ("11", 11),
        "Minimum-Untrained-Images": ("12", 12),
        "Minimum-F1-Score": ("0.13", 0.13),
        "Minimum-Inference-Units": ("4", 4),
        "Minimum-Label-Detection-Confidence": ("15", 15.0),
        "Enable-A2I-Workflow": ("off", False),
        "Enable-Automatic-Human-Sampling": ("no", False),
        "Automatic-Human-Sampling-Frequency": ("18", 18),
        "Human-Sampling-Interval": ("19", 19),
        "Review-Answers-Per-Image": ("3", 3),
        "Review-Allow-New-Labels": ("yes", True),
        "Review-Instructions": ("Look twice.", "Look twice."),
        "Idle-Model-Stop-Minutes": ("20", 20),
        "Maximum-Inference-Units": ("5", 5),
    }
    in_force = read_settings(LOGOS, lambda _loop, name: other.get(name, (None,))[0])
    assert {name: getattr(in_force, FIELDS[name]) for name in PARAMETERS} == {
        name: value for name, (_, value) in other.items()
    }


@given(text=st.none() | st.text(), state=st.none() | st.text() | ARBITRARY_JSON.map(json.dumps))
def test_reading_settings_never_raises(text, state):
    read_settings(LOGOS, lambda _loop, name: state if name == SYNC_STATE else text)


def test_a_sync_state_nested_too_deep_counts_as_none():
    assert parse_sync_state(DEEP) == {}
    assert setting(LOGOS, "Minimum-F1-Score", lambda *_: DEEP) == 0.8


# --- the system record


@pytest.mark.parametrize("text", [None, "", "no json", "[]", "null", '"text"', "7", DEEP])
def test_a_record_that_is_none_says_what_to_do(text):
    with pytest.raises(LoopNotSetUpError, match=r"/logos.*provisioning /logos"):
        SystemRecord.parse(LOGOS, text)


def test_the_samples_record_is_adopted_as_it_is():
    record = SystemRecord.parse(
        LOGOS,
        json.dumps(
            {
                "s3_bucket": "bucket",
                "rekognition_project_arn": "arn:project",
                "sns-topic": "arn:topic",
                "dynamodb_table": "table",
                "rekognition_project_version_arn": "arn:version",
                "previous_trained_images": 120,
                "something-else": {"kept": True},
            }
        ),
    )
    assert (record.bucket, record.project_arn, record.topic_arn) == ("bucket", "arn:project", "arn:topic")
    assert (record.endpoint_arn, record.previous_trained_images) == ("arn:version", 120)
    assert record.require("dynamodb_table") == "table"
    assert record.values["something-else"] == {"kept": True}
    assert (record.uploads_queue_url, record.answers_queue_url) == (None, None)
    assert record.last_training_attempt is None


@pytest.mark.parametrize("value", ["missing", "", None, 0, False, [], {}, ["bucket"], 12])
def test_a_missing_empty_or_odd_value_is_missing(value):
    values = {} if value == "missing" else dict.fromkeys(("s3_bucket", "rekognition_project_version_arn"), value)
    record = SystemRecord(LOGOS, values)
    assert record.endpoint_arn is None
    with pytest.raises(LoopNotSetUpError, match=f"{SYSTEM_RECORD} has no 's3_bucket'"):
        _ = record.bucket


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (12, 12), ("12", 12), (0, 0), ("0", 0), ("", 0), (None, 0), ("-1", 0), (-1, 0), ("²", 0), ("1,000", 0),
        (1.5, 0), ([], 0), ({}, 0), (True, 0), ("many", 0), ("9" * 5000, 0),
    ],
)  # fmt: skip
def test_previous_trained_images_is_a_count_whatever_the_sample_left(value, count):
    assert SystemRecord(LOGOS, {"previous_trained_images": value}).previous_trained_images == count
    assert SystemRecord(LOGOS, {}).previous_trained_images == 0


@pytest.mark.parametrize("value", [None, "", [], "v1", 7])
def test_an_odd_training_attempt_is_none(value):
    assert SystemRecord(LOGOS, {"last_training_attempt": value}).last_training_attempt is None


def test_a_training_attempt_is_found_again():
    attempt = TrainingAttempt("v", "m", 1, "f", "t")
    text = json.dumps({"last_training_attempt": attempt.to_json()})
    assert TrainingAttempt.from_json(SystemRecord.parse(LOGOS, text).last_training_attempt) == attempt


@given(values=st.dictionaries(st.text(max_size=10), ARBITRARY_JSON))
def test_any_json_object_is_a_record_that_can_be_asked(values):
    record = SystemRecord.parse(LOGOS, json.dumps(values))
    assert record.values.keys() == values.keys()
    assert record.previous_trained_images >= 0
    assert record.get("s3_bucket") in (None, values.get("s3_bucket"))


@pytest.mark.parametrize(
    ("text", "price"),
    [(None, 4.0), ("2.5", 2.5), ("0", 0.0), ("4,0", 4.0), ("-1", 4.0), ("nan", 4.0), ("inf", 4.0), ("", 4.0)],
)
def test_the_price_of_an_inference_unit_is_an_option_and_a_bad_one_is_told(monkeypatch, caplog, text, price):
    if text is not None:
        monkeypatch.setenv("AIRFLOW__LABEL_LOOP__INFERENCE_UNIT_USD_PER_HOUR", text)
    assert inference_unit_usd_per_hour() == price
    assert ("must be a number" in caplog.text) == (text in {"4,0", "-1", "nan", "inf", ""})
