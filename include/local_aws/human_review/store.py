"""What human review keeps, by region and name: task templates, work teams, flow definitions, human loops."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock
from typing import Any

from local_aws.services import ACCOUNT_ID

DEFAULT_AVAILABILITY_SECONDS = 864_000  # ten days, what A2I gives a private work team's tasks


def now() -> datetime:
    """Return the present, to the millisecond that answers carry, so that filters meet what was answered."""
    present = datetime.now(UTC)
    return present.replace(microsecond=present.microsecond // 1000 * 1000)


def arn(region: str, kind: str, name: str) -> str:
    """Make the ARN of a resource of ours."""
    return f"arn:aws:sagemaker:{region}:{ACCOUNT_ID}:{kind}/{name}"


@dataclass
class Resource:
    """A resource of the control plane; ``about`` is what it was created with."""

    name: str
    arn: str
    about: dict[str, Any]
    created: datetime = field(default_factory=now)
    created_clock: float = field(default_factory=time.monotonic)


@dataclass
class HumanLoop:
    """One task, answered by as many workers as its flow definition wants."""

    name: str
    region: str
    arn: str
    flow: Resource
    input_content: Any
    created: datetime = field(default_factory=now)
    started_clock: float = field(default_factory=time.monotonic)
    stopped_clock: float | None = None
    status: str = "InProgress"
    failure_code: str | None = None
    failure_reason: str | None = None
    output_uri: str | None = None
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def task_count(self) -> int:
        """How many workers answer."""
        return int(self.flow.about["HumanLoopConfig"]["TaskCount"])

    @property
    def availability_seconds(self) -> float:
        """How long the task waits for its answers."""
        config = self.flow.about["HumanLoopConfig"]
        return float(config.get("TaskAvailabilityLifetimeInSeconds", DEFAULT_AVAILABILITY_SECONDS))


class Store:
    """Everything, behind one lock."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.task_uis: dict[tuple[str, str], Resource] = {}
        self.workteams: dict[tuple[str, str], Resource] = {}
        self.flows: dict[tuple[str, str], Resource] = {}
        self.loops: dict[tuple[str, str], HumanLoop] = {}
