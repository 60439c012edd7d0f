"""The actions of a reviewer in the Airflow UI: take, answer, skip, release and undo."""

import time
from collections.abc import Callable, Collection, Iterator
from itertools import islice

from label_loop.domain import review_queue
from label_loop.domain.review_queue import Review, Stage
from label_loop.exceptions import ReviewTakenError
from label_loop.hooks.reviews import BY_CONFIDENCE, BY_DATE, ReviewsHook

_MAX_TRIES = 5
# Bounds how many leased or skipped reviews are read to find free ones.
_MAX_SCANNED = 5000


class ReviewDesk:
    """One reviewer's view of a loop's open reviews. ``reviewer`` is the id of an Airflow user.

    ``closed`` counts the reviews that were closed since they need no more answers.
    """

    def __init__(
        self, table: ReviewsHook, reviewer: str, answers_wanted: int, clock: Callable[[], float] = time.time
    ) -> None:
        self.table = table
        self.reviewer = reviewer
        self.answers_wanted = answers_wanted
        self.closed = 0
        self.clock = clock

    def take(
        self, count: int, *, oldest_first: bool, keep: Collection[str] = (), skipped: bool = False
    ) -> list[Review]:
        """Lease reviews to this reviewer, up to ``count`` including those named in ``keep``; return the new ones.

        Leases of reviews in ``keep`` are renewed. The lowest confidence comes first, or the oldest review;
        ``skipped`` includes reviews that this reviewer has skipped.
        """
        for name in keep:
            self._renew(name)
        return list(islice(self._takeable(oldest_first, frozenset(keep), skipped), max(0, count - len(keep))))

    def _takeable(self, oldest_first: bool, keep: frozenset[str], skipped: bool) -> Iterator[Review]:
        queue = islice(self.table.queued(Stage.OPEN, BY_DATE if oldest_first else BY_CONFIDENCE), _MAX_SCANNED)
        for review in (review_queue.unskipped(one, self.reviewer) if skipped else one for one in queue):
            now = self.clock()
            if self._closes(review, now):
                continue
            if review.name in keep or not review_queue.may_take(review, self.reviewer, now):
                continue
            mine = review_queue.leased(review, self.reviewer, now)
            if self.table.replace(mine):
                yield mine

    def _closes(self, review: Review, now: float) -> bool:
        """Close a review that has enough answers and no lease; return whether it was closed."""
        is_free = review.leased_by is None or review.leased_until <= now
        ended = review_queue.closed(review, self.answers_wanted) if is_free else None
        did = ended is not None and self.table.replace(ended)
        self.closed += did
        return did

    def _renew(self, name: str) -> None:
        review = self.table.get(name)
        now = self.clock()
        if review and review_queue.may_take(review, self.reviewer, now):
            self.table.replace(review_queue.leased(review, self.reviewer, now))

    def answer(self, name: str, label: str) -> Review:
        """Add an answer. Raises ReviewTakenError if this reviewer may no longer answer the review."""
        wanted = self.answers_wanted
        return self._change(
            name, lambda review: review_queue.answered(review, self.reviewer, label, self.clock(), wanted)
        )

    def undo(self, name: str) -> Review:
        """Undo an answer. Raises ReviewTakenError if it is too late."""
        return self._change(name, lambda review: review_queue.undone(review, self.reviewer, self.clock()))

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
