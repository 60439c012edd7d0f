"""What the scripted histories share."""

import json
from typing import Any

from tests.simulation.history import History
from tests.simulation.steps import Run, Upload
from tests.simulation.world import ANSWERS, BUCKET, World, dead_letters_url, queue_url


def begun(**how: Any) -> History:
    return History(**how)


def reviewed(confidence: float = 50.0, **how: Any) -> tuple[History, str]:
    """Return a history with one upload that is in review, and the review's name."""
    history = begun(**how)
    history.do(Upload("cat", confidence), Run("detect"))
    (name,) = history.world.a2i.loops
    return history, name


def put_answer(
    world: World, name: str, label: str, source: str = "A2I Workflow", loop_name: str = "", **more: Any
) -> None:
    """Write the file of an answer that nobody gave by A2I; ``loop_name`` is what it calls its review, else ``name``."""
    content = {"source": source, "detectLabelRequestId": name.removeprefix("label-loop-"), "taskObject": "x"}
    answer = {"answerContent": {"crowd-image-classifier": {"label": label}}, "submissionTime": "2026-11-23T10:00:00Z"}
    output = {"humanLoopName": loop_name or name, "inputContent": content, "humanAnswers": [{**answer, **more}]}
    world.s3.put(BUCKET, f"{ANSWERS}flow/2026/11/23/10/00/00/{name}/output.json", json.dumps(output).encode())


def told(world: World, kind: str) -> int:
    """Return how many events of a kind were published."""
    return sum(entry["MessageAttributes"]["event"]["StringValue"] == kind for entry in world.sns.published)


def messages(world: World, purpose: str) -> tuple[list[str], list[str]]:
    """Return the bodies of what waits in a queue, and the reasons of what is in its dead-letter queue."""
    dead = world.sqs.queues[dead_letters_url(purpose)].messages
    reasons = [one.attributes["Reason"]["StringValue"] for one in dead]
    return [one.body for one in world.sqs.queues[queue_url(purpose)].messages], reasons
