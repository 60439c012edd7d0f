"""JSON from outside: read, or refused with a reason for people."""

import pytest

from label_loop.domain.json_text import read_json


@pytest.mark.parametrize(("text", "value"), [('{"a": [1, {"a": 2}]}', {"a": [1, {"a": 2}]}), (b"[]", []), ("1", 1)])
def test_json_is_read(text, value):
    assert read_json(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 10_000 + "]" * 10_000, "nested too deeply"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "nested too deeply"),
        ('{"a": 1, "b": 2, "a": 1}', "names 'a' more than once"),
        ('[{"x": {"a": 1, "a": 2}}]', "names 'a' more than once"),
        (b"\xff\xfe\x00", "it is not utf-16"),
        (b"\xff", "it is not utf-8"),
        ("", "Expecting value"),
        ("9" * 5_000, "4300 digits"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_all_else_is_refused_with_a_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        read_json(text)
