"""What alike images do to a loop's test set: whether the score that it tells is the true one, and what still trains."""

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import mean

import numpy as np
from PIL import Image
from sklearn.metrics import f1_score

from bench.figures import Figure
from label_loop.domain.images import inspect_image
from label_loop.domain.roles import EarlierRoles, divide
from label_loop.domain.training_images import TrainedImages
from label_loop.payloads import LABELLED_FOLDER, LabelledImage
from local_aws.rekognition.classifier import Classifier, fit
from local_aws.rekognition.features import Vector, describe
from local_aws.rekognition.images import Pixels, read_pixels
from sample_images.digits import digits

COPIES = 200
FRAMES = 10
_CLOSE = 0.03
_SIDE = 96  # pixels of the fixed camera's pictures


@dataclass(frozen=True)
class Shot:
    """A picture: its file and its label."""

    body: bytes
    label: str


@cache
def _seen(shot: Shot) -> tuple[Pixels, Vector]:
    """Return what the model sees of a shot, and its features."""
    pixels = read_pixels(shot.body)
    return pixels, describe(pixels)


@dataclass(frozen=True)
class Told:
    """The macro F1 score that a loop is told, by a random fifth and by its own test set, and the true ones, 0 to 1."""

    split: float
    split_true: float
    own: float
    own_true: float


def measure(seeds: Sequence[int], objects: int) -> list[Figure]:
    """Return how far the told score is from the true one, and which share of a fixed camera's images is used."""
    copied = [_told(seed, _with_copies(seed, objects), objects) for seed in seeds]
    filmed = [_told(seed, _with_frames(seed, objects), objects) for seed in seeds]
    used = min(_share_used(_fixed_camera(seed)) for seed in seeds)
    by = f"mean of seeds {seeds[0]}..{seeds[-1]}"
    return [
        _off(f"one image {COPIES} times: told F1 - true F1", copied, by),
        _off(f"{FRAMES} alike frames an object: told F1 - true F1", filmed, by),
        Figure("fixed camera, 300 images of ok and defect: used", used, at_least=0.95, note="least of the seeds"),
    ]


def _off(name: str, told: Sequence[Told], by: str) -> Figure:
    split = mean(one.split - one.split_true for one in told)
    own = mean(one.own - one.own_true for one in told)
    true = mean(one.own_true for one in told)
    note = f"{by}; true F1 {true:.3f}; by a random fifth {split:+.3f}"
    return Figure(name, abs(own), at_most=_CLOSE, digits=3, note=note)


# ------------------------------------------------------------------ sets of images


@cache
def _digits() -> Sequence[Shot]:
    return [Shot(picture.body, picture.label) for picture in digits()]


def _chosen(seed: int, objects: int) -> tuple[list[Shot], list[Shot]]:
    """Return the objects that are labelled, and all others, which tell the truth."""
    shots = _digits()
    order = np.random.default_rng(seed).permutation(len(shots))
    return [shots[n] for n in order[:objects]], [shots[n] for n in order[objects:]]


def _with_copies(seed: int, objects: int) -> list[Shot]:
    labelled, _ = _chosen(seed, objects)
    return [*labelled, *[labelled[0]] * COPIES]


def _with_frames(seed: int, objects: int) -> list[Shot]:
    labelled, _ = _chosen(seed, objects)
    chance = np.random.default_rng(seed)
    return [Shot(_frame(shot.body, chance), shot.label) for shot in labelled for _ in range(FRAMES)]


def _frame(body: bytes, chance: np.random.Generator) -> bytes:
    """Return a picture again, moved by a pixel or none, a little lighter or darker, with noise, compressed anew."""
    pixels = np.asarray(Image.open(io.BytesIO(body)).convert("L"), dtype=float)
    moved = np.roll(pixels, chance.integers(-1, 2, 2), (0, 1)) * chance.uniform(0.95, 1.05)
    return _jpeg(moved + chance.normal(0, 3, pixels.shape), int(chance.integers(80, 96)))


def _fixed_camera(seed: int) -> list[Shot]:
    """Return pictures of one scene in changing light, of which every third has a scratch."""
    chance = np.random.default_rng(seed)
    scene = np.asarray(Image.fromarray(chance.integers(0, 256, (6, 6), dtype=np.uint8)).resize((_SIDE, _SIDE)))
    shots = []
    for number in range(300):
        pixels = scene * chance.uniform(0.9, 1.1) + chance.normal(0, 3, scene.shape)
        if number % 3 == 0:
            row, column = chance.integers(0, _SIDE - 12, 2)
            pixels[row : row + 3, column : column + 12] = 0
        shots.append(Shot(_jpeg(pixels, 90), "ok" if number % 3 else "defect"))
    return shots


def _jpeg(pixels: np.ndarray[tuple[int, ...], np.dtype[np.float64]], quality: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).convert("RGB").save(file, "JPEG", quality=quality)
    return file.getvalue()


# ---------------------------------------------------------------- what becomes of them


def _listed(shots: Iterable[Shot]) -> list[LabelledImage]:
    """Return shots as the loop knows them once it has read them; their number is their ETag."""
    known = []
    for number, shot in enumerate(shots):
        key, arrived = f"{LABELLED_FOLDER}{shot.label}/{number:05}", f"2026-11-23T09:00:00.{number:06}"
        content, look = hashlib.sha256(shot.body).hexdigest(), inspect_image(shot.body).perceptual_hash
        known.append(LabelledImage(key, shot.label, arrived, str(number), content, look))
    return known


def _divided(shots: Sequence[Shot]) -> tuple[list[int], list[int]]:
    """Return the numbers of the shots that train and of those that test."""
    division = divide(_listed(shots), [], EarlierRoles.of((), ()), TrainedImages(()))
    return [int(one.etag) for one in division.training], [int(one.etag) for one in division.test]


def _share_used(shots: Sequence[Shot]) -> float:
    training, test = _divided(shots)
    return (len(training) + len(test)) / len(shots)


def _told(seed: int, shots: Sequence[Shot], objects: int) -> Told:
    order = np.random.default_rng(seed).permutation(len(shots))
    fifth = len(shots) // 5
    _, truth = _chosen(seed, objects)
    return Told(*_scores(shots, order[fifth:], order[:fifth], truth), *_scores(shots, *_divided(shots), truth))


def _scores(
    shots: Sequence[Shot], training: Sequence[int], test: Sequence[int], truth: Sequence[Shot]
) -> tuple[float, float]:
    """Return the score on the test images and on the truth."""
    chosen = [shots[n] for n in training]
    pixels, features = zip(*map(_seen, chosen), strict=True)
    model = fit(pixels, np.stack(features), [shot.label for shot in chosen])
    return _f1(model, [shots[n] for n in test]), _f1(model, truth)


def _f1(model: Classifier, shots: Sequence[Shot]) -> float:
    confidences = model.confidences(np.stack([_seen(shot)[1] for shot in shots]))
    guesses = np.array(model.labels)[confidences.argmax(axis=1)]
    return float(f1_score([shot.label for shot in shots], guesses, average="macro", zero_division=0.0))
