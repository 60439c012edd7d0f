"""The model: logistic regression whose confidence also asks how near the training images are.

Softmax alone is sure of things it has never seen. Here a label's confidence is its softmax share times its
*familiarity*, a sigmoid of the similarity to the nearest training image of that label. What counts as near is
learned from the training set: the usual similarity between two of its images of one label.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from local_aws.rekognition.augment import vary
from local_aws.rekognition.features import Vector, describe
from local_aws.rekognition.images import Pixels, read_pixels

REGULARIZATION = 60.0  # sklearn's C; lower is less sure of itself
VARIANT_BUDGET = 1500  # variants in all: many for few images, one for many
MAX_VARIANTS = 10
MAX_REFERENCES = 1000  # training images kept for the comparison: bounds memory and the time to detect
NEARNESS = 0.8  # share of the usual similarity at which familiarity is one half
FAMILIARITY_WIDTH = 0.04
DEFAULT_THRESHOLD = 0.5

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Classifier:
    """A trained model; read-only, so any number of threads may use it."""

    labels: tuple[str, ...]
    weights: Matrix  # (labels, features)
    bias: Vector  # (labels,)
    references: Matrix  # (images, features), in the order of their labels
    starts: npt.NDArray[np.intp]  # where each label's references begin
    usual_similarity: float
    thresholds: Vector  # (labels,), 0..1

    def confidences(self, features: Matrix) -> Matrix:
        """Confidences 0..1 of (images, features), as (images, labels); a row adds up to at most 1."""
        logits = features @ self.weights.T + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        shares /= shares.sum(axis=1, keepdims=True)
        nearest = np.maximum.reduceat(features @ self.references.T, self.starts, axis=1)
        distance = (nearest - NEARNESS * self.usual_similarity) / FAMILIARITY_WIDTH
        return np.asarray(shares / (1 + np.exp(-distance)), dtype=np.float32)

    def judge(self, body: bytes) -> Vector:
        """Confidences 0..1 of an image file, in the order of ``labels``; raises ``UnusableImageError``."""
        return self.classify(read_pixels(body))

    def classify(self, pixels: Pixels) -> Vector:
        """Confidences 0..1 of one image, in the order of ``labels``."""
        return np.asarray(self.confidences(describe(pixels)[None, :])[0], dtype=np.float32)

    def with_thresholds(self, thresholds: Vector) -> "Classifier":
        """Return the same model with these assumed thresholds."""
        return replace(self, thresholds=thresholds)

    def save(self, path: Path) -> None:
        """Write the model to one file."""
        np.savez(
            path,
            labels=np.array(self.labels),
            weights=self.weights,
            bias=self.bias,
            references=self.references,
            starts=self.starts,
            usual_similarity=self.usual_similarity,
            thresholds=self.thresholds,
        )

    @classmethod
    def load(cls, path: Path) -> "Classifier":
        """Read a model written by ``save``."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(
                labels=tuple(str(label) for label in stored["labels"]),
                weights=stored["weights"],
                bias=stored["bias"],
                references=stored["references"],
                starts=stored["starts"],
                usual_similarity=float(stored["usual_similarity"]),
                thresholds=stored["thresholds"],
            )


def fit(images: Sequence[Pixels], features: Matrix, labels: Sequence[str], seed: int = 0) -> Classifier:
    """Train on images, their features and one label each; at least two labels must occur."""
    names = tuple(sorted(set(labels)))
    targets = np.array([names.index(label) for label in labels])
    all_features, all_targets = _with_variants(images, features, targets, seed)
    weights, bias = logistic_regression(all_features, all_targets, REGULARIZATION)
    references, starts = _references(all_features, all_targets, len(names), seed)
    return Classifier(
        labels=names,
        weights=weights,
        bias=bias,
        references=references,
        starts=starts,
        usual_similarity=_usual_similarity(features, targets, seed),
        thresholds=np.full(len(names), DEFAULT_THRESHOLD, dtype=np.float32),
    )


def logistic_regression(
    features: Matrix, targets: npt.NDArray[np.intp], strength: float, *, has_bias: bool = True
) -> tuple[Matrix, Vector]:
    """Return weights, (labels, features), and bias, (labels,); ``strength`` is sklearn's C."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=100, tol=1e-3, fit_intercept=has_bias)
    model.fit(features, targets)
    weights, bias = np.asarray(model.coef_), np.asarray(model.intercept_)
    if len(weights) == 1:  # sklearn keeps one row for two classes
        weights, bias = np.vstack([-weights / 2, weights / 2]), np.array([-1, 1]) * (bias / 2)
    return weights.astype(np.float32), bias.astype(np.float32)


def recognized(features: Matrix, labels: Sequence[str], seed: int = 0) -> tuple[float, float]:
    """Return how many images have the nearest other one of their own label, 0..1, and how many would by chance.

    Of many images, as many are looked at as serve as references.
    """
    chosen = np.random.default_rng(seed).permutation(len(features))[:MAX_REFERENCES]
    own = np.unique(np.array(labels)[chosen], return_inverse=True)[1]
    similarity = features[chosen] @ features[chosen].T
    np.fill_diagonal(similarity, -1.0)
    shares = np.bincount(own) / len(own)
    return float((own[similarity.argmax(axis=1)] == own).mean()), float((shares**2).sum())


def _with_variants(
    images: Sequence[Pixels], features: Matrix, targets: npt.NDArray[np.intp], seed: int
) -> tuple[Matrix, npt.NDArray[np.intp]]:
    fewest = 1 if len(images) <= 2 * VARIANT_BUDGET else 0
    rounds = int(np.clip(VARIANT_BUDGET // len(images), fewest, MAX_VARIANTS))
    random = np.random.default_rng(seed)
    variants = [np.stack([describe(vary(image, random)) for image in images]) for _ in range(rounds)]
    return np.concatenate([features, *variants]), np.tile(targets, rounds + 1)


def _references(
    features: Matrix, targets: npt.NDArray[np.intp], label_count: int, seed: int
) -> tuple[Matrix, npt.NDArray[np.intp]]:
    """Keep an even share a label, chosen at random where a label has more."""
    share = max(1, MAX_REFERENCES // label_count)
    random = np.random.default_rng(seed)
    kept = []
    for label in range(label_count):
        own = np.flatnonzero(targets == label)
        kept.append(own if len(own) <= share else np.sort(random.permutation(own)[:share]))
    starts = np.cumsum([0, *(len(own) for own in kept[:-1])]).astype(np.intp)
    return np.ascontiguousarray(features[np.concatenate(kept)]), starts


def _usual_similarity(features: Matrix, targets: npt.NDArray[np.intp], seed: int) -> float:
    """Median similarity of an image to the nearest other one of its label, within sane bounds."""
    sample = np.random.default_rng(seed).permutation(len(features))[:MAX_REFERENCES]
    similarity = features[sample] @ features[sample].T
    same = targets[sample][:, None] == targets[sample][None, :]
    np.fill_diagonal(same, False)
    nearest = np.where(same, similarity, -1.0).max(axis=1)
    nearest = nearest[nearest > -1.0]
    if len(nearest) < len(sample) / 2:  # too few labels have a second image to tell
        return 0.6
    return float(np.clip(np.median(nearest), 0.5, 0.9))
