"""The order in which reviewers get open reviews, and where an index keeps each so that few of them have to be read.

Human samples come first, then unsure detections that were drawn at random: how good the model is can be said only of
what is answered whatever it shows. Then what another person has begun. All others teach the model; which of them teach
most is measured in ``bench/labelling.py``.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from random import Random

from label_loop.domain.labels import is_none_of_the_above
from label_loop.domain.review_queue import Review
from label_loop.payloads import SAMPLING_SOURCE, ReviewTask

OLDEST_SHARE = 0.1
"""How often the oldest one comes, so that none waits for ever."""
MOST_WITHOUT_LABEL = 0.3
"""How often at most one comes of which the model says that no label fits: most of them teach nothing."""
_PLACE_DIGITS = 16
FIRST, BEFORE_OTHERS, LAST = "!", "0", "~"
"""Places before all reviews; after all that come first and before all others; and after all."""


def place(review: Review) -> str:
    """Return the start of the key by which an index sorts open reviews.

    Those that come first are at its beginning. All others are in an order without meaning, so that a page read from
    anywhere is a random sample, in which reviews of equal content are neighbours.
    """
    if is_sample(review.task):
        return "!0"
    if review.task.is_drawn:
        return "!1"
    return "!2" if review.answers else place_of_content(review)


def place_of_content(review: Review) -> str:
    """Return the place of an open review that does not come first: the same for equal content."""
    return hashlib.sha256(content(review).encode()).hexdigest()[:_PLACE_DIGITS]


def random_place(chance: Random) -> str:
    """Return a place anywhere among those that do not come first."""
    return f"{chance.getrandbits(4 * _PLACE_DIGITS):0{_PLACE_DIGITS}x}"


def content(review: Review) -> str:
    """Return what identifies the content of a review's image; where that is unknown, no other review has it."""
    return review.task.content or review.name


def is_sample(task: ReviewTask) -> bool:
    """Return whether a task is a human sample, which is answered without the model's guess.

    People who see a guess tend to agree with it, which would make the model look better than it is.
    """
    return task.source == SAMPLING_SOURCE


def arranged(
    reviews: Sequence[Review], oldest: Iterator[Review], busy: Collection[str], chance: Random
) -> Iterator[Review]:
    """Yield reviews in the order in which a reviewer gets them, each at most once, one of those with equal content.

    ``reviews`` are a random sample of those that do not come first, ``oldest`` all open ones by date. ``busy`` are the
    contents that somebody is looking at already. Within the sample, those that the model is less sure of come first, at
    random: the very least sure are often alike, or show nothing (Settles, "Active learning literature survey", 2009,
    sections 3 and 5).
    """
    seen = set(busy)
    groups: dict[str, Review] = {}
    for review in reviews:
        groups.setdefault(content(review), review)
    waiting = _by_half(list(groups.values()), chance)
    while waiting:
        oldest_one = next(oldest, None) if chance.random() < OLDEST_SHARE else None
        review = oldest_one or waiting.pop(_next(waiting, chance))
        if content(review) not in seen:
            seen.add(content(review))
            yield review


def _by_half(reviews: list[Review], chance: Random) -> list[Review]:
    """Return reviews in random order, those of the less sure half before the others."""
    chance.shuffle(reviews)
    by_confidence = sorted(review.task.confidence_percent for review in reviews)
    middle = by_confidence[(len(reviews) - 1) // 2] if reviews else 0.0
    return sorted(reviews, key=lambda review: review.task.confidence_percent > middle)


def _next(waiting: Sequence[Review], chance: Random) -> int:
    """Return the index of the next review, with no more of those without a label than their share."""
    if chance.random() < MOST_WITHOUT_LABEL:
        return 0
    labelled = (index for index, review in enumerate(waiting) if not _is_without_label(review.task))
    return next(labelled, 0)


def _is_without_label(task: ReviewTask) -> bool:
    return not task.label or is_none_of_the_above(task.label)
