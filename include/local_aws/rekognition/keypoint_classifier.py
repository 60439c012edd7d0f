"""The model for things that are anywhere in their pictures, which asks whose keypoints are the nearest.

Each keypoint of an image speaks for the label that has the most similar one, by how much more similar it is than any
other label's. What all labels have in common, such as their backgrounds, speaks for none. How far the sums can be
trusted is learned from the training images, each compared with all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from local_aws.rekognition.classifier import DEFAULT_THRESHOLD, logistic_regression
from local_aws.rekognition.features import Vector
from local_aws.rekognition.images import Detail, read_detail
from local_aws.rekognition.keypoints import Matrix, describe_keypoints

MOST_KEYPOINTS = 60_000  # kept for the comparison, in all: bounds memory and the time to detect
COMPONENTS = 64  # of the descriptions
REGULARIZATION = 1.0  # sklearn's C; lower is less sure of itself


@dataclass(frozen=True, eq=False)
class KeypointClassifier:
    """A trained model; read-only, so any number of threads may use it."""

    labels: tuple[str, ...]
    mean: Vector  # of the descriptions
    components: Matrix  # (length of a description, COMPONENTS)
    keypoints: Matrix  # (keypoints, COMPONENTS), in the order of their labels
    starts: npt.NDArray[np.intp]  # where each label's keypoints begin
    weights: Matrix  # (labels, labels)
    thresholds: Vector  # (labels,), 0..1

    def judge(self, body: bytes) -> Vector:
        """Confidences 0..1 of an image file, in the order of ``labels``; raises ``UnusableImageError``."""
        return self.classify(describe_keypoints(read_detail(body))[0])

    def classify(self, keypoints: Matrix) -> Vector:
        """Confidences 0..1 of one image, of which the keypoints are described, in the order of ``labels``."""
        described = _reduced(keypoints, self.mean, self.components)
        logits = self.weights @ _votes(described @ self.keypoints.T, self.starts)
        shares = np.exp(logits - logits.max())
        return np.asarray(shares / shares.sum(), dtype=np.float32)

    def with_thresholds(self, thresholds: Vector) -> "KeypointClassifier":
        """Return the same model with these assumed thresholds."""
        return replace(self, thresholds=thresholds)

    def save(self, path: Path) -> None:
        """Write the model to one file."""
        np.savez(path, **{**vars(self), "labels": np.array(self.labels)})

    @classmethod
    def load(cls, path: Path) -> "KeypointClassifier":
        """Read a model written by ``save``."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(**{**stored, "labels": tuple(str(label) for label in stored["labels"])})


@dataclass(frozen=True)
class _Kept:
    """The keypoints that images are compared with: which image each is from, and where each label's begin."""

    described: Matrix
    owners: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]


def fit(details: Sequence[Detail], labels: Sequence[str], seed: int = 0) -> tuple[KeypointClassifier, float] | None:
    """Train on images of one label each. Return the model, and how many of these images all others recognize, 0..1.

    None where there is nothing to learn from: a label whose images show nothing, or has no second image.
    """
    return fit_described([describe_keypoints(detail, ways=2) for detail in details], labels, seed)


def fit_described(
    described: Sequence[Matrix], labels: Sequence[str], seed: int = 0
) -> tuple[KeypointClassifier, float] | None:
    """Train as ``fit`` does on images whose keypoints are described in both ways."""
    names = tuple(sorted(set(labels)))
    targets = np.array([names.index(label) for label in labels])
    kept = _keep(described, targets, len(names), seed)
    counts = np.bincount(targets, minlength=len(names))
    if kept is None or counts.min() < 2:
        return None
    mean, components = _principal_components(kept.described)
    keypoints = _reduced(kept.described, mean, components)
    votes = []
    for index, own in enumerate(described):
        similarity = _reduced(own[0], mean, components) @ keypoints.T
        similarity[:, kept.owners == index] = -1
        votes.append(_votes(similarity, kept.starts))
    compared = np.stack(votes)
    scale = float(compared.std()) or 1.0
    # Without a bias, what shows nothing known is as likely to be of each label.
    weights, _ = logistic_regression(compared / scale, targets, REGULARIZATION, has_bias=False)
    model = KeypointClassifier(
        labels=names,
        mean=mean,
        components=components,
        keypoints=keypoints,
        starts=kept.starts,
        weights=weights / np.float32(scale),
        thresholds=np.full(len(names), DEFAULT_THRESHOLD, dtype=np.float32),
    )
    return model, float((compared.argmax(axis=1) == targets).mean())


def _keep(described: Sequence[Matrix], targets: npt.NDArray[np.intp], label_count: int, seed: int) -> _Kept | None:
    """Keep an even share a label, chosen at random where a label has more; None where a label has none."""
    random = np.random.default_rng(seed)
    kept, owners = [], []
    for label in range(label_count):
        images = np.flatnonzero(targets == label).tolist()
        own = np.concatenate([described[image].reshape(-1, described[image].shape[-1]) for image in images])
        owner = np.repeat(images, [described[image].shape[0] * described[image].shape[1] for image in images])
        chosen = random.permutation(len(own))[: MOST_KEYPOINTS // label_count]
        kept.append(own[chosen])
        owners.append(owner[chosen])
    if not all(len(own) for own in kept):
        return None
    starts = np.cumsum([0, *(len(own) for own in kept[:-1])]).astype(np.intp)
    return _Kept(np.concatenate(kept), np.concatenate(owners), starts)


def _principal_components(described: Matrix) -> tuple[Vector, Matrix]:
    mean = described.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov(described - mean, rowvar=False))
    return np.asarray(mean, dtype=np.float32), np.asarray(vectors[:, ::-1][:, :COMPONENTS], dtype=np.float32)


def _reduced(described: Matrix, mean: Vector, components: Matrix) -> Matrix:
    reduced = (described - mean) @ components
    length = np.linalg.norm(reduced, axis=1, keepdims=True)
    return np.asarray(reduced / (length + np.float32(1e-6)), dtype=np.float32)


def _votes(similarity: Matrix, starts: npt.NDArray[np.intp]) -> Vector:
    """Return what the keypoints of an image, compared as (own, kept), say for each label, on average."""
    if not len(similarity):
        return np.zeros(len(starts), dtype=np.float32)
    nearest = np.maximum.reduceat(similarity, starts, axis=1)
    second = np.partition(nearest, -2, axis=1)[:, -2:-1]
    return np.asarray(np.maximum(0, nearest - second).mean(axis=0), dtype=np.float32)
