"""Whether the serving model is idle, what detection does next, and when a wait must end."""

from datetime import datetime, timedelta
from typing import Literal

from label_loop.domain.deployment import RUNNING, STARTABLE
from label_loop.domain.moments import read_moment

IDLE = "idle"
BY_HAND = "by hand"

# A start takes minutes, with retries. A bound, since a crash may leave the record of a deployment behind.
MAX_DEPLOYMENT_TIME = timedelta(hours=2)
# From the record of a stop to the response of AWS; a crash between the two leaves a running model.
_MAX_STOP_TIME = timedelta(minutes=1)

type NextAction = Literal["detect", "start", "report", "wait"]

STOPPED = frozenset({"STOPPING", "STOPPED"})
_ON_ITS_WAY = frozenset({"STARTING", "STOPPING"})


def next_action(
    status: str | None, stopped_because: str | None, *, uploads_wait: bool, is_outage_reported: bool
) -> NextAction:
    """Return what detection does next, given the status of the endpoint (None if the version was deleted).

    Only a model that was stopped as idle is restarted. One that a person stopped is left to that person. One that
    failed, was deleted, or was stopped elsewhere is reported once.
    """
    if status == RUNNING:
        return "detect"
    if status in _ON_ITS_WAY or stopped_because == BY_HAND:
        return "wait"
    if stopped_because == IDLE and status in STARTABLE:
        return "start" if uploads_wait else "wait"
    return "wait" if is_outage_reported else "report"


def is_being_stopped(stopped_because: str | None, stopping_since: str | None, now: datetime) -> bool:
    """Return whether an idle model is just being stopped; its status may still be RUNNING."""
    began = read_moment(stopping_since)
    return stopped_because == IDLE and began is not None and now < began + _MAX_STOP_TIME


def is_asleep(status: str, stopped_because: str | None) -> bool:
    """Return whether a model was stopped as idle, and the next upload starts it or has started it."""
    return stopped_because == IDLE and status in STARTABLE | {"STARTING", "STOPPING"}


def may_be_stopped(status: str, stopped_because: str | None) -> bool:
    """Return whether a person can stop a model: it runs, or was stopped as idle, and the next upload would start it."""
    return status == RUNNING or (stopped_because == IDLE and status in STOPPED)


def idle_since(*moments: str | datetime | None) -> datetime | None:
    """Return the latest of several moments (datetimes or ISO 8601), ignoring missing and unreadable ones."""
    return max(filter(None, map(read_moment, moments)), default=None)


def is_idle(since: datetime | None, stop_minutes: int, now: datetime) -> bool:
    """Return whether a model has been idle long enough to stop it; 0 minutes means never."""
    return bool(stop_minutes) and since is not None and now >= since + timedelta(minutes=stop_minutes)


def is_deploying(since: str | None, now: datetime) -> bool:
    """Return whether a deployment that began at ``since`` may still be in progress."""
    began = read_moment(since)
    return began is not None and now < began + MAX_DEPLOYMENT_TIME


def is_check_due(began: str, *, automatic_training: bool, frequency_minutes: int, now: datetime) -> bool:
    """Return whether a wait must end to check for versions left running; scheduled training checks do it otherwise."""
    since = read_moment(began)
    return not automatic_training and (since is None or now >= since + timedelta(minutes=frequency_minutes))
