"""How old the test images are, how often they have decided, and how good a version is on each part of them.

Old images tell little about what is uploaded now. And whoever chooses the best of many versions by the same images
chooses those that suit these images by chance (Dwork et al., "The reusable holdout", Science 349, 2015).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date
from statistics import median_low

from label_loop.domain.dataset_version import DatasetRole, role_of_test
from label_loop.domain.evaluated_images import EvaluatedImage
from label_loop.domain.moments import read_moment

OLDEST_DAYS = 180
MOST_DECISIONS = 20
AGE, DECISIONS = "age of the test images", "decisions by the test images"


@dataclass(frozen=True)
class EvaluatedPart:
    """A part of the test images: how many, their median age in days, and on how many the version is right."""

    name: str
    images: int
    median_age_days: int
    right: int


@dataclass(frozen=True)
class EvaluatedSet:
    """The test images of a version: core, held out, human samples.

    ``decisions`` is how many versions in a row the median image of the newest test set has tested, None if not known:
    so many decisions were taken by at least half of these images.
    """

    parts: tuple[EvaluatedPart, ...]
    median_age_days: int
    decisions: int | None = None

    def warnings(self) -> dict[str, str]:
        """Return what speaks against the test images, by kind, each in one sentence."""
        found = {}
        if self.median_age_days > OLDEST_DAYS:
            found[AGE] = (
                f"Half of the test images are at least {self.median_age_days} days old, and may say little about what "
                "is uploaded now: answer human samples, or add newer images to the test set."
            )
        if self.decisions is not None and self.decisions >= MOST_DECISIONS:
            found[DECISIONS] = (
                f"Half of the test images have tested each of the last {self.decisions} versions or more, so that the "
                "best of these may suit them by chance: add new images to the test set."
            )
        return found


def evaluated_set(images: Iterable[EvaluatedImage], day: date, decisions: int | None) -> EvaluatedSet | None:
    """Return the state on a day of a version's test images, by what it said of them; None if there are none."""
    found: dict[DatasetRole, list[tuple[int, bool]]] = {}
    for one in images:
        moment = read_moment(one.image.modified)
        if moment:
            age = max(0, (day - moment.astimezone(UTC).date()).days)
            found.setdefault(role_of_test(one.image), []).append((age, one.is_right))
    if not found:
        return None
    parts = (
        EvaluatedPart(str(role), len(of), median_low(age for age, _ in of), sum(is_right for _, is_right in of))
        for role, of in sorted(found.items())
    )
    return EvaluatedSet(tuple(parts), median_low(age for of in found.values() for age, _ in of), decisions)
