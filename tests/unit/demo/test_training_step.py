"""How the story goes on from a version that the F1 gate holds back."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from demo.errors import DemoError
from demo.progress import Narrator
from demo.steps.training import train_and_deploy
from demo.versions import RUNNING, History, Moment
from demo.waiting import Patience
from label_loop.domain.training import ACCEPTED, DEPLOYED, HELD
from label_loop.loop import Loop
from local_stack.airflow_api import DagRun, TaskInstance

ARN = "arn:aws:rekognition:us-east-1:123456789012:project/logos/version/v1/1700000000000"


class AirflowOfRuns:
    """Each run ends at once; a training skips what follows the gate, or is what the test says."""

    def __init__(self, history: History, skips: bool) -> None:
        self.history = history
        self.skips = skips
        self.triggered: list[dict[str, Any]] = []

    def trigger(self, dag_id: str, **conf: Any) -> DagRun:
        self.triggered.append(conf)
        deploys = "version" in conf or not self.skips
        self.history.add(
            Moment(ARN if deploys else None, {ARN: RUNNING if deploys else "STOPPED"}, ARN if deploys else None)
        )
        return DagRun(dag_id, str(len(self.triggered)), "success")

    def run(self, run: DagRun) -> DagRun:
        return run

    def tasks(self, run: DagRun) -> list[TaskInstance]:
        by_hand = "version" in self.triggered[int(run.run_id) - 1]
        skipped = "write_manifest" if by_hand else "start_version" if self.skips else ""
        always = [TaskInstance("check", "success", 1), TaskInstance("audit_labels", "skipped", 1)]
        return [*always, *([TaskInstance(skipped, "skipped", 1)] if skipped else [])]


class Story(SimpleNamespace):
    def __init__(self, f1: float, *, skips: bool, outcome: str = HELD) -> None:
        version = {"ProjectVersionArn": ARN, "EvaluationResult": {"F1Score": f1}}
        history = History()
        attempt = SimpleNamespace(outcome=outcome, images=63, verdict=f"F1 {f1}, minimum 0.8")
        self.told = io.StringIO()
        super().__init__(
            loop=Loop("/logos"),
            narrator=Narrator(Console(file=self.told, width=400)),
            watcher=SimpleNamespace(history=history, text=lambda: "1 STOPPED"),
            airflow=AirflowOfRuns(history, skips),
            aws=SimpleNamespace(
                versions=lambda: [version],
                state=lambda: SimpleNamespace(last_training_attempt=attempt),
                last_attempt=lambda: attempt,
            ),
            patience=Patience(lambda: None, lambda: "", sleep=lambda _: None),
        )

    def expect(self, holds: bool, text: str) -> None:
        if not holds:
            raise DemoError(text)


def test_a_version_below_the_gate_is_told_and_deployed_by_hand() -> None:
    story = Story(0.26, skips=True)
    train_and_deploy(story, 1)
    assert story.airflow.triggered == [{"force": False}, {"version": "v1"}]
    assert "Version 1: F1 0.260 on the test images, trained with 63 images." in story.told.getvalue()
    assert "It is held: F1 0.26, minimum 0.8." in story.told.getvalue()


def test_a_version_that_passes_is_deployed_by_the_training() -> None:
    story = Story(0.9, skips=False, outcome=DEPLOYED)
    train_and_deploy(story, 1, forced=True)
    assert story.airflow.triggered == [{"force": True}]
    assert "It was accepted: F1 0.9, minimum 0.8." in story.told.getvalue()


def test_what_is_skipped_for_another_reason_is_an_error() -> None:
    with pytest.raises(DemoError, match=r"skipped start_version: the outcome of the last training is accepted"):
        train_and_deploy(Story(0.9, skips=True, outcome=ACCEPTED), 1)
