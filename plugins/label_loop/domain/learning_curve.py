"""What more labels are worth: the learning curve through the scores of the versions trained so far."""

import math
from collections.abc import Collection
from dataclasses import dataclass

MORE_LABELS = 50
_MIN_VERSIONS = 3
_MIN_GROWTH = 1.5  # of the training set between the versions, below which the slope is noise


@dataclass(frozen=True)
class EvaluatedVersion:
    """A version's F1 score, 0 to 1, and its number of training and test images."""

    f1_score: float
    training_images: int
    test_images: int


@dataclass(frozen=True)
class LearningCurve:
    """How much F1, 0 to 1, ``more_labels`` added to ``training_images`` are expected to gain; by how many versions."""

    versions: int
    training_images: int
    more_labels: int
    gain: float


def learning_curve(versions: Collection[EvaluatedVersion]) -> LearningCurve | None:
    """Return what 50 more labels are worth, or None if there are too few versions.

    1 - F1 is taken to fall as a power of the number of training images (Cortes, Jackel, Solla, Vapnik and Denker, 1994;
    Hestness et al., 2017), fitted by least squares in logarithms. It needs three versions with different numbers of
    images, of which the largest is at least half as large again as the smallest. A curve that rises gains 0. Where no
    error was seen, half a test image counts as wrong.
    """
    used = [one for one in versions if one.training_images > 0 and one.test_images > 0]
    sizes = sorted({one.training_images for one in used})
    if len(sizes) < _MIN_VERSIONS or sizes[-1] < _MIN_GROWTH * sizes[0]:
        return None
    points = [(math.log(one.training_images), math.log(max(1 - one.f1_score, 0.5 / one.test_images))) for one in used]
    middle, level = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((size - middle) ** 2 for size, _ in points)
    slope = min(sum((size - middle) * (error - level) for size, error in points) / spread, 0.0)

    def error_of(images: int) -> float:
        return min(math.exp(level + slope * (math.log(images) - middle)), 1.0)

    gain = error_of(sizes[-1]) - error_of(sizes[-1] + MORE_LABELS)
    return LearningCurve(len(used), sizes[-1], MORE_LABELS, gain)
