"""What images that no label fits cost people, if they teach nothing, and if they train as a class of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from bench.figures import Figure
from bench.honesty import SETTINGS, Labels, Pictures, model_of, pictures
from label_loop.domain.roles import FEWEST_NONE
from label_loop.payloads import NONE_OF_THE_ABOVE
from local_aws.rekognition.classifier import Classifier

UNKNOWN = ("7", "8", "9")  # three of ten digits: 30 % of the uploads
ROUNDS, UPLOADS, LABELLED = 4, 150, 5
_SHARE = 0.8


@dataclass(frozen=True)
class Outcome:
    """What four rounds came to: answers of people, and of the last model the shares, 0 to 1, on new images."""

    answers: int
    unknown_accepted: float
    known_right: float


def measure(seeds: Sequence[int]) -> list[Figure]:
    """Compare versions that learn None of the Above with versions that do not, after four rounds."""
    without = [_outcome(seed, trains_none=False) for seed in seeds]
    with_none = [_outcome(seed, trains_none=True) for seed in seeds]
    by = f"mean of seeds {seeds[0]}..{seeds[-1]}"
    accepted, before = (mean(one.unknown_accepted for one in some) for some in (with_none, without))
    answers, answers_before = (mean(one.answers for one in some) for some in (with_none, without))
    right, right_before = (mean(one.known_right for one in some) for some in (with_none, without))
    case = "30 % unknown objects, four rounds"
    return [
        Figure(f"{case}: unknown ones accepted", accepted, at_most=0.02, digits=3, note=f"{by}; {before:.3f} without"),
        Figure(
            f"{case}: answers of people, as a share of those without the class",
            answers / answers_before,
            at_most=_SHARE,
            note=f"{by}; {answers:.0f} instead of {answers_before:.0f} of {ROUNDS * UPLOADS} uploads",
        ),
        Figure(
            f"{case}: accuracy lost on known ones",
            right_before - right,
            at_most=0.01,
            digits=3,
            note=f"{by}; {right:.3f} instead of {right_before:.3f}",
        ),
    ]


def _outcome(seed: int, *, trains_none: bool) -> Outcome:
    everything, chance = pictures(), np.random.default_rng(seed)
    truth = np.array([NONE_OF_THE_ABOVE if label in UNKNOWN else label for label in everything.labels])
    order = chance.permutation(len(truth))
    first = _first(order, truth)
    rest = [n for n in order if n not in set(first)]
    taught, answers = list(first), 0
    for number in range(ROUNDS):
        uploads = rest[number * UPLOADS : (number + 1) * UPLOADS]
        accepted = _accepted(_model(taught, truth, trains_none), uploads)
        unsure = [n for n, is_sure in zip(uploads, accepted, strict=True) if not is_sure]
        answers += len(unsure)
        taught += unsure
    model, new = _model(taught, truth, trains_none), rest[ROUNDS * UPLOADS :]
    said = _said(model, everything, new)
    named = np.array(_accepted(model, new)) & (said != NONE_OF_THE_ABOVE)
    is_known = truth[new] != NONE_OF_THE_ABOVE
    return Outcome(answers, float(named[~is_known].mean()), float((said == truth[new])[is_known].mean()))


def _first(order: Sequence[int], truth: Labels) -> list[int]:
    """Return the first images of each label, which people label before there is a model."""
    found: dict[str, list[int]] = {}
    for n in order:
        found.setdefault(str(truth[n]), []).append(int(n))
    return [n for label, some in found.items() if label != NONE_OF_THE_ABOVE for n in some[:LABELLED]]


def _model(taught: Sequence[int], truth: Labels, trains_none: bool) -> Classifier:
    none = [n for n in taught if truth[n] == NONE_OF_THE_ABOVE]
    known = [n for n in taught if truth[n] != NONE_OF_THE_ABOVE]
    chosen = [*known, *(none if trains_none and len(none) >= FEWEST_NONE else [])]
    return model_of(chosen, [str(label) for label in truth[chosen]])


def _said(model: Classifier, everything: Pictures, images: Sequence[int]) -> Labels:
    return np.array(model.labels)[model.confidences(everything.features[images]).argmax(axis=1)]


def _accepted(model: Classifier, images: Sequence[int]) -> list[bool]:
    """Return whether each detection is accepted: as a label, or as one that no label fits."""
    surest = model.confidences(pictures().features[images]).max(axis=1)
    return [bool(one) for one in 100 * surest >= SETTINGS.minimum_label_detection_confidence_percent]
