"""A scripted reviewer, which knows what each picture shows, and answers through the same interface as a person."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from demo.errors import DemoError
from local_stack.loopback import UnreachableError

_LOOK_SECONDS = 1.0
_ANSWERS_AT_ONCE = 4


@dataclass(frozen=True)
class OpenReview:
    """One image to label: the review's name and the image's key."""

    name: str
    key: str


class Reviews(Protocol):
    """A source of open reviews."""

    def take(self) -> Sequence[OpenReview]:
        """Return the next open reviews, a few at a time; none if no review is open."""
        ...

    def answer(self, name: str, label: str) -> None:
        """Answer a review."""
        ...


class ScriptedReviewer:
    """Answers every review as it appears, until it is stopped."""

    def __init__(self, reviews: Reviews, truth: Mapping[str, str]) -> None:
        self._reviews = reviews
        self._truth = truth
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="scripted-reviewer", daemon=True)
        self._answered: set[str] = set()
        self.problem: Exception | None = None

    @property
    def answered(self) -> int:
        """The number of answered reviews."""
        return len(self._answered)

    def start(self) -> None:
        """Start answering in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=20)

    def look(self) -> None:
        """Answer the reviews that are open now. Raises DemoError for a picture that was never uploaded."""
        with ThreadPoolExecutor(_ANSWERS_AT_ONCE) as pool:
            while not self._stop.is_set() and (reviews := self._reviews.take()):
                list(pool.map(self._answer, reviews))

    def _answer(self, review: OpenReview) -> None:
        label = self._truth.get(review.key)
        if label is None:
            raise DemoError(f"The review {review.name} asks about {review.key}, which was not uploaded.")
        self._reviews.answer(review.name, label)
        self._answered.add(review.name)

    def _work(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            try:
                self.look()
            except UnreachableError:
                continue  # the endpoint was busy; open reviews stay open
            except Exception as error:
                self.problem = error
                return
