"""What a reviewer does in the Airflow UI: takes reviews, answers, skips, and takes an answer back."""

import time
from collections.abc import Callable, Collection, Iterator
from itertools import islice

from label_loop.domain import review_queue
from label_loop.domain.review_queue import Review, Stage
from label_loop.exceptions import ReviewTakenError
from label_loop.hooks.reviews import BY_CONFIDENCE, BY_DATE, ReviewsHook

_TRIES = 5
# Reviews that others have or that were skipped are passed over; so many are looked at before the desk gives up.
_MOST_LOOKED_AT = 5000


class ReviewDesk:
    """One reviewer's view of a loop's open reviews. ``reviewer`` is the id of an Airflow user.

    ``closed`` counts the reviews that were found to need no more answers.
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
        """Return up to ``count`` reviews that are this reviewer's for a while, beside those named in ``keep``.

        The lease of the latter is renewed. The least sure come first, or the oldest; ``skipped`` asks for those, too,
        that this reviewer left to others.
        """
        for name in keep:
            self._renew(name)
        return list(islice(self._takeable(oldest_first, frozenset(keep), skipped), max(0, count - len(keep))))

    def _takeable(self, oldest_first: bool, keep: frozenset[str], skipped: bool) -> Iterator[Review]:
        queue = islice(self.table.queued(Stage.OPEN, BY_DATE if oldest_first else BY_CONFIDENCE), _MOST_LOOKED_AT)
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
        """Close a review that has enough answers by now, and that nobody looks at; tell whether it did."""
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
        """Add an answer. Raises ReviewTakenError where the review is not this reviewer's to answer (any more)."""
        wanted = self.answers_wanted
        return self._change(
            name, lambda review: review_queue.answered(review, self.reviewer, label, self.clock(), wanted)
        )

    def undo(self, name: str) -> Review:
        """Take an answer back. Raises ReviewTakenError where it is too late."""
        return self._change(name, lambda review: review_queue.undone(review, self.reviewer, self.clock()))

    def skip(self, name: str) -> Review:
        """Leave a review to others."""
        return self._change(name, lambda review: review_queue.skipped(review, self.reviewer))

    def release(self, names: Collection[str]) -> None:
        """Give back what was taken and not answered."""
        for name in names:
            self._change(name, lambda review: review_queue.released(review, self.reviewer))

    def _change(self, name: str, change: Callable[[Review], Review]) -> Review:
        """Change a review as it is at this moment, again where somebody else changes it in between."""
        for _ in range(_TRIES):
            review = self.table.get(name)
            if review is None:
                raise ReviewTakenError("There is no such review.")
            changed = change(review)
            if changed is review or self.table.replace(changed):
                return changed
        raise ReviewTakenError("Others are changing this review at this moment; try again.")
