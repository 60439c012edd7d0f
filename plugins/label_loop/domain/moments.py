"""Moments, as the loop keeps them."""

from datetime import UTC, datetime


def timestamp(moment: datetime) -> str:
    """Return a moment as the log keeps it: ISO 8601 in UTC with microseconds, which sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def read_moment(moment: str | datetime | None) -> datetime | None:
    """Return a moment that is one or is written in ISO 8601, in UTC where it tells no zone; None for anything else."""
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
