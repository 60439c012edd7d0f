import time

import pytest

from demo.errors import DemoError
from demo.reviewer import OpenReview, ScriptedReviewer
from local_stack.loopback import UnreachableError


class _Reviews:
    def __init__(self, *names: str) -> None:
        self.open = list(names)
        self.answers: dict[str, str] = {}
        self.failures = 0

    def take(self) -> list[OpenReview]:
        if self.failures:
            self.failures -= 1
            raise UnreachableError("busy")
        return [OpenReview(name, f"in/{name} ü.png") for name in self.open]

    def answer(self, name: str, label: str) -> None:
        self.open.remove(name)
        self.answers[name] = label


_TRUTH = {"in/a ü.png": "cat", "in/b ü.png": "dog"}


def test_each_open_review_gets_its_true_label_once() -> None:
    reviews = _Reviews("a", "b")
    reviewer = ScriptedReviewer(reviews, _TRUTH)
    reviewer.look()
    reviewer.look()
    assert reviews.answers == {"a": "cat", "b": "dog"}
    assert reviewer.answered == 2


def test_a_picture_that_was_never_uploaded_is_told() -> None:
    with pytest.raises(DemoError, match="in/c"):
        ScriptedReviewer(_Reviews("c"), _TRUTH).look()


def test_in_the_background_it_outlives_a_busy_endpoint_and_keeps_a_real_problem() -> None:
    reviews = _Reviews("a", "c")
    reviews.failures = 1
    reviewer = ScriptedReviewer(reviews, _TRUTH)
    reviewer.start()
    deadline = time.monotonic() + 15
    while reviewer.problem is None and time.monotonic() < deadline:
        time.sleep(0.05)
    reviewer.stop()
    assert isinstance(reviewer.problem, DemoError)
    assert reviews.failures == 0
