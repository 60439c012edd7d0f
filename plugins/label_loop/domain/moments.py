"""Conversion between datetimes and the ISO 8601 text that the loop stores."""

from datetime import UTC, datetime


def timestamp(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC with microseconds, which sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def read_moment(moment: str | datetime | None) -> datetime | None:
    """Return a datetime, or parse ISO 8601 text, assuming UTC without a time zone; None for anything else."""
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
