"""Which version may serve, and which only costs."""

from dataclasses import replace

import pytest
from hypothesis import given
from tests.testing.settings import DEFAULTS
from tests.unit.strategies import HOSTILE_TEXT

from label_loop.domain.deployment import InferenceUnits, decide_deployment, passes_gate, status_label, versions_to_stop
from label_loop.exceptions import VersionNotDeployableError
from label_loop.payloads import ProjectVersion

STATES = (
    "TRAINING_IN_PROGRESS", "TRAINING_COMPLETED", "TRAINING_FAILED", "STARTING", "RUNNING", "FAILED", "STOPPING",
    "STOPPED", "DELETING", "COPYING_IN_PROGRESS", "COPYING_COMPLETED", "COPYING_FAILED", "DEPRECATED", "EXPIRED",
)  # fmt: skip


@pytest.mark.parametrize(
    ("f1_score", "minimum", "passes"),
    [
        (0.8, 0.8, True),
        (0.81, 0.8, True),
        (0.7999, 0.8, False),
        (1.0, 1.0, True),
        (0.0, 0.0, True),
        (None, 0.0, False),
        (None, 0.8, False),
        (float("nan"), 0.0, False),
    ],
)
def test_the_gate_is_at_or_above_the_minimum(f1_score, minimum, passes):
    assert passes_gate(f1_score, minimum) is passes


@pytest.mark.parametrize("minimum", range(1, 6))
@pytest.mark.parametrize("maximum", range(6))
def test_units_scale_only_to_a_maximum_above_the_minimum(minimum, maximum):
    units = InferenceUnits.of(minimum, maximum)
    assert (units.minimum, units.maximum) == (minimum, maximum if maximum > minimum else None)
    assert bool(units.problem) is (0 < maximum < minimum)
    if units.problem:
        assert f"Maximum-Inference-Units ({maximum}) is below Minimum-Inference-Units ({minimum})" in str(units)


@pytest.mark.parametrize("status", STATES)
def test_only_what_costs_and_does_not_serve_is_stopped(status):
    version = ProjectVersion("arn:1", "1", status)
    costs = status in ("STARTING", "RUNNING")
    assert versions_to_stop([version], "arn:2") == ([version] if costs else [])
    assert versions_to_stop([version], None) == ([version] if costs else [])
    assert versions_to_stop([version], "arn:1") == []


def test_all_that_only_cost_are_stopped_whoever_started_them():
    versions = [ProjectVersion(f"arn:{n}", str(n), "RUNNING") for n in range(4)]
    assert versions_to_stop(iter(versions), "arn:2") == [versions[0], versions[1], versions[3]]


def test_a_version_that_is_about_to_serve_is_kept_beside_the_one_that_does():
    versions = [ProjectVersion(f"arn:{n}", str(n), "RUNNING") for n in range(3)]
    assert versions_to_stop(versions, "arn:0", "arn:2") == [versions[1]]


# --- a version chosen by hand

DEPLOYABLE = ("TRAINING_COMPLETED", "STOPPED", "RUNNING", "STARTING")


def version(name, status="STOPPED", f1_score=0.9):
    return ProjectVersion(f"arn:{name}", name, status, f1_score=f1_score)


@pytest.mark.parametrize("status", STATES)
def test_what_is_trained_or_runs_can_be_deployed_and_nothing_else(status):
    versions = [version("v3", "RUNNING"), version("v2", status), version("v1")]
    if status in DEPLOYABLE:
        decision = decide_deployment("v2", versions, "arn:v3", DEFAULTS)
        assert (decision.action, decision.version_name) == ("deploy", "v2")
        return
    with pytest.raises(VersionNotDeployableError) as caught:
        decide_deployment("v2", versions, "arn:v3", DEFAULTS)
    assert f"'v2' is {status_label(status)}" in str(caught.value)
    assert str(caught.value).endswith("newest first: v3, v1.")


@given(name=HOSTILE_TEXT)
def test_an_unknown_version_is_refused_and_names_the_ones_there_are(name):
    with pytest.raises(VersionNotDeployableError, match="is not a version of this project") as caught:
        decide_deployment(name + "?", [version(f"v{n}") for n in range(25, 0, -1)], None, DEFAULTS)
    assert "v25, v24" in str(caught.value)
    assert str(caught.value).endswith("v16 and 15 more.")
    assert len(str(caught.value)) < 400


def test_without_any_version_there_is_a_way_out():
    with pytest.raises(VersionNotDeployableError, match="train one first"):
        decide_deployment("v1", [], None, DEFAULTS)


@pytest.mark.parametrize(("status", "action"), [("RUNNING", "none"), ("STARTING", "deploy"), ("STOPPED", "deploy")])
def test_the_serving_version_is_left_alone_or_started_again(status, action):
    assert decide_deployment("v1", [version("v1", status, f1_score=0.1)], "arn:v1", DEFAULTS).action == action


@pytest.mark.parametrize(
    ("f1_score", "words"),
    [
        (0.9, "with F1 0.900"),
        (0.61, "F1 0.610, below the minimum of 0.8"),
        (None, "without an F1 score"),
    ],
)
def test_a_person_may_deploy_what_the_gate_refused_and_is_told(f1_score, words):
    decision = decide_deployment("v1", [version("v1", f1_score=f1_score)], "arn:v2", DEFAULTS)
    assert decision.action == "deploy"
    assert words in decision.reason
    assert ("requested by hand" in decision.reason) == (f1_score != 0.9)


# --- a version that runs with other units than the parameters say

SERVING = replace(version("v2", "RUNNING"), inference_units=1)
THREE_UNITS = replace(DEFAULTS, minimum_inference_units=3)


@pytest.mark.parametrize(
    ("settings", "serving"),
    [
        (DEFAULTS, SERVING),
        (THREE_UNITS, replace(SERVING, inference_units=3)),
        (replace(DEFAULTS, maximum_inference_units=4), replace(SERVING, maximum_inference_units=4)),
        (THREE_UNITS, replace(SERVING, inference_units=None)),  # not known
    ],
)
def test_nothing_is_said_of_units_that_are_as_asked_or_unknown(settings, serving):
    assert decide_deployment("v2", [serving, version("v1")], "arn:v2", settings).reason == "it already serves"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (THREE_UNITS, "runs with 1 inference unit(s), and the parameters say 3 inference unit(s)"),
        (replace(DEFAULTS, maximum_inference_units=4), "the parameters say 1 to 4 inference units"),
    ],
)
def test_other_units_are_told_with_the_way_that_has_no_gap_and_its_cost(settings, words):
    versions = [version("v3", "TRAINING_FAILED"), SERVING, version("v1", f1_score=0.7), version("v0")]
    decision = decide_deployment("v2", versions, "arn:v2", settings)
    assert decision.action == "none"
    assert words in decision.reason
    assert "deploy v0 (F1 0.900), then v2 again" in decision.reason
    assert "pays for two running versions" in decision.reason


def test_without_a_version_to_serve_meanwhile_the_gap_is_told():
    decision = decide_deployment("v2", [SERVING, version("v1", f1_score=0.7)], "arn:v2", THREE_UNITS)
    assert "no other version reaches the minimum F1 score of 0.8" in decision.reason
    assert "stop the model and start v2 again. Uploads wait until it runs" in decision.reason
