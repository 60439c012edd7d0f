"""Human samples: each n-th detection exactly, in the log's order, whatever way the index gives ties."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.sampling import Position, every_nth

START = Position("2026-01-01T00:00:00.000000+00:00", "")


def at(second, id_):
    return Position(f"2026-11-23T09:00:{second:02d}.000000+00:00", id_)


# Few timestamps, so that ties are the rule.
LOGS = st.lists(st.builds(at, st.integers(0, 4), st.text("abcdef", min_size=1, max_size=3)), unique=True).map(sorted)


@st.composite
def as_the_index_gives(draw, log):
    """Return the log in its order of time, in any order among ties."""
    keys = {position: draw(st.integers(0, 9)) for position in log}
    return sorted(log, key=lambda position: (position.detected_at, keys[position]))


def sample(positions, interval, after=START):
    return list(every_nth(positions, after=after, interval=interval))


@pytest.mark.parametrize("interval", [1, 2, 3, 50, 100, 101, 1000])
def test_each_nth_exactly(interval):
    log = [Position(f"{n:04d}", str(n)) for n in range(1, 1001)]
    chosen = sample(log, interval, after=Position("", ""))
    assert [int(position.detection_id) for position in chosen] == list(range(interval, 1001, interval))


def test_twenty_samples_of_a_thousand_even_when_all_timestamps_tie():
    log = [at(1, f"{n:04d}") for n in range(1000)]
    shuffled = random.Random(7).sample(log, len(log))
    assert sample(shuffled, 50) == log[49::50]
    assert len(sample(shuffled, 50)) == 20


def test_nothing_in_nothing_out():
    assert sample([], 1) == []


def test_what_is_at_or_before_the_position_does_not_count():
    log = [at(1, "a"), at(1, "b"), at(1, "c"), at(2, "a")]
    assert sample(log, 1, after=at(1, "b")) == [at(1, "c"), at(2, "a")]
    assert sample(log, 2, after=at(1, "b")) == [at(2, "a")]
    assert sample(log, 1, after=at(2, "a")) == []


def test_any_number_of_detections_is_read_as_it_comes():
    read = []

    def endless():
        for second in range(60):
            read.append(second)
            yield at(second, "a")

    assert next(every_nth(endless(), after=START, interval=3)) == at(2, "a")
    assert len(read) < 6


@given(data=st.data(), log=LOGS, interval=st.integers(1, 7))
def test_the_order_within_ties_does_not_matter(data, log, interval):
    given_order = data.draw(as_the_index_gives(log))
    assert sample(given_order, interval) == log[interval - 1 :: interval]


@given(data=st.data(), log=LOGS, interval=st.integers(1, 4))
def test_going_on_after_the_last_sampled_chooses_as_one_run_over_all(data, log, interval):
    """The log grows between runs, the index forgets what was sampled, and ties are cut anywhere."""
    in_one_run = sample(log, interval)
    chosen, after = [], START
    for seen in [*sorted(data.draw(st.lists(st.integers(0, len(log)), max_size=4))), len(log)]:
        unsampled = [position for position in log[:seen] if position not in chosen]
        since = [position for position in unsampled if position.detected_at >= after.detected_at]
        new = sample(data.draw(as_the_index_gives(since)), interval, after=after)
        chosen += new
        after = chosen[-1] if chosen else START
    assert chosen == in_one_run


@given(log=LOGS, interval=st.integers(1, 7), cut=st.integers(0, 30))
def test_a_start_in_the_middle_counts_from_there(log, interval, cut):
    after = log[min(cut, len(log) - 1)] if log else START
    rest = [position for position in log if position > after]
    assert sample(log, interval, after=after) == rest[interval - 1 :: interval]
