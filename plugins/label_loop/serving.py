"""The model that serves: started, stopped when idle, by hand or without a use, and never two paid for long."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain import deployment, idleness
from label_loop.domain.idleness import BY_HAND, IDLE, Step
from label_loop.domain.moments import timestamp
from label_loop.exceptions import NothingServesError, RunningLimitError
from label_loop.hooks.aws_errors import error_code
from label_loop.inbox.sources import LoopInbox, uploads_inbox
from label_loop.loop_state import LoopState
from label_loop.model_project import ModelProject
from label_loop.payloads import ProjectVersion

log = logging.getLogger(__name__)

_STOPPED = frozenset({"STOPPING", "STOPPED"})
_SERVING_POLL_SECONDS = 20.0
_IDLE_POLL_SECONDS = 60.0  # a start takes minutes: one more does not matter, and calls do
_LIMIT_PAUSE_SECONDS = 600.0


@dataclass(frozen=True)
class Ready:
    """A version serves."""

    version: ProjectVersion


@dataclass(frozen=True)
class NotReady:
    """No version serves: how often it is worth looking again, and after how long a pause first."""

    poll_seconds: float
    pause_seconds: float = 0.0


class ServingModel(ModelProject):
    """The loop's endpoint, and what else of its project runs. Made afresh for each look at it."""

    def __init__(self, context: LoopContext) -> None:
        super().__init__(context)
        self._listed: list[ProjectVersion] | None = None

    @cached_property
    def uploads(self) -> LoopInbox:
        """Where uploads come from, to see whether any wait."""
        return uploads_inbox(self.context)

    @property
    def endpoint(self) -> ProjectVersion | None:
        """The version that shall serve, as it was seen."""
        arn = self.context.state.endpoint_arn
        return next((version for version in self._versions() if version.arn == arn), None)

    def _versions(self) -> list[ProjectVersion]:
        if self._listed is None:
            self._listed = self.versions()
        return self._listed

    # ------------------------------------------------------- for detection, which always runs

    def ensure(self) -> Ready | NotReady:
        """Do what lets uploads be detected: start a model that was stopped as idle, and stop what has no use."""
        step = self.next_step()
        self.stop_left_behind()
        endpoint = self.endpoint
        if step == "detect" and endpoint:
            self._note_served()
            return Ready(endpoint)
        if step == "give up":
            self._give_up()
        if step == "start":
            return self._start_again()
        is_idle = step == "wait" and self.context.state.stopped_because == IDLE
        return NotReady(_IDLE_POLL_SECONDS if is_idle else _SERVING_POLL_SECONDS)

    def next_step(self) -> Step:
        """Return what detection does now; before the first deployment it asks for the state alone."""
        state = self.context.refresh()
        endpoint = self.endpoint if state.endpoint_arn else None
        status = endpoint.status if endpoint else None
        may_start = state.stopped_because == IDLE and status in deployment.STARTABLE
        is_being_stopped = idleness.is_being_stopped(state.stopped_because, state.stopping_since, datetime.now(UTC))
        if status == deployment.RUNNING and is_being_stopped:
            return "wait"
        return idleness.step(status, state.stopped_because, uploads_wait=may_start and self.uploads.has_news())

    def _note_served(self) -> None:
        """Note that the model, which was seen to serve, runs again after it was idle: from now on its time counts."""
        now = _now()

        def served(state: LoopState) -> LoopState:
            # By now a person may have stopped it, and that is to be kept.
            is_idle = state.stopped_because == IDLE
            running = replace(state, stopped_because=None, stopping_since=None, endpoint_started_at=now)
            return running if is_idle else state

        self.context.change_state(served)

    def _start_again(self) -> NotReady:
        endpoint = self.endpoint
        if endpoint is None:
            return NotReady(_SERVING_POLL_SECONDS)
        try:
            if not self._is_deploying():
                self.stop(deployment.versions_to_stop(self._versions(), endpoint.arn))
            self.start(endpoint, "uploads wait for it; starting again")
            self.context.change_state(lambda state: replace(state, stopping_since=None))
        except RunningLimitError as error:
            log.warning("%s", error)
            self.announce("model_status", f"{error} Uploads wait.")
            return NotReady(_SERVING_POLL_SECONDS, _LIMIT_PAUSE_SECONDS)
        return NotReady(_SERVING_POLL_SECONDS)

    def _give_up(self) -> None:
        """Announce once that the model could not be started again: from then on it is a person's business."""
        endpoint = self.endpoint
        self.context.change_state(
            lambda state: replace(state, stopped_because=None) if state.stopped_because == IDLE else state
        )
        if endpoint:
            reason = endpoint.status_message.rstrip(".") or "no reason given"
            text = f"could not be started again ({reason}): uploads wait until a version is deployed by hand"
            self.announce_version(endpoint.name, text)

    def idle_since(self) -> str:
        """Return from when on the model had nothing to do, in ISO 8601: the last detection, or its start if later.

        Where the log knows no upload and the state no start, it is the model's creation.
        """
        state, endpoint = self.context.state, self.endpoint
        since = idleness.idle_since(
            self.context.log.latest(),
            state.endpoint_moved_at,
            state.endpoint_started_at,
            endpoint.created_at if endpoint else None,
        )
        return timestamp(since or datetime.now(UTC))

    def stop_if_idle(self, since: str) -> NotReady | None:
        """Stop the model where it is idle since too long a time; return what is to be waited for if it was stopped.

        It is not while a deployment is under way, nor while the queue still holds what is worked on.
        """
        now, minutes = datetime.now(UTC), self.context.settings.idle_model_stop_minutes
        if not idleness.is_idle(idleness.idle_since(since), minutes, now):
            return None
        state = self.context.refresh()
        moved_since = idleness.idle_since(since, state.endpoint_moved_at, state.endpoint_started_at)
        if not idleness.is_idle(moved_since, minutes, now) or idleness.is_deploying(state.deploying_since, now):
            return None
        endpoint = self.endpoint
        if endpoint is None or endpoint.status != deployment.RUNNING or self.uploads.has_news():
            return None
        text = f"stopped after {minutes} minutes without uploads; the next upload starts it again"
        return NotReady(_IDLE_POLL_SECONDS) if self._stop_endpoint(endpoint, IDLE, text) else None

    def stop_left_behind(self) -> None:
        """Stop what runs without serving where training checks, which do that, are switched off."""
        if self.context.settings.enable_automatic_training:
            return
        listed = self._versions()
        if not deployment.versions_to_stop(listed, self.context.state.endpoint_arn):
            return
        if not self._is_deploying():
            self.stop_unused()

    def _is_deploying(self) -> bool:
        # Read after the versions: a deployment writes that it is under way before it starts anything.
        return idleness.is_deploying(self.context.refresh().deploying_since, datetime.now(UTC))

    # ------------------------------------------------------------------------ start and stop

    def start(self, version: ProjectVersion, text: str) -> None:
        """Start a version with the units that the parameters ask for, and announce it.

        Raises RunningLimitError where it would be the third that is paid: an account's own limit may be higher.
        """
        others = [v.name for v in deployment.versions_to_stop(self.versions(), version.arn)]
        if len(others) >= deployment.MOST_PAID:
            raise RunningLimitError(
                f"{version.name} was not started: {', '.join(others)} run or start, and no third version shall be "
                "paid beside them. What does not serve is stopped as soon as it can be; it is tried again."
            )
        settings = self.context.settings
        units = deployment.Units.of(settings.minimum_inference_units, settings.maximum_inference_units)
        try:
            self.context.rekognition.start_version(version.arn, units.least, units.most)
        except ClientError as error:
            if error_code(error) != "LimitExceededException":
                raise
            raise RunningLimitError(
                f"{version.name} was not started: Rekognition runs as many versions as this account may (two a "
                "region, unless AWS raised it). Those that run idle in this project are being stopped, and it is "
                "tried again; stop another project's model, or ask AWS for a higher limit, if that does not help."
            ) from error
        self.announce_version(version.name, f"{text} with {units}")

    def stop(self, versions: Iterable[ProjectVersion]) -> list[str]:
        """Stop versions that do not serve; return the names of those that cannot stop yet."""
        busy = []
        for version in versions:
            if self.context.rekognition.stop_version(version.arn):
                self.announce_version(version.name, "stopped: it was running and does not serve")
            else:
                busy.append(version.name)
        return busy

    def stop_unused(self) -> list[str]:
        """Stop each version that costs money and does not serve; return the names of those that cannot stop yet.

        That is the previous version after a deployment, a new one after a failed one, and whatever a crash or
        a person left running.
        """
        seen = self.context.refresh()
        busy = self.stop(deployment.versions_to_stop(self.versions(), seen.endpoint_arn))
        if not busy:
            self.context.change_state(
                # Another deployment may have begun meanwhile.
                lambda state: (
                    replace(state, deploying_since=None) if state.deploying_since == seen.deploying_since else state
                )
            )
        return busy

    def stop_by_hand(self, *, asked_by: str) -> str:
        """Stop the version that serves, and keep it as the endpoint: uploads wait until it is deployed again.

        Return its name. Raises NothingServesError where none runs that can be stopped.
        """
        self.context.refresh()
        version = self.endpoint
        if version is None:
            raise NothingServesError(f"{self.context.loop.name} has no deployed model to stop.")
        text = f"stopped, as {asked_by} asked; uploads wait until it is deployed again"
        if version.status == deployment.RUNNING and self._stop_endpoint(version, BY_HAND, text, asked_by=asked_by):
            return version.name
        if self.context.state.stopped_because == IDLE and version.status in _STOPPED:
            self.context.change_state(lambda state: replace(state, stopped_because=BY_HAND))
            self.announce_version(version.name, f"stays {text}", asked_by=asked_by)
            return version.name
        raise NothingServesError(
            f"{version.name} is {deployment.spoken(version.status)}: only a model that runs can be stopped."
        )

    def _stop_endpoint(self, version: ProjectVersion, because: str, text: str, **facts: str) -> bool:
        """Stop the version that serves, keep it as the endpoint, and announce it; return False where it cannot stop.

        The reason is recorded first: a crash between the two leaves a model that runs, not one that nobody starts.
        """

        def stopped(state: LoopState) -> LoopState:
            # A person's stop outweighs one for idleness; another version may serve by now.
            may_stop = because == BY_HAND or state.stopped_because is None
            if not may_stop or state.endpoint_arn != version.arn:
                return state
            return replace(state, stopped_because=because, stopping_since=now)

        before, now = self.context.state, _now()
        if self.context.change_state(stopped).stopped_because != because:
            return False
        if not self.context.rekognition.stop_version(version.arn) and self.version(version.name).status not in _STOPPED:
            self.context.change_state(
                lambda state: replace(state, stopped_because=before.stopped_because, stopping_since=None)
            )
            return False
        self.announce_version(version.name, text, **facts)
        return True


def _now() -> str:
    return timestamp(datetime.now(UTC))
