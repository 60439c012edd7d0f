"""The numbers of versions are in their names: given once, and never to another version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.training import version_name
from label_loop.domain.version_numbers import display_name, number_of, numbered_name, short_name

NAME = version_name("0123456789abcdef", "scheduled")
OTHER = version_name("0123456789abcdef", "manual")


def test_a_new_version_has_the_next_number_and_keeps_it():
    first = numbered_name(NAME, [], 0)
    assert (first, number_of(first)) == (f"{NAME}-v1", 1)
    assert numbered_name(NAME, ["by-hand", first], 41) == first
    assert numbered_name(OTHER, [first], 41) == f"{OTHER}-v42"


def test_the_number_comes_first():
    assert display_name(f"{NAME}-v7") == f"v7 ({NAME}-v7)"
    assert short_name(f"{NAME}-v7") == "v7"


@pytest.mark.parametrize(
    "name", ["v1", "by-hand-v7", NAME, f"{NAME}-v0", f"{NAME}-v07", f"{NAME}-v7\n", f"x{NAME}-v7", ""]
)
def test_other_names_stay_as_they_are(name):
    assert number_of(name) is None
    assert display_name(name) == short_name(name) == name


@given(st.integers(min_value=0, max_value=10**8), st.text())
def test_a_number_can_be_read_back(newest, run_id):
    name = numbered_name(version_name("0123456789abcdef", run_id), [], newest)
    assert number_of(name) == newest + 1
    assert len(name) <= 255
