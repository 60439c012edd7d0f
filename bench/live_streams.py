"""Streams of detections of a real model, drawn and counted by the loop's own rules.

The model of the local endpoint is trained with few digits, so that it is right on 0.85 of the others (seed 2). A stream
is drawn from what it says of these.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np

from bench.honesty import model_of, pictures
from label_loop.domain import statistics
from label_loop.domain.draws import TWICE_ANSWERS, TWICE_WEIGHT, Draw, Stratum, draw_counter
from label_loop.domain.draws import Figure as Counted
from label_loop.domain.sampling import Position, closed_blocks, drawn_chance, is_drawn

_MINIMUM_PERCENT = 70.0
_TRAINED, _POOL, _SEED = 40, 500, 2
CAMERAS = 10
type Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]
type Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True)
class Stream:
    """Detections in the order of the log: how sure the model was in percent, and whether it was right."""

    confidence: Numbers
    right: Flags

    @property
    def accepted(self) -> Flags:
        """Whether each is accepted."""
        return self.confidence >= _MINIMUM_PERCENT


@dataclass(frozen=True)
class Drawn:
    """Of each detection of a stream: the weight as a sample, 0 if it is none, and whether it was drawn for review."""

    sample: np.ndarray[tuple[int], np.dtype[np.int64]]
    review: Flags


def draw(stream: Stream, interval: int, secret: str) -> Drawn:
    """Draw by the loop's own rules."""
    ids = [f"{number:06d}" for number in range(len(stream.right))]
    blocks = closed_blocks(
        (Position("", id_) for id_ in ids), after=Position("", ""), length=interval, until="", taken={}, secret=secret
    )
    sample = np.zeros(len(ids), dtype=np.int64)
    for block in blocks:
        sample[int(block.drawn_id or "")] = block.length
    chance = drawn_chance()
    review = np.zeros(len(ids), dtype=np.bool_)
    unsure = np.flatnonzero(~stream.accepted)
    review[unsure] = [is_drawn(ids[number], chance, secret) for number in unsure]
    return Drawn(sample, review)


def counts(stream: Stream, drawn: Drawn, answered: Flags) -> Counter[str]:
    """Return what the loop counts of a stream, as its statistics do row by row."""
    accepted, right = stream.accepted, stream.right & answered
    counted = Counter({statistics.DETECTIONS: len(accepted), statistics.ACCEPTED: int(accepted.sum())})
    counted[statistics.answered_counter(statistics.REVIEWS)] = int((answered & ~accepted).sum())
    counted[statistics.agreed_counter(statistics.REVIEWS)] = int((right & ~accepted).sum())
    review = np.where(drawn.review, round(1000 / drawn_chance()), 0)
    for stratum, way, weights in (
        (Stratum.ACCEPTED, Draw.SAMPLE, np.where(accepted, drawn.sample, 0)),
        (Stratum.UNSURE, Draw.SAMPLE, np.where(accepted, 0, drawn.sample)),
        (Stratum.UNSURE, Draw.REVIEW, review),
    ):
        rows = np.flatnonzero(weights)
        own, has_answer, is_right = weights[rows], answered[rows], right[rows]
        for name, number in (
            (Counted.ROWS, len(rows)),
            (Counted.WEIGHT, own.sum()),
            (Counted.SQUARED_WEIGHT, (own**2).sum()),
            (Counted.ANSWERS, has_answer.sum()),
            (Counted.ANSWERED, own[has_answer].sum()),
            (Counted.RIGHT, own[is_right].sum()),
        ):
            counted[draw_counter(stratum, way, name)] = int(number)
    twice = np.flatnonzero(drawn.sample * review)
    counted[TWICE_WEIGHT] = int((drawn.sample[twice] * review[twice]).sum())
    counted[TWICE_ANSWERS] = int(answered[twice].sum())
    return +counted


# ------------------------------------------------------------------ streams


@cache
def _model() -> Stream:
    """Return what the model says of the digits that it was not trained with."""
    everything, order = pictures(), np.random.default_rng(_SEED).permutation(len(pictures().labels))
    known, others = order[:_TRAINED], order[_POOL:]
    model = model_of(known, list(everything.labels[known]))
    confidences = model.confidences(everything.features[others])
    guesses = np.array(model.labels)[confidences.argmax(axis=1)]
    return Stream(confidences.max(axis=1) * 100, guesses == everything.labels[others])


def stream_of_one_model(length: int, seed: int) -> Stream:
    """Return detections of the model, drawn at random from those of the digits."""
    chosen = np.random.default_rng(seed).integers(len(_model().right), size=length)
    return Stream(_model().confidence[chosen], _model().right[chosen])


def stream_of_cameras(length: int, seed: int) -> Stream:
    """Return detections of ten cameras in turn, one of which is broken: the model is always wrong on its pictures."""
    stream = stream_of_one_model(length, seed)
    is_broken = np.arange(length) % CAMERAS == seed % CAMERAS
    return Stream(stream.confidence, stream.right & ~is_broken)


def truths(broken: float = 0.0) -> tuple[float, float]:
    """Return how often the model is right, on what it accepts and on all, if a share of the cameras is broken."""
    model = _model()
    return float(model.right[model.accepted].mean()) * (1 - broken), float(model.right.mean()) * (1 - broken)
