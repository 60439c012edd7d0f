"""Whether a person's answers can be trusted, by gold images: those of which people have settled the label."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from label_loop.domain.labels import label_key
from label_loop.domain.review_queue import Review
from label_loop.domain.reviews import human_loop_name
from label_loop.exceptions import shown
from label_loop.payloads import SAMPLING_SOURCE, Event, ReviewTask

ACCEPTED_ERROR = 0.05
"""The share of wrong answers up to which a reviewer is as good as expected."""
SUSPECTED_ERROR = 0.15
"""The share of wrong answers for which the evidence grows fastest. It finds more of those with 20 % within 60 answers
than 0.2 would: some are lucky at first (``bench/reviewers.py``)."""
REPORTED_AT = 20.0
"""The evidence at which a reviewer is reported: one who is as good as expected is so with a chance of 1 in 20, ever."""
GOLD_SHARE = 0.05
"""How many of the images that a reviewer gets are gold."""


@dataclass(frozen=True)
class GoldImage:
    """A gold image: its key, and its label or None of the Above."""

    key: str
    label: str


@dataclass(frozen=True)
class GoldAnswer:
    """An answer to a gold image, by its id; ``answered_at`` is a Unix timestamp in seconds."""

    gold_id: str
    is_right: bool
    answered_at: float


@dataclass(frozen=True)
class Reviewer:
    """A reviewer's answers to gold images. ``revision`` counts the changes, for optimistic locking."""

    id: str
    answers: tuple[GoldAnswer, ...] = ()
    is_reported: bool = False
    revision: int = 0

    @property
    def wrong(self) -> int:
        """How many of the answers are wrong."""
        return sum(not answer.is_right for answer in self.answers)

    @property
    def is_suspect(self) -> bool:
        """Whether there ever was enough evidence that more than 5 % of the answers are wrong."""
        in_order = sorted(self.answers, key=lambda answer: answer.answered_at)
        return any(value >= REPORTED_AT for value in evidence(answer.is_right for answer in in_order))

    def with_answer(self, answer: GoldAnswer) -> "Reviewer":
        """Return the reviewer with an answer; each gold image counts once."""
        others = tuple(one for one in self.answers if one.gold_id != answer.gold_id)
        return replace(self, answers=(*others, answer), revision=self.revision + 1)

    def without_answer(self, gold_id: str) -> "Reviewer":
        """Return the reviewer without the answer to a gold image."""
        others = tuple(one for one in self.answers if one.gold_id != gold_id)
        return replace(self, answers=others, revision=self.revision + 1)

    def reported(self) -> "Reviewer":
        """Return the reviewer as reported, which happens once."""
        return replace(self, is_reported=True, revision=self.revision + 1)

    def unseen(self, images: Iterable[GoldImage]) -> list[GoldImage]:
        """Return the gold images that this reviewer has not answered."""
        seen = {answer.gold_id for answer in self.answers}
        return [image for image in images if gold_id(image) not in seen]


def evidence(is_right: Iterable[bool]) -> Iterable[float]:
    """Yield, after each answer, the evidence that more than 5 % of a reviewer's answers are wrong.

    It is the capital of who bets on each answer being wrong at the odds of 5 %, with the stakes that grow fastest if
    15 % are: the likelihood ratio of the two. While at most 5 % are wrong it is a supermartingale, so by Ville's
    inequality (1939) it ever reaches 20 with a chance of at most 1 in 20, however often one looks (Waudby-Smith and
    Ramdas, "Estimating means of bounded random variables by betting", 2024; Ramdas et al., "Game-theoretic statistics
    and safe anytime-valid inference", 2023).
    """
    capital = 1.0
    for one in is_right:
        odds = (1 - SUSPECTED_ERROR) / (1 - ACCEPTED_ERROR) if one else SUSPECTED_ERROR / ACCEPTED_ERROR
        capital *= odds
        yield capital


def gold_review(image: GoldImage, bucket: str, reviewer: str, now: float) -> Review:
    """Return the review of a gold image by one reviewer, to whom it looks like a human sample."""
    id_ = review_id(image, reviewer)
    task = ReviewTask(id_, SAMPLING_SOURCE, f"s3://{bucket}/{image.key}", "", 0.0)
    return Review(human_loop_name(id_), task, now, gold_id=gold_id(image), gold_label=image.label)


def suspected(reviewer: Reviewer) -> Event:
    """Return the event of a reviewer whose answers cannot be trusted."""
    count, wrong = len(reviewer.answers), reviewer.wrong
    text = (
        f"{wrong} of {count} answers of the reviewer {shown(reviewer.id)} to gold images are wrong, which is more than "
        f"{ACCEPTED_ERROR:.0%} for sure. Look at what they labelled, and at what reviewers are told"
    )
    return Event("quality", text, facts={"reviewer": reviewer.id, "gold_answers": count, "wrong": wrong})


def gold_id(image: GoldImage) -> str:
    """Return a short id of a gold image; it is another one under another label."""
    return hashlib.sha256(f"{label_key(image.label)}\n{image.key}".encode()).hexdigest()[:16]


def review_id(image: GoldImage, reviewer: str) -> str:
    """Return the id of a reviewer's review of a gold image, which looks like that of any detection."""
    digest = hashlib.sha256(f"gold\n{gold_id(image)}\n{reviewer}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16]))


def agreement(answers: Sequence[Sequence[str]]) -> float | None:
    """Return Krippendorff's alpha of labels: 1 if people agree, 0 if they do as by chance; None if it is undefined.

    ``answers`` has the labels that each image got; those with fewer than two say nothing. For nominal data alpha is 1
    minus the observed share of disagreeing pairs over that among all labels (Krippendorff, "Content analysis", 2004,
    chapter 11; "Computing Krippendorff's alpha-reliability", 2011).
    """
    pairs = [[label_key(label) for label in labels] for labels in answers if len(labels) > 1]
    total: dict[str, int] = {}
    for labels in pairs:
        for label in labels:
            total[label] = total.get(label, 0) + 1
    n = sum(total.values())
    observed = sum(_disagreeing(labels) / (len(labels) - 1) for labels in pairs)
    expected = (n * n - sum(count * count for count in total.values())) / (n - 1) if n > 1 else 0.0
    return 1 - observed / expected if expected else None


def _disagreeing(labels: Sequence[str]) -> int:
    """Return the number of ordered pairs of different labels."""
    return len(labels) ** 2 - sum(labels.count(label) ** 2 for label in set(labels))
