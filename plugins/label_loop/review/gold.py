"""Gold images among a reviewer's images, and what their answers say of the reviewer."""

from collections.abc import Callable, Sequence
from random import Random

from label_loop.domain import review_queue
from label_loop.domain.log_row import agrees
from label_loop.domain.review_queue import Review
from label_loop.domain.reviewers import GOLD_SHARE, GoldAnswer, GoldImage, Reviewer, gold_review
from label_loop.exceptions import ReviewTakenError
from label_loop.hooks.reviews import ReviewsHook

_MAX_TRIES = 5


class GoldReviews:
    """Gives a reviewer gold images, none twice, and keeps whether the answers are right.

    ``images`` returns all gold images of the loop's bucket.
    """

    def __init__(self, table: ReviewsHook, bucket: str, images: Callable[[], Sequence[GoldImage]]) -> None:
        self.table = table
        self.bucket = bucket
        self.images = images

    def leased(self, reviewer: str, chance: Random, now: float) -> Review | None:
        """Lease one to a reviewer, in one of twenty calls; None in the others, or where there is none left."""
        images = self.images() if chance.random() < GOLD_SHARE else ()
        unseen = self.table.reviewer(reviewer).unseen(images) if images else []
        if not unseen:
            return None
        review = gold_review(chance.choice(unseen), self.bucket, reviewer, now)
        if self.table.add(review_queue.leased(review, reviewer, now)):
            return self.table.get(review.name)
        known = self.table.get(review.name)  # taken before, and not answered
        if known is None or not review_queue.may_take(known, reviewer, now):
            return None
        again = review_queue.leased(known, reviewer, now)
        return again if self.table.replace(again) else None

    def record(self, review: Review, reviewer: str) -> Reviewer | None:
        """Keep the answer to a gold image, or that there is none any more.

        Return the reviewer if that is the answer by which too many are wrong, which happens once.
        """
        answer = next((one for one in review.answers if one.reviewer == reviewer), None)

        def changed(person: Reviewer) -> Reviewer:
            if answer is None:
                return person.without_answer(review.gold_id)
            is_right = agrees(review.gold_label, answer.label)
            return person.with_answer(GoldAnswer(review.gold_id, is_right, answer.answered_at))

        person = self._change(reviewer, changed)
        if person.is_reported or not person.is_suspect:
            return None
        reported = person.reported()
        return reported if self.table.replace_reviewer(reported) else None

    def _change(self, reviewer: str, change: Callable[[Reviewer], Reviewer]) -> Reviewer:
        for _ in range(_MAX_TRIES):
            person = change(self.table.reviewer(reviewer))
            if self.table.replace_reviewer(person):
                return person
        raise ReviewTakenError("Others are changing this review at the moment; please try again.")
