"""A loop's Variables, and the settings in force that they make."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON

from label_loop.loop import Loop
from label_loop.parameters import FIELDS, PARAMETERS, ApproveDeployments, Settings
from label_loop.variables import SYNC_STATE, parse_sync_state, read_settings, setting, variable_text

LOGOS = Loop("/logos")
DEEP = "[" * 200_000


def reader(**texts):
    """Return a read_variable over texts by parameter name, with ``_`` for ``-``."""
    named = {name.replace("_", "-"): text for name, text in texts.items()}
    return lambda _loop, name: named.get(name)


def test_variables_are_airflows(monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_LOGOS/MINIMUM-F1-SCORE", "0.9")
    assert variable_text(LOGOS, "Minimum-F1-Score") == "0.9"
    assert setting(LOGOS, "Minimum-F1-Score") == 0.9


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
        review_overlap_percent=0.0,
        review_budget_per_day=0,
        review_instructions="Pick the label that fits the image best.",
        idle_model_stop_minutes=0,
        maximum_inference_units=0,
        challenger_margin=0.02,
        minimum_test_images=100,
        test_with_human_samples=True,
        train_none_of_the_above=True,
        target_precision=0,
        approve_deployments=ApproveDeployments.WHEN_UNDECIDED,
        approval_hours=72,
        bake_hours=24,
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
        "Challenger-Margin": ("0.05", 0.05),
        "Minimum-Test-Images": ("50", 50),
        "Review-Overlap-Percent": ("10", 10.0),
        "Test-With-Human-Samples": ("off", False),
        "Train-None-Of-The-Above": ("off", False),
        "Review-Budget-Per-Day": ("30", 30),
        "Target-Precision": ("0.9", 0.9),
        "Approve-Deployments": ("Never", ApproveDeployments.NEVER),
        "Approval-Hours": ("24", 24),
        "Bake-Hours": ("48", 48),
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
