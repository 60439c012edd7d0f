"""Watches the model versions, and whether one serves at every moment from the first deployment on."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

RUNNING = "RUNNING"
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Moment:
    """One check: the endpoint right before and right after the versions' statuses (by ARN, oldest first)."""

    endpoint_before: str | None
    statuses: Mapping[str, str]
    endpoint_after: str | None

    @property
    def is_gap(self) -> bool:
        """Whether the serving version was not running. If it changed meanwhile, one of the two must have run."""
        if self.endpoint_before is None:
            return False
        return all(self.statuses.get(arn or "") != RUNNING for arn in (self.endpoint_before, self.endpoint_after))


@dataclass
class History:
    """What was observed of the versions."""

    served_looks: int = 0
    gaps: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    latest: Moment = Moment(None, {}, None)

    def add(self, moment: Moment) -> list[str]:
        """Add one check; return what has changed since the last one, as lines for people."""
        changes = [
            f"version {number} is {status}"
            for number, (arn, status) in enumerate(moment.statuses.items(), start=1)
            if self.latest.statuses.get(arn) != status
        ]
        if moment.endpoint_after != self.latest.endpoint_after:
            changes.append(f"version {number_of(moment.endpoint_after, moment.statuses)} serves")
        if moment.is_gap:
            self.gaps.append(describe(moment))
        self.served_looks += moment.endpoint_before is not None and not moment.is_gap
        self.changes += changes
        self.latest = moment
        return changes


def number_of(arn: str | None, statuses: Mapping[str, str]) -> int:
    """Return the number of the version with an ARN, counting from the oldest; 0 if it is none of them."""
    return next((number for number, each in enumerate(statuses, start=1) if each == arn), 0)


def describe(moment: Moment) -> str:
    """Return a short description of the versions, such as ``1 RUNNING (serves), 2 STARTING``."""
    words = [
        f"{number} {status}{' (serves)' if arn == moment.endpoint_after else ''}"
        for number, (arn, status) in enumerate(moment.statuses.items(), start=1)
    ]
    return ", ".join(words) or "no version yet"


class VersionWatcher:
    """Checks twice a second in the background. ``endpoint`` and ``versions`` call AWS."""

    def __init__(self, endpoint: Callable[[], str | None], versions: Callable[[], list[dict[str, Any]]]) -> None:
        self._endpoint = endpoint
        self._versions = versions
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="version-watcher", daemon=True)
        self.history = History()
        self.last_look = time.monotonic()
        self.problem: Exception | None = None

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=20)

    def text(self) -> str:
        """Return a description of the last check."""
        return describe(self.history.latest)

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            try:
                before = self._endpoint()
                statuses = {each["ProjectVersionArn"]: each["Status"] for each in self._versions()}
                self.history.add(Moment(before, statuses, self._endpoint()))
            except (BotoCoreError, ClientError) as error:
                self.problem = error
                return
