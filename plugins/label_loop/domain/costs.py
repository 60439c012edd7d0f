"""What runs costs, whether it is used or not."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from label_loop.domain.deployment import BILLED
from label_loop.payloads import ProjectVersion


@dataclass(frozen=True)
class Cost:
    """Dollars. ``most_usd_per_hour`` is more than the least where Rekognition may scale a version by itself."""

    usd_per_hour: float
    most_usd_per_hour: float

    @property
    def usd_per_day(self) -> float:
        """A day at this rate."""
        return 24 * self.usd_per_hour

    @property
    def scales(self) -> bool:
        """Whether it may become more without anybody doing anything."""
        return self.most_usd_per_hour > self.usd_per_hour

    def usd_per_image(self, detections_a_day: float | None) -> float | None:
        """Return a day's cost for each detection; None where nothing runs, or nothing was detected."""
        return self.usd_per_day / detections_a_day if detections_a_day and self.usd_per_hour else None


def cost(versions: Iterable[ProjectVersion], inference_unit_usd_per_hour: float) -> Cost:
    """Return what versions cost as they are now; one that runs has at least one inference unit."""
    least = most = 0
    for version in versions:
        if version.status in BILLED:
            units = version.inference_units or 1
            least += units
            most += max(units, version.maximum_inference_units or 0)
    return Cost(least * inference_unit_usd_per_hour, most * inference_unit_usd_per_hour)


def detections_in_a_day(today: int, yesterday: int, now: datetime) -> float:
    """Return about how many detections the last 24 hours had, from the counts of two days in UTC.

    Of yesterday's, as many count as of yesterday lies within the 24 hours.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + yesterday * (1 - (now - midnight) / timedelta(days=1))
