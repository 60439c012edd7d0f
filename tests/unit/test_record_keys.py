"""The keys of the system record and of the loop's state are named in one module each."""

import ast
from dataclasses import fields
from pathlib import Path

import pytest

from label_loop.loop_state import LoopState
from label_loop.payloads import ApprovalQuestion, Bake, FailedObject, LabelMinimums, TrainingAttempt
from label_loop.system_record import RecordKey

ROOT = Path(__file__).parents[2]
BEFORE = LoopState(endpoint_arn="arn", previous_trained_images=1)
AFTER = LoopState(
    endpoint_moved_at="t",
    endpoint_started_at="t",
    stopped_because="idle",
    stopping_since="t",
    outage_reported_of="arn",
    approval_question=ApprovalQuestion("v", "because", "2026-11-23T09:00:00+00:00", "hold"),
    current_bake=Bake("v", "arn", "u", "arn:u", "2026-11-23T09:00:00+00:00"),
    best_version_arn="arn",
    label_minimums=LabelMinimums("arn", {"a": 80.0}),
    numbered_version="v",
    quality_reported_on="t",
    deploying_since="t",
    last_training_attempt=TrainingAttempt("v", "m", 1, "f", "t"),
    sampling_since="t",
    sampled_until="t",
    sampled_until_id="a",
    sampling_secret="s",
    rescored_by="a",
    rescored_until="t",
    uploads_taken_over_until="t",
    uploads_seen_until="t",
    answers_seen_until="t",
    uploads_reconciled_until="t",
    answers_reconciled_until="t",
    failed_objects=(FailedObject("id", 1),),
    revision=1,
)
STATE = AFTER.changes_since(BEFORE).keys() - {"revision"}  # which reviews have, too
HOMES = {"system_record.py": set(RecordKey), "loop_state.py": STATE}
# What boto3 and the local endpoint's own records call by the same name.
SAME_NAMES = {"include/local_aws/human_review/portal.py": {"flow_definition_arn"}}


def strings(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_each_field_of_the_state_is_looked_for() -> None:
    assert len(STATE) == len(fields(LoopState)) - 1


@pytest.mark.parametrize("home", HOMES)
def test_no_other_module_names_a_key(home: str) -> None:
    files = [path for folder in ("plugins", "dags", "include", "bench") for path in (ROOT / folder).rglob("*.py")]
    found = {
        path.relative_to(ROOT).as_posix(): names
        for path in files
        if path.name != home and (names := strings(path) & HOMES[home])
    }
    assert found == {path: names for path, names in SAME_NAMES.items() if names & HOMES[home]}
