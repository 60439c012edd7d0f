from collections.abc import Callable

import pytest

from demo.errors import DemoError
from demo.progress import Step
from demo.waiting import Patience, Seen
from local_stack.loopback import UnreachableError


class _Time:
    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class _Shown(Step):
    def __init__(self) -> None:
        self.all: list[tuple[str, int | None]] = []

    def show(self, detail: str, done: int | None = None) -> None:
        self.all.append((detail, done))


def _patience(diagnosis: str = "", watch: Callable[[], None] = lambda: None) -> Patience:
    time = _Time()
    return Patience(watch, lambda: diagnosis, lambda: time.now, time.sleep)


def test_it_looks_until_it_is_done_and_shows_each_look() -> None:
    looks = iter([Seen(False, "some", 1), Seen(True, "all", 2)])
    shown = _Shown()
    took = _patience().until("all", lambda: next(looks), step=shown, timeout_seconds=9, interval_seconds=3)
    assert took == 3
    assert shown.all == [("some", 1), ("all", 2)]


def test_the_error_tells_what_was_awaited_what_was_seen_and_what_airflow_knows() -> None:
    with pytest.raises(DemoError) as caught:
        _patience("the task failed").until(
            "five things", lambda: Seen(False, "of them", 3), step=_Shown(), timeout_seconds=10
        )
    assert str(caught.value) == "Waited 10 s for five things. Last seen: 3 of them.\nthe task failed"


def test_a_server_that_does_not_answer_is_asked_again() -> None:
    answers = iter([UnreachableError("not now"), Seen(True, "there")])

    def look() -> Seen:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert _patience().until("it", look, step=_Shown(), timeout_seconds=9, interval_seconds=2) == 2


def test_a_server_that_never_answers_is_what_was_seen_last() -> None:
    def look() -> Seen:
        raise UnreachableError("refused")

    with pytest.raises(DemoError, match="Last seen: refused"):
        _patience().until("it", look, step=_Shown(), timeout_seconds=5)


def test_waiting_ends_at_once_where_it_is_useless() -> None:
    def watch() -> None:
        raise DemoError("airflow has ended")

    with pytest.raises(DemoError, match="airflow has ended"):
        _patience(watch=watch).until("it", lambda: Seen(False, ""), step=_Shown(), timeout_seconds=99)
