from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.pictures import FEWEST_PER_LABEL, Cast, Shares, cast, shares_for
from sample_images.digits import Picture


def _pictures(counts: dict[str, int]) -> list[Picture]:
    return [Picture(f"{label}-{n}.png", label, b"") for label, count in counts.items() for n in range(count)]


_COUNTS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.integers(FEWEST_PER_LABEL, 60), min_size=2, max_size=8
)


@given(_COUNTS)
def test_every_part_has_pictures_and_none_plays_two(counts: dict[str, int]) -> None:
    shares = shares_for(counts)
    parts = cast(_pictures(counts), shares)
    played = [picture.name for picture in chain(parts.labelled, parts.testing, parts.uploads, parts.later)]
    assert len(played) == len(set(played))
    assert Counter(p.label for p in parts.labelled) == dict.fromkeys(counts, shares.labelled)
    assert Counter(p.label for p in parts.testing) == dict.fromkeys(counts, shares.testing)
    assert len(parts.uploads) == shares.uploads > 0
    assert len(parts.later) == shares.later > 0
    assert (shares.uploads + shares.later) // parts.sampling_interval >= 6


def test_many_pictures_are_cut_to_what_takes_minutes() -> None:
    assert shares_for(dict.fromkeys("abcdefghij", 400)) == Shares(10, 20, 300, 100)


def test_what_is_uploaded_is_mixed_and_always_the_same() -> None:
    pictures = _pictures({"a": 40, "b": 40})
    shares = Shares(2, 5, 30, 10)
    first, second = cast(pictures, shares), cast(pictures, shares)
    assert first == second
    assert len({picture.label for picture in first.uploads[:15]}) == 2


@pytest.mark.parametrize(("uploads", "later", "interval"), [(300, 100, 50), (11, 3, 2), (4, 1, 1)])
def test_the_sampling_interval_leaves_samples(uploads: int, later: int, interval: int) -> None:
    pictures = _pictures({"a": uploads + later})
    assert Cast([], [], pictures[:uploads], pictures[uploads:]).sampling_interval == interval
