"""The order of the desk: what measures comes before what teaches, and few reviews have to be read for it."""

from collections import Counter
from itertools import islice
from random import Random

import pytest

from label_loop.domain.desk_order import (
    BEFORE_OTHERS,
    FIRST,
    LAST,
    MOST_WITHOUT_LABEL,
    OLDEST_SHARE,
    arranged,
    place,
    place_of_content,
    random_place,
)
from label_loop.domain.log_row import content_of
from label_loop.domain.review_queue import Review, ReviewerAnswer
from label_loop.payloads import NONE_OF_THE_ABOVE, ReviewTask

MD5 = "9e107d9d372bb6826bd81d3542a419d6"


def review(number: int, label: str = "cat", confidence: float = 50.0, source: str = "A2I Workflow", **task) -> Review:
    name = f"review-{number:03}"
    return Review(name, ReviewTask(name, source, f"s3://b/{number}.png", label, confidence, **task), float(number))


def order(reviews: list[Review], seed: int = 1, busy: tuple[str, ...] = ()) -> list[Review]:
    return list(arranged(reviews, iter(()), busy, Random(seed)))


def test_an_index_has_samples_first_then_drawn_ones_then_begun_ones_then_all_others():
    begun = review(3).changed(answers=(ReviewerAnswer("ann", "cat", 0.0),))
    in_order = [review(1, source="Human Sampling"), review(2, is_drawn=True), begun, review(4)]
    places = [place(one) for one in in_order]
    assert places == sorted(places)
    assert places[0] > FIRST
    assert places[2] < BEFORE_OTHERS < places[3] < LAST


def test_reviews_of_equal_content_are_neighbours_and_others_anywhere():
    assert place(review(1, content=MD5)) == place(review(2, content=MD5)) == place_of_content(review(3, content=MD5))
    assert len({place(review(number)) for number in range(100)}) == 100


def test_a_random_place_is_among_the_others():
    places = [random_place(Random(seed)) for seed in range(200)]
    assert all(BEFORE_OTHERS <= one < LAST for one in places)
    assert {one[0] for one in places} == set("0123456789abcdef")


@pytest.mark.parametrize(
    ("etag", "content"), [(MD5, MD5), (f"{MD5}-2", ""), ("", ""), (MD5.upper(), ""), (f"{MD5}\n", "")]
)
def test_only_a_digest_of_the_content_identifies_it(etag, content):
    assert content_of(etag) == content


def test_each_comes_once_and_the_less_sure_half_first():
    reviews = [review(number, confidence=float(number)) for number in range(40)]
    arranged_ = order(reviews)
    assert sorted(one.name for one in arranged_) == [one.name for one in reviews]
    assert {one.name for one in arranged_[:20]} == {one.name for one in reviews[:20]}
    assert [one.name for one in arranged_] != [one.name for one in order(reviews, seed=2)]
    assert arranged_ == order(reviews)


def test_of_equal_content_one_comes_and_none_that_somebody_is_looking_at():
    reviews = [review(number, content=f"{number % 4:032x}") for number in range(20)]
    assert len(order(reviews)) == 4
    assert len(order(reviews, busy=(f"{0:032x}", f"{1:032x}"))) == 2


def test_one_in_ten_is_the_oldest():
    reviews = [review(number, confidence=float(number % 50)) for number in range(2000)]
    old = [review(5000 + number) for number in range(2000)]
    taken = list(islice(arranged(reviews, iter(old), (), Random(7)), 1000))
    oldest = [one for one in taken if one.created_at >= 5000]
    assert oldest == old[: len(oldest)]
    assert abs(len(oldest) - 1000 * OLDEST_SHARE) < 30


@pytest.mark.parametrize("none", ["", NONE_OF_THE_ABOVE])
def test_of_those_without_a_label_no_more_than_their_share_come(none):
    reviews = [review(number, label=none if number % 2 else "cat") for number in range(2000)]
    taken = Counter(one.task.label for one in islice(arranged(reviews, iter(()), (), Random(7)), 400))
    assert taken[none] / 400 < MOST_WITHOUT_LABEL + 0.05
    assert len(order([review(number, label=none) for number in range(5)])) == 5
