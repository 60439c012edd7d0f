"""How far off the promise of the learning curve is: digit models with more and more labels, seeds 1 to n."""

import numpy as np

from bench.drift import as_is, pixels_of
from bench.figures import Figure
from label_loop.domain.learning_curve import MORE_LABELS, EvaluatedVersion, learning_curve
from local_aws.rekognition.classifier import fit

SIZES = (30, 45, 70, 100)  # images of the versions that were trained
TESTED = 200
_POOL = 300


def measure(seeds: int) -> list[Figure]:
    """Return by how many points of F1 the promised gain of 50 more labels is off, and what was gained."""
    off, gained, promised = zip(*map(_of_seed, range(1, seeds + 1)), strict=True)
    note = f"{np.mean(promised):.1f} promised, {np.mean(gained):.1f} gained (means)"
    return [
        Figure(
            f"learning curve of {len(SIZES)} versions, {seeds} seeds: points of F1 that its promise is off, mean",
            float(np.mean(off)),
            at_most=2,
            note=note,
        )
    ]


def _of_seed(seed: int) -> tuple[float, float, float]:
    order = np.random.default_rng(seed).permutation(len(pixels_of(as_is)[2]))
    tested, rest = order[_POOL : _POOL + TESTED], order[_POOL + TESTED :]
    versions = [EvaluatedVersion(_f1(order[:size], tested), size, TESTED) for size in SIZES]
    curve = learning_curve(versions)
    gain = _f1(order[: SIZES[-1] + MORE_LABELS], rest) - _f1(order[: SIZES[-1]], rest)
    promise = curve.gain if curve else 0.0
    return 100 * abs(promise - gain), 100 * gain, 100 * promise


def _f1(trained: np.ndarray[tuple[int], np.dtype[np.intp]], tested: np.ndarray[tuple[int], np.dtype[np.intp]]) -> float:
    """Return the macro F1 score, 0 to 1."""
    pixels, features, labels = pixels_of(as_is)
    model = fit([pixels[index] for index in trained], features[trained], list(labels[trained]))
    guesses, truth = np.array(model.labels)[model.confidences(features[tested]).argmax(axis=1)], labels[tested]
    hits = [
        (2 * (guesses[truth == one] == one).sum(), (guesses == one).sum() + (truth == one).sum()) for one in set(truth)
    ]
    return float(np.mean([hit / whole for hit, whole in hits]))
