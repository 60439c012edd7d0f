"""When a folder is listed for what no event told of, and which objects are looked at."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.reconciliation import (
    BETWEEN_LISTINGS,
    FROM_THE_BEGINNING,
    GRACE,
    LOOK_BACK,
    next_listing,
    window,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_all_of_a_folder_is_due_at_once():
    at = next_listing(FROM_THE_BEGINNING)
    assert at is not None
    assert at < NOW
    assert window(FROM_THE_BEGINNING, NOW).has(datetime(2006, 3, 14, tzinfo=UTC))


def test_a_listing_is_due_an_hour_after_the_last_one():
    seen = window(FROM_THE_BEGINNING, NOW).until.isoformat()
    assert next_listing(seen) == NOW + BETWEEN_LISTINGS


@pytest.mark.parametrize("seen", [None, "", "yesterday"])
def test_a_loop_that_never_began_is_not_listed(seen):
    assert next_listing(seen) is None


def test_what_has_just_come_may_still_be_told_of():
    assert not window(FROM_THE_BEGINNING, NOW).has(NOW - GRACE + timedelta(seconds=1))
    assert window(FROM_THE_BEGINNING, NOW).has(NOW - GRACE)


def test_an_upload_that_took_long_is_dated_by_its_start():
    seen = (NOW - timedelta(hours=1)).isoformat()
    assert window(seen, NOW).has(NOW - timedelta(hours=1) - LOOK_BACK + timedelta(seconds=1))
    assert not window(seen, NOW).has(NOW - timedelta(hours=1) - LOOK_BACK)


@given(st.lists(st.integers(min_value=0, max_value=100_000), min_size=1), st.integers(0, 100_000))
def test_no_object_falls_between_two_listings(minutes: list[int], age: int):
    moment = NOW + timedelta(minutes=age)
    seen, found = FROM_THE_BEGINNING, False
    for gap in [*minutes, age + 100_000]:
        now = (next_listing(seen) or NOW) if seen != FROM_THE_BEGINNING else NOW
        looked_at = window(seen, now + timedelta(minutes=gap))
        found |= looked_at.has(moment)
        seen = looked_at.until.isoformat()
    assert found
