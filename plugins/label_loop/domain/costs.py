"""The cost of running versions, used or not."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from label_loop.domain.deployment import BILLED
from label_loop.payloads import ProjectVersion


@dataclass(frozen=True)
class Cost:
    """A cost in US dollars. ``most_usd_per_hour`` is the higher bound if Rekognition may scale a version by itself."""

    usd_per_hour: float
    most_usd_per_hour: float

    @property
    def usd_per_day(self) -> float:
        """The cost of 24 hours at the present rate."""
        return 24 * self.usd_per_hour

    @property
    def scales(self) -> bool:
        """Whether autoscaling may raise it."""
        return self.most_usd_per_hour > self.usd_per_hour

    def usd_per_image(self, detections_per_day: float | None) -> float | None:
        """Return the cost per detection; None if nothing runs or nothing was detected."""
        return self.usd_per_day / detections_per_day if detections_per_day and self.usd_per_hour else None


def cost(versions: Iterable[ProjectVersion], inference_unit_usd_per_hour: float) -> Cost:
    """Return the present cost of versions; a billed version has at least one inference unit."""
    least = most = 0
    for version in versions:
        if version.status in BILLED:
            units = version.inference_units or 1
            least += units
            most += max(units, version.maximum_inference_units or 0)
    return Cost(least * inference_unit_usd_per_hour, most * inference_unit_usd_per_hour)


def detections_in_last_day(today: int, yesterday: int, now: datetime) -> float:
    """Return the approximate number of detections in the last 24 hours, from the counts of two days in UTC.

    Yesterday's count is weighted by the part of yesterday that lies within the 24 hours.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + yesterday * (1 - (now - midnight) / timedelta(days=1))
