"""Where workers, people or scripts, see the tasks and answer them."""

from typing import Any

from local_aws.human_review.loops import HumanLoops
from local_aws.human_review.store import HumanLoop

WIDGET = "crowd-image-classifier"
_STATUSES = ("InProgress", "Failed", "Completed", "Stopped", "Stopping")


class Portal:
    """Human loops of all regions; a loop's name is enough to find it."""

    def __init__(self, loops: HumanLoops) -> None:
        self._loops = loops

    def loops(self, status: str | None) -> list[dict[str, Any]]:
        """List loops, all or those of one status, oldest first."""
        if status is not None and status not in _STATUSES:
            raise ValueError(f"status is one of {', '.join(_STATUSES)}, not {status!r}")
        return [_describe(loop) for loop in self._loops.all() if status in (None, loop.status)]

    def answer(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer as one worker: ``{"label": …, "worker"?: …}``, or with ``answerContent`` for a label.

        The latter is for forms with other widgets, and for answers that are empty or malformed.
        """
        unknown = set(body) - {"label", "worker", "answerContent"}
        if unknown:
            raise ValueError(f"an answer has no {', '.join(sorted(unknown))}")
        worker, label, content = body.get("worker"), body.get("label"), body.get("answerContent")
        if worker is not None and not (isinstance(worker, str) and worker):
            raise ValueError("worker is a non-empty text")
        if content is None:
            if not isinstance(label, str):
                raise ValueError("an answer needs a label, a text")
            content = {WIDGET: {"label": label}}
        elif label is not None or not isinstance(content, dict):
            raise ValueError("answerContent is an object, and stands in label's place")
        loop = self._loops.find(name)
        self._loops.add_answer(loop, worker, content)
        return _describe(loop)


def _describe(loop: HumanLoop) -> dict[str, Any]:
    return {
        "name": loop.name,
        "status": loop.status,
        "flow_definition_arn": loop.flow.arn,
        "created": loop.created.isoformat(timespec="milliseconds"),
        "input_content": loop.input_content,
        "answers": len(loop.answers),
        "answers_wanted": loop.task_count,
        "output": loop.output_uri,
    }
