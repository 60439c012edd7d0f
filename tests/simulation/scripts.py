"""What the scripted histories share."""

import json
from typing import Any

import pytest
from tests.simulation.history import History
from tests.simulation.steps import Run, Upload
from tests.simulation.world import ANSWERS, BUCKET, World


def fault(promise: str, seen: str) -> pytest.MarkDecorator:
    """Expect a failure: the promise of docs/reliability.md that is broken, and the input by which it is."""
    return pytest.mark.xfail(strict=True, raises=AssertionError, reason=f"Promise {promise}: {seen}")


def begun(**how: Any) -> History:
    return History(with_known_faults=True, **how)


def reviewed(confidence: float = 50.0, **how: Any) -> tuple[History, str]:
    """Return a history with one upload that is in review, and the review's name."""
    history = begun(**how)
    history.do(Upload("cat", confidence), Run("detect"))
    (name,) = history.world.a2i.loops
    return history, name


def put_answer(world: World, name: str, label: str, source: str = "A2I Workflow", **more: Any) -> None:
    """Write the file of an answer that nobody gave by A2I."""
    content = {"source": source, "detectLabelRequestId": name.removeprefix("label-loop-"), "taskObject": "x"}
    answer = {"answerContent": {"crowd-image-classifier": {"label": label}}, "submissionTime": "2026-11-23T10:00:00Z"}
    output = {"humanLoopName": name, "inputContent": content, "humanAnswers": [{**answer, **more}]}
    world.s3.put(BUCKET, f"{ANSWERS}flow/2026/11/23/10/00/00/{name}/output.json", json.dumps(output).encode())
