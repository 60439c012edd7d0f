"""Whether a serving model is idle, what is to be done for detection now, and when a wait has to end for either."""

from datetime import datetime, timedelta
from typing import Literal

from label_loop.domain.deployment import RUNNING, STARTABLE
from label_loop.domain.moments import read_moment

IDLE = "idle"
BY_HAND = "by hand"

# A start takes minutes and may be tried for some more. What a crash left behind holds nothing back for ever.
LONGEST_DEPLOYMENT = timedelta(hours=2)
_LONGEST_STOP = timedelta(
    minutes=1
)  # from its record to AWS's answer; a crash between the two leaves a model that runs

type Step = Literal["detect", "start", "give up", "wait"]


def step(status: str | None, stopped_because: str | None, *, uploads_wait: bool) -> Step:
    """Return what detection does, by the status of the version that shall serve (None: there is none).

    Only a model that was stopped as idle is started again: what a person stopped, or what stopped by itself, is a
    person's business.
    """
    if status == RUNNING:
        return "detect"
    if stopped_because != IDLE:
        return "wait"
    if status in STARTABLE:
        return "start" if uploads_wait else "wait"
    return "give up" if status == "FAILED" else "wait"


def is_being_stopped(stopped_because: str | None, stopping_since: str | None, now: datetime) -> bool:
    """Return whether somebody is just about to stop an idle model, which may still be seen to run."""
    began = read_moment(stopping_since)
    return stopped_because == IDLE and began is not None and now < began + _LONGEST_STOP


def is_asleep(status: str, stopped_because: str | None) -> bool:
    """Return whether a model that does not serve was stopped as idle, and is started by what comes."""
    return stopped_because == IDLE and status in STARTABLE | {"STARTING", "STOPPING"}


def idle_since(*moments: str | datetime | None) -> datetime | None:
    """Return the latest of several moments, in ISO 8601 or not; those that are missing or unreadable do not count."""
    return max(filter(None, map(read_moment, moments)), default=None)


def is_idle(since: datetime | None, stop_minutes: int, now: datetime) -> bool:
    """Return whether a model is to be stopped; 0 minutes stop none."""
    return bool(stop_minutes) and since is not None and now >= since + timedelta(minutes=stop_minutes)


def is_deploying(since: str | None, now: datetime) -> bool:
    """Return whether a deployment is under way that the record tells of."""
    began = read_moment(since)
    return began is not None and now < began + LONGEST_DEPLOYMENT


def look_is_due(began: str, *, automatic_training: bool, frequency_minutes: int, now: datetime) -> bool:
    """Return whether a wait shall end for a look at what runs, which a training check does where it is scheduled."""
    since = read_moment(began)
    return not automatic_training and (since is None or now >= since + timedelta(minutes=frequency_minutes))
