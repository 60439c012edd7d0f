"""The serving model: starts it, and stops it when idle or by hand; stops versions that run without serving."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain import deployment, idleness
from label_loop.domain.idleness import BY_HAND, IDLE, NextAction
from label_loop.domain.moments import timestamp
from label_loop.domain.statistics import version_name
from label_loop.exceptions import NoServingModelError, RunningLimitError
from label_loop.hooks.aws_errors import error_code
from label_loop.inbox.sources import LoopInbox, uploads_inbox
from label_loop.loop_state import LoopState
from label_loop.model_project import ModelProject
from label_loop.payloads import ProjectVersion

log = logging.getLogger(__name__)

_SERVING_POLL_SECONDS = 20.0
_IDLE_POLL_SECONDS = 60.0  # a start takes minutes anyway, and this saves calls
_LIMIT_PAUSE_SECONDS = 600.0


@dataclass(frozen=True)
class Ready:
    """The endpoint is running."""

    version: ProjectVersion


@dataclass(frozen=True)
class NotReady:
    """No version serves: poll at this interval, after an initial pause."""

    poll_seconds: float
    pause_seconds: float = 0.0


class ServingModel(ModelProject):
    """The endpoint of a loop, and the other versions of its project. One instance reads their status once."""

    def __init__(self, context: LoopContext) -> None:
        super().__init__(context)
        self._listed: list[ProjectVersion] | None = None

    @cached_property
    def uploads(self) -> LoopInbox:
        """The inbox of uploads, to see whether any are waiting."""
        return uploads_inbox(self.context)

    @property
    def endpoint(self) -> ProjectVersion | None:
        """The version that is to serve, as last read; None before the first deployment, or if it was deleted."""
        arn = self.context.store.state.endpoint_arn
        return next((version for version in self._versions() if version.arn == arn), None)

    def _versions(self) -> list[ProjectVersion]:
        if self._listed is None:
            self._listed = self.versions()
        return self._listed

    # ---------------------------------------------------------------------------- for detection

    def ensure(self) -> Ready | NotReady:
        """Prepare for detection: start a model that was stopped as idle if uploads wait, and stop unused versions."""
        action = self.next_action()
        self.stop_left_behind()
        endpoint = self.endpoint
        if action == "detect" and endpoint:
            self._note_served()
            return Ready(endpoint)
        if action == "report":
            self._report_outage()
        if action == "start":
            return self._start_again()
        is_idle = action == "wait" and self.context.store.state.stopped_because == IDLE
        return NotReady(_IDLE_POLL_SECONDS if is_idle else _SERVING_POLL_SECONDS)

    def next_action(self) -> NextAction:
        """Return what detection does next. Before the first deployment this reads only the state of the loop."""
        state = self.context.store.refresh()
        endpoint = self.endpoint if state.endpoint_arn else None
        status = endpoint.status if endpoint else None
        may_start = state.stopped_because == IDLE and status in deployment.STARTABLE
        is_being_stopped = idleness.is_being_stopped(state.stopped_because, state.stopping_since, datetime.now(UTC))
        if status == deployment.RUNNING and is_being_stopped:
            return "wait"
        return idleness.next_action(
            status,
            state.stopped_because,
            uploads_wait=may_start and self.uploads.has_unfinished(),
            is_outage_reported=_is_settled(state),
        )

    def _note_served(self) -> None:
        """Record that the model is running again; after an idle stop, its idle time counts from now on."""
        now = _now()

        def served(state: LoopState) -> LoopState:
            # A person may have stopped it in the meantime, which must be kept.
            is_idle = state.stopped_because == IDLE
            state = replace(state, outage_reported_of=None)
            running = replace(state, stopped_because=None, stopping_since=None, endpoint_started_at=now)
            return running if is_idle else state

        self.context.store.change_state(served)

    def _start_again(self) -> NotReady:
        endpoint = self.endpoint
        if endpoint is None:
            return NotReady(_SERVING_POLL_SECONDS)
        try:
            if not self._is_deploying():
                self.stop(deployment.versions_to_stop(self._versions(), endpoint.arn))
            self.start(endpoint, "uploads are waiting; restarting")
            self.context.store.change_state(lambda state: replace(state, stopping_since=None))
        except RunningLimitError as error:
            log.warning("%s", error)
            self.announce("model_status", f"{error} Uploads are waiting.")
            return NotReady(_SERVING_POLL_SECONDS, _LIMIT_PAUSE_SECONDS)
        return NotReady(_SERVING_POLL_SECONDS)

    def _report_outage(self) -> None:
        """Announce, once, that the endpoint neither serves nor comes back by itself; it is left to a person."""
        endpoint, state = self.endpoint, self.context.store.state

        def reported(state: LoopState) -> LoopState:
            because = None if state.stopped_because == IDLE else state.stopped_because
            return replace(state, stopped_because=because, outage_reported_of=state.endpoint_arn)

        self.context.store.change_state(reported)
        status = deployment.status_label(endpoint.status) if endpoint else "deleted"
        message = endpoint.status_message.rstrip(".") if endpoint else ""
        dag_id = self.context.loop.dag_id("training")
        name = endpoint.name if endpoint else version_name(str(state.endpoint_arn))
        what = "its restart failed" if state.stopped_because == IDLE and endpoint else f"it is {status}"
        text = (
            f"does not serve: {what}{f' ({message})' if message else ''}, and the loop did not stop it. Uploads wait "
            f"until a version is deployed: on the page Models, or by triggering the DAG {dag_id}."
        )
        self.announce_version(name, text)

    def idle_since(self) -> str:
        """Return since when the model has been idle, in ISO 8601: the last detection, or its start if later.

        Without either it is the creation of the model.
        """
        state, endpoint = self.context.store.state, self.endpoint
        since = idleness.idle_since(
            self.context.clients.log.latest(),
            state.endpoint_moved_at,
            state.endpoint_started_at,
            endpoint.created_at if endpoint else None,
        )
        return timestamp(since or datetime.now(UTC))

    def stop_if_idle(self, since: str) -> NotReady | None:
        """Stop the model if it has been idle for too long; return NotReady if it was stopped, else None.

        It is never stopped during a deployment, nor while any message is in the queue, in flight or not.
        """
        now, minutes = datetime.now(UTC), self.context.settings.idle_model_stop_minutes
        if not idleness.is_idle(idleness.idle_since(since), minutes, now):
            return None
        state = self.context.store.refresh()
        moved_since = idleness.idle_since(since, state.endpoint_moved_at, state.endpoint_started_at)
        if not idleness.is_idle(moved_since, minutes, now) or idleness.is_deploying(state.deploying_since, now):
            return None
        endpoint = self.endpoint
        if endpoint is None or endpoint.status != deployment.RUNNING or self.uploads.has_unfinished():
            return None
        text = f"stopped after {minutes} minutes without uploads; the next upload restarts it"
        return NotReady(_IDLE_POLL_SECONDS) if self._stop_endpoint(endpoint, IDLE, text) else None

    def stop_left_behind(self) -> None:
        """Stop versions that run without serving, if scheduled training checks, which do so too, are off."""
        if self.context.settings.enable_automatic_training:
            return
        listed = self._versions()
        if not deployment.versions_to_stop(listed, self.context.store.state.endpoint_arn):
            return
        if not self._is_deploying():
            self.stop_unused()

    def _is_deploying(self) -> bool:
        # Read after the versions: a deployment records its beginning before it starts a version.
        return idleness.is_deploying(self.context.store.refresh().deploying_since, datetime.now(UTC))

    # ------------------------------------------------------------------------ start and stop

    def start(self, version: ProjectVersion, text: str) -> None:
        """Start a version with the inference units set by the parameters, and announce it.

        Raises RunningLimitError if two others of the project are billed already, or Rekognition's limit is reached.
        """
        others = [v.name for v in deployment.versions_to_stop(self.versions(), version.arn)]
        if len(others) >= deployment.MAX_BILLED_VERSIONS:
            raise RunningLimitError(
                f"{version.name} was not started: {', '.join(others)} are already running or starting, and at most "
                f"{deployment.MAX_BILLED_VERSIONS} versions may be billed at a time. Unused versions are being "
                "stopped, and the start will be retried."
            )
        units = deployment.InferenceUnits.of_settings(self.context.settings)
        try:
            self.context.clients.rekognition.start_version(version.arn, units.minimum, units.maximum)
        except ClientError as error:
            if error_code(error) != "LimitExceededException":
                raise
            raise RunningLimitError(
                f"{version.name} was not started: the account has reached its limit of running Rekognition models (two "
                "per region by default). Unused versions of this project are being stopped, and the start will be "
                "retried. If it keeps failing, stop a model of another project or request a quota increase."
            ) from error
        self.announce_version(version.name, f"{text} with {units}")

    def stop(self, versions: Iterable[ProjectVersion]) -> list[str]:
        """Stop versions; return the names of those whose status does not allow it yet."""
        busy = []
        for version in versions:
            if self.context.clients.rekognition.stop_version(version.arn):
                self.announce_version(version.name, "stopped: it was running without serving")
            else:
                busy.append(version.name)
        return busy

    def stop_unused(self) -> list[str]:
        """Stop all billed versions but the endpoint; return the names of those whose status does not allow it yet.

        These are the previous version after a deployment, a new version whose deployment failed, and versions left
        running by a crash or a person.
        """
        seen = self.context.store.refresh()
        busy = self.stop(deployment.versions_to_stop(self.versions(), seen.endpoint_arn))
        if not busy:
            self.context.store.change_state(
                # Another deployment may have begun in the meantime.
                lambda state: (
                    replace(state, deploying_since=None) if state.deploying_since == seen.deploying_since else state
                )
            )
        return busy

    def stop_by_hand(self, *, asked_by: str) -> str:
        """Stop the serving version and return its name. It stays the endpoint: uploads wait until it is redeployed.

        Raises NoServingModelError if no model runs that can be stopped.
        """
        self.context.store.refresh()
        version = self.endpoint
        if version is None:
            raise NoServingModelError(f"{self.context.loop.name} has no deployed model to stop.")
        text = f"stopped by {asked_by}; uploads wait until a version is deployed"
        if version.status == deployment.RUNNING and self._stop_endpoint(version, BY_HAND, text, asked_by=asked_by):
            return version.name
        if version.status in idleness.STOPPED and self.context.store.state.stopped_because == IDLE:
            self.context.store.change_state(lambda state: replace(state, stopped_because=BY_HAND))
            self.announce_version(version.name, f"remains {text}", asked_by=asked_by)
            return version.name
        raise NoServingModelError(
            f"{version.name} is {deployment.status_label(version.status)}; only a running model can be stopped."
        )

    def _stop_endpoint(self, version: ProjectVersion, because: str, text: str, **facts: str) -> bool:
        """Stop the endpoint, keep it as the endpoint, and announce it; return False if it cannot be stopped.

        The reason is recorded first: a crash in between leaves a running model, not one that is never restarted.
        """

        def stopped(state: LoopState) -> LoopState:
            # A stop by hand overrides an idle stop. Another version may be the endpoint by now.
            may_stop = because == BY_HAND or state.stopped_because is None
            if not may_stop or state.endpoint_arn != version.arn:
                return state
            return replace(state, stopped_because=because, stopping_since=now)

        before, now = self.context.store.state, _now()
        if self.context.store.change_state(stopped).stopped_because != because:
            return False
        if (
            not self.context.clients.rekognition.stop_version(version.arn)
            and self.version(version.name).status not in idleness.STOPPED
        ):
            self.context.store.change_state(
                lambda state: replace(state, stopped_because=before.stopped_because, stopping_since=None)
            )
            return False
        self.announce_version(version.name, text, **facts)
        return True


def _is_settled(state: LoopState) -> bool:
    """Return whether nothing is to be reported: no version is deployed yet, one is just being, or it was reported."""
    if state.endpoint_arn is None or state.outage_reported_of == state.endpoint_arn:
        return True
    return idleness.is_deploying(state.deploying_since, datetime.now(UTC))


def _now() -> str:
    return timestamp(datetime.now(UTC))
