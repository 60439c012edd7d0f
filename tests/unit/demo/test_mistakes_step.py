"""Which images the demo files under wrong labels, and what it makes of the version that learns them."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from demo.errors import DemoError
from demo.progress import Narrator
from demo.steps import mistakes
from demo.versions import RUNNING, History, Moment
from demo.waiting import Patience
from label_loop.domain.log_row import LogRow
from label_loop.domain.training import ACCEPTED, HELD
from label_loop.loop import Loop
from local_stack.airflow_api import DagRun, TaskInstance
from sample_images.digits import Picture

VERDICT = "F1 0.875, minimum 0.8; it has lost 9, 4: better on 2 of 200 test images, worse on 22"


def row(key: str, percent: float) -> LogRow:
    return LogRow(
        key,
        "2026-11-25T09:00:00.000000+00:00",
        "b",
        key,
        "e",
        detected_label="4",
        confidence_percent=percent,
        minimum_confidence_percent=70.0,
    )


class Story(SimpleNamespace):
    """40 detections of each of three labels, of which every second one is accepted; version 2 of 3 serves."""

    def __init__(self, outcome: str = HELD, serves: str = "v2") -> None:
        pictures = [Picture(f"{label}-{n:02}.png", label, b"") for label in "489" for n in range(40)]
        uploaded = {f"images_for_detection/{one.name}": one for one in pictures}
        history = History()
        history.add(Moment(serves, {"v1": "STOPPED", "v2": RUNNING, "v3": "TRAINING_COMPLETED"}, serves))
        self.put: dict[str, Any] = {}
        self.told = io.StringIO()
        attempt = SimpleNamespace(outcome=outcome, verdict=VERDICT)
        super().__init__(
            loop=Loop("/logos"),
            mistaken={"4": "9", "9": "4"},
            uploaded=uploaded,
            narrator=Narrator(Console(file=self.told, width=400)),
            patience=Patience(lambda: None, lambda: "", clock=iter(range(10_000)).__next__, sleep=lambda _: None),
            watcher=SimpleNamespace(history=history, text=lambda: "2 RUNNING (serves)"),
            airflow=SimpleNamespace(
                trigger=lambda dag_id, **conf: DagRun(dag_id, str(conf), "running"),
                run=lambda run: DagRun(run.dag_id, run.run_id, "success"),
                tasks=lambda run: [TaskInstance("check", "success", 1)],
            ),
            aws=SimpleNamespace(
                rows=lambda: [row(key, 60 + 20 * (n % 2)) for n, key in enumerate(uploaded)],
                upload=lambda keys, progress: self.put.update(keys),
                move=self.move,
                last_attempt=lambda: attempt,
                suspect_keys=lambda: {*list(self.put)[:30], "another"},
            ),
        )

    def move(self, targets: dict[str, str], progress: Any) -> None:
        for key, target in targets.items():
            self.put[target] = self.put.pop(key)
        progress(len(targets))

    def expect(self, holds: bool, text: str) -> None:
        if not holds:
            raise DemoError(text)


def labels(story: Story) -> dict[str, set[str]]:
    """Return the true labels of what lies in each folder."""
    found: dict[str, set[str]] = {}
    for key, picture in story.put.items():
        found.setdefault(key.split("/")[1], set()).add(picture.label)
    return found


def test_images_that_nobody_was_asked_about_are_filed_under_wrong_labels_and_put_right() -> None:
    story = Story()
    made = mistakes.make(story, 3)
    assert len(story.put) == 2 * mistakes.PER_LABEL
    assert labels(story) == {"4": {"9"}, "9": {"4"}}
    assert all(int(picture.name[2:4]) % 2 for picture in story.put.values())
    assert made.training.run_id == "{'force': True}"
    mistakes.is_held(story, 3, made)
    assert f"Version 3 is held, and does not serve: {VERDICT}." in story.told.getvalue()
    assert "contradicted 31 labels: 30 of the 32 wrong ones, and 1 others." in story.told.getvalue()
    mistakes.put_right(story, 2, made)
    assert labels(story) == {"4": {"4"}, "9": {"9"}}
    assert "Version 2 has served all the time." in story.told.getvalue()


def test_a_version_that_is_not_held_ends_the_demo() -> None:
    story = Story(ACCEPTED)
    with pytest.raises(DemoError, match="Version 3 is not held but accepted"):
        mistakes.is_held(story, 3, mistakes.make(story, 3))


def test_another_version_that_serves_ends_the_demo() -> None:
    story = Story(serves="v3")
    with pytest.raises(DemoError, match="version 2 to serve"):
        mistakes.put_right(story, 2, mistakes.make(story, 3))
