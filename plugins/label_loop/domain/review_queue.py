"""Reviews in the Airflow UI: who may take one, the effect of an answer, and when the answers are final.

A review is ``OPEN`` until it has the required number of answers and one label leads. It is then ``HELD`` for some
seconds, in which its last reviewer can undo the answer, ``SETTLING`` while the answer file is written, and ``DONE``.
One that a newer model is sure of is ``WITHDRAWING`` until the log says so, and then ``DONE`` without an answer. A lease
reserves an open review for one reviewer. It is only a courtesy: the revision detects concurrent changes.

Times are Unix timestamps in seconds.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from label_loop.domain.labels import leading_label
from label_loop.domain.log_row import WITHDRAWN, shown_percent
from label_loop.domain.reviews import PAGE, task_input
from label_loop.exceptions import ReviewTakenError
from label_loop.payloads import ANSWERS_FOLDER, SAMPLING_SOURCE, WIDGET, ReviewTask

LEASE_SECONDS = 120.0
UNDO_SECONDS = 10.0


class Stage(StrEnum):
    """The stage of a review."""

    OPEN = "open"
    HELD = "held"
    SETTLING = "settling"
    WITHDRAWING = "withdrawing"
    DONE = "done"


@dataclass(frozen=True)
class ReviewerAnswer:
    """The answer of one reviewer."""

    reviewer: str
    label: str
    answered_at: float


@dataclass(frozen=True)
class Review:
    """One review task and its progress. ``revision`` counts its changes, for optimistic locking."""

    name: str
    task: ReviewTask
    created_at: float
    stage: Stage = Stage.OPEN
    answers: tuple[ReviewerAnswer, ...] = ()
    leased_by: str | None = None
    leased_until: float = 0.0
    skipped_by: frozenset[str] = frozenset()
    settles_at: float = 0.0
    revision: int = 0
    scored_by: str = ""
    """The version that the task's guess is from, if it is not the one that detected the image."""
    gold_id: str = ""
    """Of a gold image, which is in no queue, and whose answer is compared and not filed."""
    gold_label: str = ""

    @property
    def reviewers(self) -> frozenset[str]:
        """The reviewers who have answered."""
        return frozenset(answer.reviewer for answer in self.answers)

    def changed(self, **changes: Any) -> "Review":
        """Return the review with changes, as its next revision."""
        return replace(self, revision=self.revision + 1, **changes)


def may_take(review: Review, reviewer: str, now: float) -> bool:
    """Return whether a reviewer may take a review: it is open, not leased to others, and new to this reviewer."""
    is_new = reviewer not in review.reviewers | review.skipped_by
    return review.stage is Stage.OPEN and is_free(review, reviewer, now) and is_new


def is_free(review: Review, reviewer: str, now: float) -> bool:
    """Return whether no other reviewer has a lease."""
    return review.leased_by in (None, reviewer) or review.leased_until <= now


def leased(review: Review, reviewer: str, now: float) -> Review:
    """Return the review with a new lease for a reviewer."""
    return review.changed(leased_by=reviewer, leased_until=now + LEASE_SECONDS)


def released(review: Review, reviewer: str) -> Review:
    """Return the review without the lease of this reviewer."""
    return review.changed(leased_by=None) if review.leased_by == reviewer else review


def skipped(review: Review, reviewer: str) -> Review:
    """Return the review as skipped by a reviewer."""
    holder = None if review.leased_by == reviewer else review.leased_by
    return review.changed(skipped_by=review.skipped_by | {reviewer}, leased_by=holder)


def unskipped(review: Review, reviewer: str) -> Review:
    """Return the review as not skipped by a reviewer; it becomes permanent with the next revision."""
    return replace(review, skipped_by=review.skipped_by - {reviewer})


def answered(review: Review, reviewer: str, label: str, now: float, answers_wanted: int) -> Review:
    """Return the review with one more answer; the same review if the reviewer has given this very answer.

    A browser repeats an answer if it does not learn what became of it. Raises ReviewTakenError if the reviewer may no
    longer answer the review.
    """
    if any((answer.reviewer, answer.label) == (reviewer, label) for answer in review.answers):
        return review
    if not may_take(unskipped(review, reviewer), reviewer, now):
        raise ReviewTakenError(f"{_why_taken(review, reviewer)}; your answer was not saved.")
    answers = (*review.answers, ReviewerAnswer(reviewer, label, now))
    final = leading_label([answer.label for answer in answers], answers_wanted) is not None
    return review.changed(
        answers=answers,
        stage=Stage.HELD if final else Stage.OPEN,
        settles_at=now + UNDO_SECONDS if final else 0.0,
        leased_by=None,
        skipped_by=review.skipped_by - {reviewer},
    )


@dataclass(frozen=True)
class AnswersWanted:
    """How many people's answers an image needs: ``per_image``, and a second one for a share of the images.

    The share is chosen by the image, so that neither time nor a reviewer has an influence on it.
    """

    per_image: int = 1
    overlap_percent: float = 0.0

    def of(self, review: Review) -> int:
        """Return how many answers a review needs."""
        if review.gold_id:
            return 1
        digest = hashlib.sha256(f"overlap {review.task.detection_id}".encode()).digest()
        is_in_share = int.from_bytes(digest[:8]) < self.overlap_percent / 100 * 2**64
        return max(self.per_image, 2) if is_in_share else self.per_image


def closed(review: Review, answers_wanted: int) -> Review | None:
    """Return an open review as held if it has enough answers, because fewer are required now; else None."""
    if review.stage is not Stage.OPEN or leading_label([a.label for a in review.answers], answers_wanted) is None:
        return None
    return review.changed(stage=Stage.HELD, settles_at=review.answers[-1].answered_at + UNDO_SECONDS, leased_by=None)


def released_by(review: Review, equal: Review, now: float) -> Review | None:
    """Return a review with the answers that one of equal content has got; None if it waits for answers of its own.

    Somebody who is looking at it answers it. What was answered with the model's guess in sight settles no human sample
    and nothing that was drawn, which measure how often that guess is right.
    """
    if not waits_to_teach(review, now) or review.name == equal.name:
        return None
    return review.changed(answers=equal.answers, stage=Stage.HELD, settles_at=now, leased_by=None)


def waits_to_teach(review: Review, now: float) -> bool:
    """Return whether a review can do without an answer of its own: nobody answers it, and it measures nothing."""
    is_waiting = review.stage is Stage.OPEN and not review.answers and is_free(review, "", now)
    return is_waiting and review.task.source != SAMPLING_SOURCE and not review.task.is_drawn


def rescored(review: Review, version: str, label: str, confidence_percent: float, *, is_sure: bool) -> Review:
    """Return a review with a newer version's guess, to be withdrawn if that version is sure of it."""
    task = replace(review.task, label=label, confidence_percent=confidence_percent)
    stage = Stage.WITHDRAWING if is_sure else review.stage
    return review.changed(task=task, scored_by=version, stage=stage)


def withdrawal(review: Review) -> str:
    """Return how a withdrawn review ended, for the log."""
    task = review.task
    return f"{WITHDRAWN}: {review.scored_by} accepts {task.label} at {shown_percent(task.confidence_percent):.1f} %"


def undone(review: Review, reviewer: str, now: float) -> Review:
    """Return the review without a reviewer's answer, leased to that reviewer; also if it was undone already.

    Raises ReviewTakenError if it is too late.
    """
    if may_take(review, reviewer, now):
        return leased(review, reviewer, now)
    others = tuple(answer for answer in review.answers if answer.reviewer != reviewer)
    taken = review.leased_by not in (None, reviewer) and review.leased_until > now
    # Nothing settles the answer of a gold image.
    taken = taken or bool(review.gold_id and review.stage is Stage.HELD and review.settles_at <= now)
    if review.stage not in (Stage.OPEN, Stage.HELD) or len(others) == len(review.answers) or taken:
        raise ReviewTakenError(f"An answer can be undone for {UNDO_SECONDS:.0f} seconds; this one is already final.")
    return leased(replace(review, answers=others, stage=Stage.OPEN, settles_at=0.0), reviewer, now)


def is_due(review: Review, now: float) -> bool:
    """Return whether the answers of a review are final and have to be written."""
    return review.stage is Stage.SETTLING or (review.stage is Stage.HELD and review.settles_at <= now)


def _why_taken(review: Review, reviewer: str) -> str:
    if reviewer in review.reviewers:
        return "You have already answered this image"
    return (
        "Somebody else is reviewing this image now"
        if review.stage is Stage.OPEN
        else "This image has already been reviewed"
    )


def output_key(review: Review) -> str:
    """Return the S3 key of the answers in A2I's layout; it depends only on the review."""
    created = datetime.fromtimestamp(review.created_at, UTC).strftime("%Y/%m/%d/%H/%M/%S")
    return f"{ANSWERS_FOLDER}{PAGE}/{created}/{review.name}/output.json"


def output(review: Review) -> dict[str, Any]:
    """Return the answers in A2I's output format."""
    return {
        "flowDefinitionArn": PAGE,
        "humanLoopName": review.name,
        "inputContent": task_input(review.task),
        "humanAnswers": [
            {
                "answerContent": {WIDGET: {"label": answer.label}},
                "submissionTime": _submission_time(answer.answered_at),
                "workerId": answer.reviewer,
                "workerMetadata": {"identityData": {"identityProviderType": "Airflow", "sub": answer.reviewer}},
            }
            for answer in review.answers
        ],
    }


def _submission_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
