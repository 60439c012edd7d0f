"""The actions of a reviewer in the Airflow UI: take, answer, skip, release and undo."""

import time
from collections.abc import Callable, Collection, Iterator, Set
from itertools import batched, chain, islice
from random import Random

from label_loop.domain import desk_order, review_queue
from label_loop.domain.desk_order import BEFORE_OTHERS, FIRST, LAST
from label_loop.domain.review_queue import AnswersWanted, Review, Stage
from label_loop.domain.reviewers import Reviewer
from label_loop.exceptions import ReviewTakenError
from label_loop.hooks.reviews import PAGE, ReviewsHook
from label_loop.review.gold import GoldReviews

_MAX_TRIES = 5
# Bounds how many leased or skipped reviews are read to find free ones.
_MOST_READ = 1000


class ReviewDesk:
    """One reviewer's view of a loop's open reviews. ``reviewer`` is the id of an Airflow user.

    ``gold`` gives gold images, if there are any. ``closed`` counts the reviews that were closed since they need no more
    answers.
    """

    def __init__(
        self,
        table: ReviewsHook,
        reviewer: str,
        answers_wanted: AnswersWanted,
        *,
        clock: Callable[[], float] = time.time,
        chance: Random | None = None,
        gold: GoldReviews | None = None,
    ) -> None:
        self.table = table
        self.reviewer = reviewer
        self.answers_wanted = answers_wanted
        self.closed = 0
        self.clock = clock
        self.chance = chance or Random()
        self.gold = gold
        self.suspect: Reviewer | None = None
        """This reviewer, if an answer was the one by which too many are wrong."""

    def take(
        self, count: int, *, oldest_first: bool, keep: Collection[str] = (), skipped: bool = False
    ) -> list[Review]:
        """Lease reviews to this reviewer, up to ``count`` including those named in ``keep``; return the new ones.

        Leases of reviews in ``keep`` are renewed. Reviews come in the order of ``desk_order``, or by date; ``skipped``
        includes reviews that this reviewer has skipped.
        """
        held = [review for review in map(self._renew, keep) if review]
        wanted = max(0, count - len(keep))
        if not wanted:
            return []
        queue = self._oldest() if oldest_first else self._in_order(set(map(desk_order.content, held)))
        others = (review for review in queue if review.name not in keep)
        return list(islice(self._with_gold(self._leased(others, skipped)), wanted))

    def _with_gold(self, queue: Iterator[Review]) -> Iterator[Review]:
        for review in queue:
            gold = self.gold and self.gold.leased(self.reviewer, self.chance, self.clock())
            if gold:
                yield gold
            yield review

    def _oldest(self) -> Iterator[Review]:
        return islice(self.table.queued(Stage.OPEN), _MOST_READ)

    def _in_order(self, contents: Set[str]) -> Iterator[Review]:
        """Yield open reviews as they are to be answered; ``contents`` are what this reviewer holds."""
        yield from islice(self.table.ordered(FIRST, BEFORE_OTHERS), _MOST_READ)
        somewhere = desk_order.random_place(self.chance)
        others = chain(self.table.ordered(somewhere, LAST), self.table.ordered(BEFORE_OTHERS, somewhere))
        for some in batched(islice(others, _MOST_READ), PAGE):
            now = self.clock()
            free = [review for review in some if review_queue.is_free(review, self.reviewer, now)]
            busy = contents | {desk_order.content(review) for review in some if review not in free}
            yield from desk_order.arranged(free, self._oldest(), busy, self.chance)

    def _leased(self, queue: Iterator[Review], skipped: bool) -> Iterator[Review]:
        for review in (review_queue.unskipped(one, self.reviewer) if skipped else one for one in queue):
            now = self.clock()
            if self._closes(review, now) or not review_queue.may_take(review, self.reviewer, now):
                continue
            mine = review_queue.leased(review, self.reviewer, now)
            if self.table.replace(mine):
                yield mine

    def _closes(self, review: Review, now: float) -> bool:
        """Close a review that has enough answers and no lease; return whether it was closed."""
        is_free = review.leased_by is None or review.leased_until <= now
        ended = review_queue.closed(review, self.answers_wanted.of(review)) if is_free else None
        did = ended is not None and self.table.replace(ended)
        self.closed += did
        return did

    def _renew(self, name: str) -> Review | None:
        review = self.table.get(name)
        now = self.clock()
        if review and review_queue.may_take(review, self.reviewer, now):
            self.table.replace(review_queue.leased(review, self.reviewer, now))
        return review

    def answer(self, name: str, label: str) -> Review:
        """Add an answer. Raises ReviewTakenError if this reviewer may no longer answer the review."""

        def answered(review: Review) -> Review:
            wanted = self.answers_wanted.of(review)
            return review_queue.answered(review, self.reviewer, label, self.clock(), wanted)

        return self._recorded(self._change(name, answered))

    def undo(self, name: str) -> Review:
        """Undo an answer. Raises ReviewTakenError if it is too late."""
        changed = self._change(name, lambda review: review_queue.undone(review, self.reviewer, self.clock()))
        return self._recorded(changed)

    def _recorded(self, review: Review) -> Review:
        if review.gold_id and self.gold:
            self.suspect = self.gold.record(review, self.reviewer)
        return review

    def skip(self, name: str) -> Review:
        """Skip a review, which leaves it to others."""
        return self._change(name, lambda review: review_queue.skipped(review, self.reviewer))

    def release(self, names: Collection[str]) -> None:
        """Release the leases of reviews that were not answered."""
        for name in names:
            self._change(name, lambda review: review_queue.released(review, self.reviewer))

    def _change(self, name: str, change: Callable[[Review], Review]) -> Review:
        """Apply a change to the current review, with retries on concurrent changes."""
        for _ in range(_MAX_TRIES):
            review = self.table.get(name)
            if review is None:
                raise ReviewTakenError("This review does not exist.")
            changed = change(review)
            if changed is review or self.table.replace(changed):
                return changed
        raise ReviewTakenError("Others are changing this review at the moment; please try again.")
