"""Who changed what when: of every source, in one order, whatever a log holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON

from label_loop.domain.parameter_history import (
    AUDITED,
    NOTE,
    display_name,
    from_audit_log,
    from_store,
    note,
    timeline,
    with_written,
    written_by_sync,
)
from label_loop.payloads import ParameterVersion

F1 = "Minimum-F1-Score"
NAMES = {f"logos/{F1}": F1, "logos/Human-Sampling-Interval": "Human-Sampling-Interval"}
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    at: datetime | None
    event: str
    user: str
    facts: Mapping[str, Any]


def entry(event, facts, at=NOON):
    return Entry(at, event, "ann", facts)


def test_a_note_tells_before_and_after():
    (change,) = from_audit_log([entry(NOTE, note(F1, f"logos/{F1}", "0.8", "0.9"))], NAMES)
    assert (change.who, change.name, change.before, change.after, change.by_sync) == ("ann", F1, "0.8", "0.9", False)
    (first,) = from_audit_log([entry(NOTE, note(F1, f"logos/{F1}", None, "0.9"))], NAMES)
    assert (first.before, first.after) == (None, "0.9")


@pytest.mark.parametrize(
    ("event", "extra", "names"),
    [
        ("patch_variable", {"key": f"logos/{F1}", "value": "***", "method": "PATCH"}, [F1]),
        ("post_variable", {"key": f"logos/{F1}", "value": "***", "method": "POST"}, [F1]),
        ("delete_variable", {"variable_key": f"logos/{F1}", "method": "DELETE"}, [F1]),
        (
            "bulk_variables",
            {
                "actions": [
                    {"action": "create", "entities": [{"key": f"logos/{F1}", "value": "***"}, {"key": "other"}]},
                    {"action": "delete", "entities": ["logos/Human-Sampling-Interval"]},
                ]
            },
            ["Human-Sampling-Interval", F1],
        ),
        ("patch_variable", {"key": f"products/{F1}"}, []),
        ("patch_variable", {"key": f"logos/{F1}2"}, []),
        ("patch_variable", {}, []),
    ],
)
def test_airflows_own_entries_tell_who_and_never_a_value(event, extra, names):
    changes = from_audit_log([entry(event, extra)], NAMES)
    assert [change.name for change in changes] == names
    assert all((change.before, change.after) == (None, None) and change.who == "ann" for change in changes)


@given(event=st.sampled_from(AUDITED), value=ARBITRARY_JSON)
def test_no_entry_stops_the_timeline(event, value):
    for facts in ({"key": value}, {"actions": value}, {"actions": [value, {"entities": value}, {"entities": [value]}]}):
        from_audit_log([entry(event, facts)], NAMES)
    assert from_audit_log([entry(event, {"key": f"logos/{F1}"}, at=None)], NAMES) == []


def test_the_versions_of_the_store_tell_before_and_after_and_which_are_copies():
    def version(number, text):
        return ParameterVersion(number, NOON + timedelta(minutes=number), "arn:aws:iam::1:user/bob", text)

    changes = from_store(F1, [version(3, "0.7"), version(2, "0.9"), version(1, "0.8")], [3])
    assert [(change.before, change.after) for change in changes] == [("0.9", "0.7"), ("0.8", "0.9"), (None, "0.8")]
    assert [(change.who, change.by_sync) for change in changes] == [
        ("parameter_sync", True),
        ("bob", False),
        ("bob", False),
    ]
    assert from_store(F1, [], []) == []


def test_the_timeline_is_newest_first_and_bounded():
    changes = from_store(F1, [ParameterVersion(n, NOON + timedelta(n), "x", str(n)) for n in (1, 3, 2)], [])
    assert [change.after for change in timeline(changes, 2)] == ["3", "2"]


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::123456789012:user/ann", "ann"),
        ("arn:aws:iam::123456789012:user/team/vision/ann", "ann"),
        ("arn:aws:iam::123456789012:root", "root of 123456789012"),
        ("arn:aws:sts::123456789012:assumed-role/mwaa-role/AmazonMWAA-airflow", "AmazonMWAA-airflow (mwaa-role)"),
        (
            "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_PowerUser_0123456789abcdef/ann@example.com",
            "ann@example.com (PowerUser)",
        ),
        ("arn:aws-cn:iam::123456789012:user/ann", "ann"),
        ("N/A", "N/A"),
        ("", "unknown"),
        ("arn:aws:iam", "arn:aws:iam"),
    ],
)
def test_an_arn_is_shortened_to_what_people_recognize(arn, name):
    assert display_name(arn) == name


def test_what_the_sync_wrote_is_kept_bounded_and_forgotten_with_the_parameter():
    state = {"written": with_written({}, {F1: 2, "other": 1})}
    state = {"written": with_written(state, {F1: 5})}
    assert written_by_sync(state) == {F1: [2, 5], "other": [1]}
    # deleted and written anew: versions begin again
    assert with_written(state, {F1: 1}) == {F1: [1], "other": [1]}
    for version in range(1, 300):
        state = {"written": with_written(state, {F1: version})}
    assert written_by_sync(state)[F1] == list(range(200, 300))


@given(state=ARBITRARY_JSON)
def test_an_edited_state_is_no_reason_to_fail(state):
    with_written({"written": state}, {F1: 1})
    with_written({"written": {F1: state}}, {F1: 1})
