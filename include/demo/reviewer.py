"""A scripted reviewer: knows what each picture shows, and answers as a person would, through the same interface."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from demo.errors import NotAsToldError
from local_stack.loopback import UnreachableError

_LOOK_SECONDS = 1.0
_ANSWERS_AT_ONCE = 4


@dataclass(frozen=True)
class Task:
    """One image to label: the review's name and the image's key."""

    name: str
    key: str


class Reviews(Protocol):
    """Where reviewers find their tasks."""

    def take(self) -> Sequence[Task]:
        """Return the next tasks, some at a time; none where nothing waits."""
        ...

    def answer(self, name: str, label: str) -> None:
        """Answer a task."""
        ...


class ScriptedReviewer:
    """Answers every review as it appears, until it is told to stop."""

    def __init__(self, reviews: Reviews, truth: Mapping[str, str]) -> None:
        self._reviews = reviews
        self._truth = truth
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="scripted-reviewer", daemon=True)
        self._answered: set[str] = set()
        self.problem: Exception | None = None

    @property
    def answered(self) -> int:
        """How many tasks were answered."""
        return len(self._answered)

    def start(self) -> None:
        """Begin to answer, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=20)

    def look(self) -> None:
        """Answer what is open now. Raises NotAsToldError for a picture that was never uploaded."""
        with ThreadPoolExecutor(_ANSWERS_AT_ONCE) as pool:
            while not self._stop.is_set() and (tasks := self._reviews.take()):
                list(pool.map(self._answer, tasks))

    def _answer(self, task: Task) -> None:
        label = self._truth.get(task.key)
        if label is None:
            raise NotAsToldError(f"The review {task.name} asks about {task.key}, which was not uploaded.")
        self._reviews.answer(task.name, label)
        self._answered.add(task.name)

    def _work(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            try:
                self.look()
            except UnreachableError:
                continue  # the endpoint was busy; what is open stays open
            except Exception as error:
                self.problem = error
                return
