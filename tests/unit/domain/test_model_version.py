"""What is recorded of a version: each decision once, and read back as it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON

from label_loop.domain.model_version import Decision, ModelVersion, Pairs

JUDGED = Decision("accepted", "the loop", "2026-11-30T10:00", "better on 3")
FIRST = ModelVersion(7, "version", "champion", Pairs(3, 1, 100), 0.9)


def test_a_decision_that_is_made_again_is_recorded_once_with_its_first_moment():
    once = FIRST.decided(JUDGED)
    assert once.decided(Decision("accepted", "the loop", "2026-11-30T11:00", "better on 3")) == once
    assert once.decision == JUDGED


def test_another_decision_follows_it():
    deployed = FIRST.decided(JUDGED).decided(Decision("deployed", "the loop", "2026-11-30T12:00"))
    assert [one.decision for one in deployed.decisions] == ["accepted", "deployed"]
    assert deployed.reason == "better on 3"
    assert deployed.decided(Decision("deployed", "the loop", "2026-11-30T12:00")) == deployed
    again = deployed.decided(Decision("deployed", "the loop", "2026-12-02T12:00"))  # somebody went back to it
    assert len(again.decisions) == 3


@given(
    st.builds(
        ModelVersion,
        st.integers(1, 10**6),
        st.text(),
        st.none() | st.text(),
        st.none() | st.builds(Pairs, *[st.integers(0, 10**6)] * 3),
        st.none() | st.floats(0, 1),
        st.lists(st.builds(Decision, st.text(), st.text(), st.text(), st.text())).map(tuple),
    )
)
def test_it_is_read_as_it_was_written(version):
    assert ModelVersion.from_json(version.to_json()) == version


@given(ARBITRARY_JSON)
def test_anything_else_is_none(value):
    import json

    assert ModelVersion.from_json(json.dumps(value)) is None


@pytest.mark.parametrize("text", [b"", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_none(text):
    assert ModelVersion.from_json(text) is None
