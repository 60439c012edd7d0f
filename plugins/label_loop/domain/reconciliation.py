"""When a folder is listed for objects without an event, and which of its objects are checked."""

from datetime import datetime, timedelta
from typing import NamedTuple

from label_loop.domain.moments import read_moment

BETWEEN_LISTINGS = timedelta(hours=1)
# Events arrive within seconds, sometimes after a minute: younger objects are not missing yet.
GRACE = timedelta(minutes=5)
# S3 dates a multipart upload by its start, so an object may appear before the mark.
LOOK_BACK = timedelta(minutes=15)
FROM_THE_BEGINNING = "1970-01-02T00:00:00+00:00"


class ListingWindow(NamedTuple):
    """The last-modified times that a listing checks: after the first, up to and including the second."""

    after: datetime
    until: datetime

    def has(self, modified: datetime) -> bool:
        """Return whether an object with this last-modified time is checked."""
        return self.after < modified <= self.until


def next_listing(seen_until: str | None) -> datetime | None:
    """Return when the folder is to be listed next; None without a (readable) mark."""
    seen = read_moment(seen_until)
    return seen + GRACE + BETWEEN_LISTINGS if seen else None


def window(seen_until: str, now: datetime) -> ListingWindow:
    """Return the window of a listing at ``now``; ``seen_until`` is the mark in ISO 8601."""
    seen = read_moment(seen_until) or now
    return ListingWindow(seen - LOOK_BACK, now - GRACE)
