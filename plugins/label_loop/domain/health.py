"""What an operator should look at, in the order in which it matters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from label_loop.domain.deployment import RUNNING, spoken
from label_loop.payloads import ProjectVersion


@dataclass(frozen=True)
class Concern:
    """One thing to look at. ``page`` is where in the console something can be done about it."""

    tone: Literal["bad", "warn"]
    text: str
    page: str | None = None


def concerns(
    *,
    endpoint: ProjectVersion | None,
    idle: Sequence[ProjectVersion],
    deploying: bool,
    waiting_uploads: int,
    dead_letters: int,
    paused: Sequence[str],
    failed_tasks: int,
    asleep: bool = False,
) -> list[Concern]:
    """Return what is not as it should be; an empty list is a healthy loop.

    ``deploying`` tells that a training run is under way: two versions may run then. ``asleep`` tells that the model
    was stopped as idle, as it shall be: the next upload starts it.
    """
    found: list[Concern | None] = [
        None if asleep else _model(endpoint, waiting_uploads),
        Concern(
            "bad",
            f"{dead_letters} message(s) failed five times and wait in a dead-letter queue; "
            "python -m label_loop dead-letters shows them and sends them again.",
        )
        if dead_letters
        else None,
        Concern("warn", f"{', '.join(v.name for v in idle)} runs and is paid, but does not serve.", "models")
        if idle and not deploying
        else None,
        Concern("warn", f"Paused in Airflow: {', '.join(paused)}. Nothing of it runs until it is switched on.")
        if paused
        else None,
        Concern("warn", f"{failed_tasks} task(s) failed for good in the last day.") if failed_tasks else None,
    ]
    return [concern for concern in found if concern]


def _model(endpoint: ProjectVersion | None, waiting_uploads: int) -> Concern | None:
    if endpoint is not None and endpoint.status == RUNNING:
        return None
    waiting = f"; {waiting_uploads} upload(s) wait for it" if waiting_uploads else ""
    if endpoint is None:
        return Concern("warn", f"No model serves yet: the first training deploys one{waiting}.", "upload")
    return Concern(
        "bad", f"The model {endpoint.name} is {spoken(endpoint.status)} and does not serve{waiting}.", "models"
    )
