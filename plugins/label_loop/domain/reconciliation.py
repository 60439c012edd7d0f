"""When a folder is listed for what no event told of, and which of its objects are looked at."""

from datetime import datetime, timedelta
from typing import NamedTuple

from label_loop.domain.moments import read_moment

BETWEEN_LISTINGS = timedelta(hours=1)
# An event comes within seconds, sometimes after a minute: what is younger is not missed yet.
GRACE = timedelta(minutes=5)
# S3 dates a multipart upload by its start, so an object may appear behind what was seen already.
LOOK_BACK = timedelta(minutes=15)
FROM_THE_BEGINNING = "1970-01-02T00:00:00+00:00"


class Window(NamedTuple):
    """The times of the objects that a listing looks at: later than the first, and up to the second."""

    after: datetime
    until: datetime

    def has(self, modified: datetime) -> bool:
        """Return whether an object of that time is looked at."""
        return self.after < modified <= self.until


def next_listing(seen_until: str | None) -> datetime | None:
    """Return when the folder is to be listed again; None where it was never said from when on."""
    seen = read_moment(seen_until)
    return seen + GRACE + BETWEEN_LISTINGS if seen else None


def window(seen_until: str, now: datetime) -> Window:
    """Return what a listing at a moment looks at, by until when the folder was seen (ISO 8601)."""
    seen = read_moment(seen_until) or now
    return Window(seen - LOOK_BACK, now - GRACE)
