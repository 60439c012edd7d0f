"""How often drift is reported: of streams that drift, and of streams that do not.

The streams are what real models of the local endpoint say of digits that they were not trained with. Seeds are fixed:
history n draws with seed n.
"""

import io
import math
import statistics as numbers
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import islice

import numpy as np
from PIL import Image, ImageFilter

from bench.figures import Figure
from label_loop.domain import statistics
from label_loop.domain.drift import error_drift, input_drift
from label_loop.domain.insight import DailyCounts
from local_aws.rekognition.classifier import Matrix, fit
from local_aws.rekognition.features import describe
from local_aws.rekognition.images import SIDE, Pixels
from sample_images.digits import digits

UPLOADS_PER_DAY = 100
SAMPLING_INTERVAL = 20
BURST = 10  # alike frames
STEADY_DAYS = 90
DRIFT_FROM_DAY = 30
ERROR_DAYS = 200
ERROR_RISES_ON_DAY = 100
_MODELS = 5
_TRAINED = 100  # images
_IMAGES, _POOL = 900, 300  # all, and those to train with; the others are uploaded
_ACCEPTED_FROM = 0.7
_FIRST = date(2026, 1, 1)
_STROKE_PIXELS = 7  # the window of the erosion; a stroke is some 20 pixels wide
type Labels = np.ndarray[tuple[int], np.dtype[np.str_]]
type Numbers = np.ndarray[tuple[int], np.dtype[np.intp]]
type Draw = Callable[[Labels, int, np.random.Generator], Numbers]  # of true labels and a day, the images uploaded
type Change = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class Detected:
    """What a model says of the images, each a label and a confidence, and the true labels."""

    labels: Labels
    confidences: Matrix
    truth: Labels


def measure(histories: int, error_histories: int) -> list[Figure]:
    """Return how many histories of each kind are reported as drift; every core works on them."""
    with ProcessPoolExecutor() as pool:
        parts = [
            pool.submit(_steady, "independent uploads", _independent, histories),
            pool.submit(_steady, f"bursts of {BURST} alike frames", _bursts, histories),
            pool.submit(_steady, "other labels each weekday", _by_weekday, histories),
            pool.submit(_reported, "digits rotated by 30°", _rotated, histories, 3),
            pool.submit(_reported, "thinner strokes", _thinned, histories, 14),
        ]
        errors = pool.submit(_of_error, error_histories)
        return [*(part.result() for part in parts), *errors.result()]


# ---------------------------------------------------------------------- streams


def _rotated(image: Image.Image) -> Image.Image:
    return image.rotate(30, fillcolor=255)


def _thinned(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.MaxFilter(_STROKE_PIXELS))  # paper is white


def as_is(image: Image.Image) -> Image.Image:
    """Return an image unchanged."""
    return image


@cache
def pixels_of(change: Change) -> tuple[list[Pixels], Matrix, Labels]:
    """Return the pixels, features and labels of changed digits."""
    found = list(islice(digits(), _IMAGES))
    images = [
        change(Image.open(io.BytesIO(one.body)).convert("L")).convert("RGB").resize((SIDE, SIDE)) for one in found
    ]
    pixels = [np.asarray(image, dtype=np.float32) / 255 for image in images]
    return pixels, np.stack([describe(one) for one in pixels]), np.array([one.label for one in found])


@cache
def uploads(seed: int, change: Change = as_is) -> Detected:
    """Return what the model of this seed says of changed images that it was not trained with."""
    pixels, features, labels = pixels_of(as_is)
    order = np.random.default_rng(seed).permutation(len(labels))
    trained, uploaded = order[:_TRAINED], order[_POOL:]
    model = fit([pixels[index] for index in trained], features[trained], list(labels[trained]))
    confidences = model.confidences(pixels_of(change)[1][uploaded])
    guesses = np.array(model.labels)[confidences.argmax(axis=1)]
    return Detected(guesses, confidences.max(axis=1), labels[uploaded])


def _independent(truth: Labels, _: int, chance: np.random.Generator) -> Numbers:
    return chance.integers(0, len(truth), UPLOADS_PER_DAY)


def _bursts(truth: Labels, _: int, chance: np.random.Generator) -> Numbers:
    return np.repeat(chance.integers(0, len(truth), UPLOADS_PER_DAY // BURST), BURST)


def _by_weekday(truth: Labels, day: int, chance: np.random.Generator) -> Numbers:
    """Draw other labels on each weekday, and fewer images on two of them."""
    weekday = day % 7
    weights = np.random.default_rng(weekday).dirichlet(np.full(10, 3.0))[truth.astype(int)]
    return chance.choice(
        len(truth), UPLOADS_PER_DAY if weekday < 5 else UPLOADS_PER_DAY // 3, p=weights / weights.sum()
    )


def _days(history: int, length: int, draw: Draw, change: Change) -> Iterator[DailyCounts]:
    chance, seed = np.random.default_rng(history), history % _MODELS
    first = _FIRST + timedelta(history % 7)
    for day in range(length):
        detected = uploads(seed, change if day >= DRIFT_FROM_DAY else as_is)
        chosen = draw(detected.truth, day, chance)
        sampled = chance.choice(chosen, len(chosen) // SAMPLING_INTERVAL, replace=False)
        counts = Counter({statistics.DETECTIONS: len(chosen)})
        counts.update(map(statistics.label_counter, map(str, detected.labels[chosen])))
        counts.update(statistics.bucket_counter(min(int(one * 20), 19)) for one in detected.confidences[chosen])
        counts[statistics.ACCEPTED] = int((detected.confidences[chosen] >= _ACCEPTED_FROM).sum())
        counts[statistics.answered_counter(statistics.SAMPLES)] = len(sampled)
        counts[statistics.agreed_counter(statistics.SAMPLES)] = int(
            (detected.labels[sampled] == detected.truth[sampled]).sum()
        )
        yield DailyCounts((first + timedelta(day)).isoformat(), f"v{seed}", counts)


# --------------------------------------------------------------------- verdicts


def _first_alarm(days: Sequence[DailyCounts], from_day: int) -> tuple[int, str] | None:
    """Return the first day from ``from_day`` on after which drift is reported, and which test reports it."""
    for day in range(from_day, len(days)):
        if input_drift(days[: day + 1]).is_alarm:
            return day, "input"
        if error_drift(days[: day + 1]).is_alarm:
            return day, "error"
    return None


def _steady(name: str, draw: Draw, histories: int) -> Figure:
    streams = (list(_days(history, STEADY_DAYS, draw, as_is)) for history in range(histories))
    found = [alarm for days in streams if (alarm := _first_alarm(days, 1))]
    return Figure(
        f"{STEADY_DAYS} days without drift, {histories} histories, {name}: false alarms",
        len(found),
        at_most=0.05 * histories,
        note=_by_test(found),
    )


def _reported(name: str, change: Change, histories: int, within: int) -> Figure:
    length = DRIFT_FROM_DAY + within
    streams = (list(_days(history, length, _independent, change)) for history in range(histories))
    found = [alarm for days in streams if (alarm := _first_alarm(days, DRIFT_FROM_DAY))]
    delay = numbers.median(day - DRIFT_FROM_DAY + 1 for day, _ in found) if found else math.inf
    return Figure(
        f"{name} from day {DRIFT_FROM_DAY} on, {histories} histories: reported within {within} days",
        len(found),
        at_least=0.9 * histories,
        note=f"after {delay:g} days (median), {_by_test(found)}",
    )


def _by_test(alarms: Sequence[tuple[int, str]]) -> str:
    by_test = Counter(test for _, test in alarms)
    return ", ".join(f"by {test} {count}" for test, count in sorted(by_test.items()))


# ------------------------------------------------------------------ error alone


def _of_error(histories: int) -> list[Figure]:
    """Return the figures of the test of the error, over 200 days with 20 answers each."""
    few, name = 0.05 * histories, f"error over {ERROR_DAYS} days, {histories} histories"
    constant = [_error_alarm(history, lambda _: 0.05) for history in range(histories)]
    falling = [_error_alarm(history, lambda day: 0.3 - 0.25 * day / ERROR_DAYS) for history in range(histories)]
    rising = [
        _error_alarm(history, lambda day: 0.05 if day < ERROR_RISES_ON_DAY else 0.15) for history in range(histories)
    ]
    late = [day for day in rising if day is not None and day >= ERROR_RISES_ON_DAY]
    return [
        Figure(f"{name}, 5 %: false alarms", sum(day is not None for day in constant), at_most=few),
        Figure(f"{name}, from 30 % down to 5 %: false alarms", sum(day is not None for day in falling), at_most=few),
        Figure(
            f"{name}, from 5 % to 15 % after {ERROR_RISES_ON_DAY} days: reported",
            len(late),
            at_least=0.9 * histories,
            note=f"after {numbers.median(late) - ERROR_RISES_ON_DAY + 1:g} days (median)" if late else "",
        ),
    ]


def _error_alarm(history: int, rate: Callable[[int], float]) -> int | None:
    """Return the first day on which a rise of the error is reported; every fifth day is asked."""
    chance = np.random.default_rng(history)
    days = [_answered(day, int(chance.binomial(20, rate(day)))) for day in range(ERROR_DAYS)]
    alarms = (day for day in range(4, ERROR_DAYS, 5) if error_drift(days[: day + 1]).is_alarm)
    return next(alarms, None)


def _answered(day: int, wrong: int) -> DailyCounts:
    counts = {
        statistics.answered_counter(statistics.SAMPLES): 20,
        statistics.agreed_counter(statistics.SAMPLES): 20 - wrong,
    }
    return DailyCounts((_FIRST + timedelta(day)).isoformat(), "v1", counts)
