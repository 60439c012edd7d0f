"""What reading an object found, kept by its ETag."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain import training_verdicts
from label_loop.domain.training_images import Verdict
from label_loop.domain.training_verdicts import parse, to_json


@given(
    verdicts=st.dictionaries(
        st.text("0123456789abcdef-", max_size=4), st.builds(Verdict, st.text("abc"), st.text("xyz ü"))
    )
)
def test_verdicts_come_back(verdicts):
    assert parse(to_json(verdicts)) == verdicts


@pytest.mark.parametrize(
    "text", [b"", b"{", b"null", b"[]", b'{"rules": 1}', b'{"rules": 1, "verdicts": {"e": 7}}', b"\xff", b"[" * 200_000]
)
def test_an_unreadable_file_says_nothing(text):
    assert parse(text) == {}


def test_verdicts_by_other_rules_say_nothing(monkeypatch):
    text = to_json({"e": Verdict("c", "too small")})
    monkeypatch.setattr(training_verdicts, "_RULES", training_verdicts._RULES + 1)
    assert parse(text) == {}
