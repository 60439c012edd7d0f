"""What a trained model can do, of whichever kind it is, and the file that it is kept in."""

from pathlib import Path
from typing import Protocol, Self

import numpy as np

from local_aws.rekognition.classifier import Classifier
from local_aws.rekognition.features import Vector
from local_aws.rekognition.keypoint_classifier import KeypointClassifier


class Model(Protocol):
    """Read-only, so any number of threads may use it."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of all that is by label."""

    @property
    def thresholds(self) -> Vector:
        """Each label's assumed threshold, 0..1."""

    def judge(self, body: bytes) -> Vector:
        """Return the confidences 0..1 of an image file; raises ``UnusableImageError``."""

    def with_thresholds(self, thresholds: Vector) -> Self:
        """Return the same model with these assumed thresholds."""

    def save(self, path: Path) -> None:
        """Write the model to one file."""


def load(path: Path) -> Model:
    """Read a model of either kind."""
    with np.load(path, allow_pickle=False) as stored:
        kind = KeypointClassifier if "keypoints" in stored else Classifier
    return kind.load(path)
