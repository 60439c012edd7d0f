"""What runs costs, whether it is used or not."""

from collections.abc import Iterable

from label_loop.domain.deployment import BILLED
from label_loop.payloads import ProjectVersion


def usd_per_hour(versions: Iterable[ProjectVersion], inference_unit_usd_per_hour: float) -> float:
    """Return what versions cost an hour as they are now; one that runs has at least one inference unit."""
    units = sum(version.inference_units or 1 for version in versions if version.status in BILLED)
    return units * inference_unit_usd_per_hour
