"""What needs an operator's attention, most important first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from label_loop.domain.deployment import RUNNING, status_label
from label_loop.payloads import ProjectVersion


@dataclass(frozen=True)
class Concern:
    """One problem. ``page`` is the page of the console on which it can be resolved."""

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
    drift: Sequence[str] = (),
    asleep: bool = False,
) -> list[Concern]:
    """Return the problems of a loop; an empty list means that it is healthy.

    ``deploying``: a training run is active, so two versions may run. ``drift``: what was reported of the serving
    version, in sentences. ``asleep``: the model was stopped as idle, which is not a problem, since the next upload
    starts it.
    """
    found: list[Concern | None] = [
        None if asleep else _model(endpoint, waiting_uploads),
        Concern(
            "bad",
            f"{dead_letters} message(s) in a dead-letter queue, after five failed attempts; "
            "python -m label_loop dead-letters lists and redrives them.",
        )
        if dead_letters
        else None,
        Concern("warn", f"{', '.join(v.name for v in idle)} is running and billed, but does not serve.", "models")
        if idle and not deploying
        else None,
        Concern("warn", f"Paused in Airflow: {', '.join(paused)}. Unpause to resume.") if paused else None,
        Concern("warn", f"{failed_tasks} task(s) failed in the last 24 hours, after all retries.")
        if failed_tasks
        else None,
        *(Concern("warn", text, "insight") for text in drift),
    ]
    return [concern for concern in found if concern]


def _model(endpoint: ProjectVersion | None, waiting_uploads: int) -> Concern | None:
    if endpoint is not None and endpoint.status == RUNNING:
        return None
    waiting = f"; {waiting_uploads} upload(s) waiting" if waiting_uploads else ""
    if endpoint is None:
        return Concern("warn", f"No model is deployed yet; the first training will deploy one{waiting}.", "upload")
    return Concern(
        "bad", f"The model {endpoint.name} is {status_label(endpoint.status)} and does not serve{waiting}.", "models"
    )
