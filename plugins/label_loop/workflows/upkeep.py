"""The serving model: stopped when idle, started again when uploads wait. Detection, which always runs, does it."""

import logging
from datetime import UTC, datetime

from label_loop.context import LoopContext
from label_loop.domain import deployment, idleness
from label_loop.domain.idleness import IDLE, Step
from label_loop.domain.moments import timestamp
from label_loop.inbox.base import Inbox
from label_loop.payloads import ProjectVersion
from label_loop.workflows.deployment import DeploymentWorkflow

log = logging.getLogger(__name__)


class ServingModel(DeploymentWorkflow):
    """What runs while nothing is deployed. Made afresh for each look: it asks Rekognition once."""

    def __init__(self, context: LoopContext, inbox: Inbox) -> None:
        super().__init__(context)
        self.inbox = inbox
        self._listed: list[ProjectVersion] | None = None

    def step(self) -> Step:
        """Return what detection does now; before the first deployment it asks for the record alone."""
        record = self.context.refresh()
        endpoint = self.endpoint if record.endpoint_arn else None
        status = endpoint.status if endpoint else None
        may_start = record.stopped_because == IDLE and status in deployment.STARTABLE
        return idleness.step(status, record.stopped_because, uploads_wait=may_start and self.inbox.has_news())

    @property
    def endpoint(self) -> ProjectVersion | None:
        """The version that shall serve, as it was seen."""
        arn = self.context.record.endpoint_arn
        return next((version for version in self._versions() if version.arn == arn), None)

    def served(self) -> None:
        """Note that the model, which was seen to serve, runs again after it was idle: from now on its time counts."""
        if self.context.record.stopped_because == IDLE:
            self.context.update_record({"stopped_because": None, "endpoint_started_at": timestamp(datetime.now(UTC))})

    def start_again(self) -> None:
        """Start the model that was stopped as idle. Raises RunningLimitError where there is no room for it."""
        endpoint = self.endpoint
        if endpoint:
            if not self._is_deploying():
                self._stop(deployment.versions_to_stop(self._versions(), endpoint.arn))
            self.ask_for_start(endpoint, "uploads wait for it; starting again")

    def give_up(self) -> None:
        """Tell that the model could not be started again, once: from then on it is a person's business."""
        endpoint = self.endpoint
        self.context.update_record({"stopped_because": None})
        if endpoint:
            reason = endpoint.status_message.rstrip(".") or "no reason given"
            text = f"could not be started again ({reason}): uploads wait until a version is deployed by hand"
            self.tell_model(endpoint.name, text)

    def idle_since(self) -> str:
        """Return from when on the model had nothing to do, in ISO 8601: the last detection, or its start if later.

        Where the log knows no upload and the record no start, it is the model's creation.
        """
        record = self.context.record
        moments: list[str | datetime | None] = [
            self.context.log.latest(),
            record.endpoint_moved_at,
            record.endpoint_started_at,
        ]
        endpoint = self.endpoint
        since = idleness.idle_since(*moments, endpoint.created_at if endpoint else None)
        return timestamp(since or datetime.now(UTC))

    def stop_if_idle(self, since: str) -> bool:
        """Stop the model where it is idle since too long a time; return whether it was stopped.

        It is not while a deployment is under way, nor while the queue still holds what is worked on.
        """
        now, minutes = datetime.now(UTC), self.context.settings.idle_model_stop_minutes
        if not idleness.is_idle(idleness.idle_since(since), minutes, now):
            return False
        record = self.context.refresh()
        moved_since = idleness.idle_since(since, record.endpoint_moved_at, record.endpoint_started_at)
        if not idleness.is_idle(moved_since, minutes, now) or idleness.is_deploying(record.deploying_since, now):
            return False
        endpoint = self.endpoint
        if endpoint is None or endpoint.status != deployment.RUNNING or self.inbox.has_news():
            return False
        text = f"stopped after {minutes} minutes without uploads; the next upload starts it again"
        return self.stop_endpoint(endpoint, IDLE, text)

    def stop_left_behind(self) -> None:
        """Stop what runs without serving where training checks, which do that, are switched off."""
        if self.context.settings.enable_automatic_training:
            return
        listed = self._versions()
        if not deployment.versions_to_stop(listed, self.context.record.endpoint_arn):
            return
        if not self._is_deploying():
            self.stop_idle_versions()

    def _is_deploying(self) -> bool:
        # Read after the versions: a deployment writes there that it is under way before it starts anything.
        return idleness.is_deploying(self.context.refresh().deploying_since, datetime.now(UTC))

    def _versions(self) -> list[ProjectVersion]:
        if self._listed is None:
            self._listed = self.versions()
        return self._listed
