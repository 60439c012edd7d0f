"""Times as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from label_loop.console.render import ago


@pytest.mark.parametrize(
    ("from_now", "told"),
    [
        (timedelta(minutes=-59, seconds=-1), "59 min ago"),
        (timedelta(hours=-3), "3 h ago"),
        (timedelta(seconds=-1), "just now"),
        (timedelta(seconds=40), "in 1 min"),
        (timedelta(minutes=5, seconds=30), "in 5 min"),
        (timedelta(hours=11, minutes=59), "in 11 h"),
        (timedelta(days=2, hours=1), "in 2 d"),
    ],
)
def test_how_long_ago_or_ahead_a_time_is(from_now, told):
    assert ago(datetime.now(UTC) + from_now) == told
