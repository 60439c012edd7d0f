"""Blocks of the log and what is drawn of them: the same however the index orders ties and whatever is interrupted."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_loop.domain.sampling import Block, Position, closed_blocks, drawn_chance, is_drawn

START = Position("2026-01-01T00:00:00.000000+00:00", "")
ALIKE = {"after": START, "until": "2027", "taken": {}, "secret": "s"}


def at(second, id_):
    return Position(f"2026-11-23T09:00:{second:02d}.000000+00:00", id_)


# Few timestamps, so that ties are the rule.
LOGS = st.lists(st.builds(at, st.integers(0, 4), st.text("abcdef", min_size=1, max_size=3)), unique=True).map(sorted)


@st.composite
def as_the_index_gives(draw, log):
    """Return the log in its order of time, in any order among ties."""
    keys = {position: draw(st.integers(0, 9)) for position in log}
    return sorted(log, key=lambda position: (position.detected_at, keys[position]))


def blocks(positions, length, **others):
    return list(closed_blocks(positions, length=length, **{**ALIKE, **others}))


def log_of(count):
    return [Position(f"2026-11-{n:06d}", f"id-{n}") for n in range(count)]


@pytest.mark.parametrize("length", [1, 2, 3, 50, 101, 1000])
def test_each_block_follows_the_last_and_has_one_of_its_own(length):
    log = log_of(1000)
    found = blocks(log, length)
    assert [block.end for block in found] == log[length - 1 :: length]
    for number, block in enumerate(found):
        own = {position.detection_id for position in log[number * length : (number + 1) * length]}
        assert block.drawn_id in own
        assert block.length == length


def test_each_detection_of_a_block_is_as_likely_to_be_drawn():
    log = log_of(5)
    drawn = Counter(blocks(log, 5, secret=str(n))[0].drawn_id for n in range(5000))
    # 1,000 each; the standard deviation is 28.
    assert all(850 < drawn[position.detection_id] < 1150 for position in log)


def test_which_is_drawn_depends_on_the_secret():
    log = log_of(300)
    one, other = ([block.drawn_id for block in blocks(log, 10, secret=secret)] for secret in ("a", "b"))
    assert sum(a == b for a, b in zip(one, other, strict=True)) < 12  # 3 by chance


def test_a_block_is_open_until_its_last_detection_is_old_enough():
    log = [at(1, "a"), at(2, "b"), at(3, "c"), at(4, "d"), at(5, "e")]
    assert [block.end for block in blocks(log, 2)] == [at(2, "b"), at(4, "d")]
    assert [block.end for block in blocks(log, 2, until=at(3, "").detected_at)] == [at(2, "b")]
    assert blocks(log, 2, until=at(1, "").detected_at) == []
    assert blocks(log, 6) == []


def test_nothing_in_nothing_out():
    assert blocks([], 1) == []


def test_what_is_at_or_before_the_position_does_not_count():
    log = [at(1, "a"), at(1, "b"), at(1, "c"), at(2, "a")]
    assert [block.drawn_id for block in blocks(log, 1, after=at(1, "b"))] == ["c", "a"]
    assert blocks(log, 1, after=at(2, "a")) == []


def test_any_number_of_detections_is_read_as_it_comes():
    read = []

    def endless():
        for second in range(60):
            read.append(second)
            yield at(second, "a")

    found = closed_blocks(endless(), length=3, **ALIKE)
    assert next(found).end == at(2, "a")
    assert len(read) < 6


@given(data=st.data(), log=LOGS, length=st.integers(1, 7))
def test_the_order_within_ties_does_not_matter(data, log, length):
    assert blocks(data.draw(as_the_index_gives(log)), length) == blocks(log, length)


@given(log=LOGS, lengths=st.lists(st.integers(1, 4), min_size=1, max_size=4), seen=st.lists(st.integers(0, 30)))
def test_a_log_that_grows_between_runs_is_sampled_as_if_it_had_been_there(log, lengths, seen):
    """Each run goes on after the last block, at its own length."""
    after, drawn = START, []
    for length, count in zip(lengths, sorted(seen), strict=False):
        for block in blocks(log[:count], length, after=after):
            rows = [position for position in log if after < position <= block.end]
            assert len(rows) == block.length == length
            assert block.drawn_id in {position.detection_id for position in rows}
            drawn.append(block)
            after = block.end
    assert sum(block.length for block in drawn) == sum(position <= after for position in log)


@given(log=LOGS, before=st.integers(1, 4), now=st.integers(1, 7), marked=st.integers(0, 30))
def test_an_interrupted_run_is_completed_as_it_began_whatever_the_length_is_by_now(log, before, now, marked):
    begun = blocks(log, before)
    taken = {}
    for number, block in enumerate(begun[:marked]):
        own = log[number * before : (number + 1) * before]
        (drawn,) = [position for position in own if position.detection_id == block.drawn_id][:1]
        taken[drawn] = block.length
    found = blocks(log, now, taken=taken)
    again = [Block(block.length, block.end, None) for block in begun[: len(taken)]]
    assert found[: len(again)] == again
    rest = log[len(again) * before :]
    after = again[-1].end if again else START
    assert found[len(again) :] == blocks(rest, now, after=after)


def test_without_a_budget_three_of_ten_that_need_review_are_drawn():
    assert drawn_chance() == 0.3
    drawn = sum(is_drawn(f"id-{n}", 0.3, "s") for n in range(10_000))
    assert 2860 < drawn < 3140  # three standard deviations


@pytest.mark.parametrize(
    ("budget", "unsure", "chance"),
    [(50, 300.0, 0.05), (50, 0.0, 0.3), (0, 300.0, 0.3), (1000, 100.0, 1.0), (1, 1e9, 0.0001)],
)
def test_drawn_ones_take_up_three_tenths_of_a_budget(budget, unsure, chance):
    assert drawn_chance(budget, unsure) == chance


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_chance_of_one_draws_all_and_a_greater_one_draws_no_less(id_, secret):
    assert is_drawn(id_, 1.0, secret)
    drawn = [is_drawn(id_, chance / 10, secret) for chance in range(11)]
    assert drawn == sorted(drawn)


def test_the_two_draws_are_independent():
    ids = [f"id-{n}" for n in random.Random(7).sample(range(10**6), 20_000)]
    sampled = {block.drawn_id for block in blocks([Position("", id_) for id_ in ids], 10, after=Position("", ""))}
    both = sum(is_drawn(id_, 0.3, "s") for id_ in sampled)
    assert 540 < both < 660  # of 2,000; three standard deviations
