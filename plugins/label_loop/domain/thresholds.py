"""From which confidence on a version's detections of a label are right often enough to be accepted."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise

from label_loop.domain.insight import Share
from label_loop.payloads import LabelMinimums

CONFIDENCE = 0.95  # that a label reaches the target
MIN_ANSWERS = 30  # of a label
_ROUNDING = 1e-9
_STARTS = 2  # of the sequences of thresholds that are tested


@dataclass(frozen=True)
class JudgedDetection:
    """A detection whose true label is known. ``weight`` is how many detections it stands for."""

    label: str
    confidence_percent: float
    is_right: bool
    weight: float = 1.0


@dataclass(frozen=True)
class LabelThreshold:
    """From which confidence on, in percent, detections of a label are accepted; None: from none on.

    It follows from so many answers, and the share of them, 0 to 1, that it accepts. ``reliability`` has the answers in
    each tenth of the confidence, lowest first, and how many of them are right.
    """

    label: str
    minimum_percent: float | None
    answers: int
    accepted_share: float
    reliability: tuple[Share, ...] = ()


def label_thresholds(
    judged: Iterable[JudgedDetection], target_precision: float, lowest_percent: float
) -> list[LabelThreshold]:
    """Return the threshold of each label that has enough answers: 30, and as many as the target takes to be shown.

    A threshold is the lowest confidence, not below ``lowest_percent``, at which the precision of the detections from it
    on is shown to reach the target, with 5 % error for each label. The precision is tested exactly (Clopper and
    Pearson, 1934), with the effective number of answers where they are weighted (Kish, 1965): Wilson's bound, an
    approximation, is wrong too often close to 1. Thresholds are tested from high to low confidence, and the first that
    fails ends the sequence, so that testing many costs nothing. As the highest has the fewest answers and is the most
    likely to fail, a second sequence starts halfway, each with half of the error (fixed sequence testing with several
    starts: Angelopoulos, Bates, Candès, Jordan and Lei, Learn then Test, 2021).
    """
    ordered = sorted(judged, key=lambda one: (one.label, -one.confidence_percent))
    found = []
    for label, group in groupby(ordered, key=lambda one: one.label):
        answers = list(group)
        if label and len(answers) >= answers_needed(target_precision):
            minimum = _threshold(answers, target_precision, lowest_percent)
            accepted = [one for one in answers if minimum is not None and one.confidence_percent >= minimum]
            share = sum(one.weight for one in accepted) / sum(one.weight for one in answers)
            found.append(LabelThreshold(label, minimum, len(answers), share, _reliability(answers)))
    return found


def _reliability(answers: Sequence[JudgedDetection]) -> tuple[Share, ...]:
    tenths: list[list[bool]] = [[] for _ in range(10)]
    for one in answers:
        tenths[min(int(one.confidence_percent // 10), 9)].append(one.is_right)
    return tuple(Share(sum(tenth), len(tenth)) for tenth in tenths)


def minimums_of(thresholds: Iterable[LabelThreshold], version_arn: str) -> LabelMinimums:
    """Return the minimum confidences that follow; a label that is accepted from none on needs 100 %."""
    percents = {one.label: 100.0 if one.minimum_percent is None else one.minimum_percent for one in thresholds}
    return LabelMinimums(version_arn, percents)


def answers_needed(target_precision: float) -> int:
    """Return how many answers of a label it takes to show the target if all of them are right."""
    if target_precision >= 1:
        return 1 << 62  # no number of answers shows perfection
    level = (1 - CONFIDENCE) / _STARTS
    return max(MIN_ANSWERS, math.ceil(math.log(level) / math.log(target_precision)))


def _threshold(answers: Sequence[JudgedDetection], target: float, lowest_percent: float) -> float | None:
    used = [one for one in answers if one.confidence_percent >= lowest_percent]
    evidence = _evidence(used)
    cuts = [cut for cut in _cuts(used) if cut >= answers_needed(target)]
    best = 0
    for start in range(_STARTS):
        for cut in cuts[len(cuts) * start // _STARTS :]:
            if not _is_shown(*evidence[cut - 1], target):
                break
            best = max(best, cut)
    if not best:
        return None
    return lowest_percent if best == len(used) else used[best - 1].confidence_percent


def _cuts(answers: Sequence[JudgedDetection]) -> list[int]:
    """Return the numbers of answers down to each confidence that occurs."""
    confidences = [*(one.confidence_percent for one in answers), -math.inf]
    return [n for n, (one, after) in enumerate(pairwise(confidences), start=1) if after < one]


def _evidence(answers: Sequence[JudgedDetection]) -> list[tuple[int, int]]:
    """Return, of the first 1, 2, … answers, the effective number and how many of these are wrong, rounded up."""
    weights = list(accumulate(one.weight for one in answers))
    squares = accumulate(one.weight**2 for one in answers)
    wrong = accumulate(one.weight * (not one.is_right) for one in answers)
    found = []
    for weight, square, wrong_weight in zip(weights, squares, wrong, strict=True):
        number = math.floor(weight**2 / square + _ROUNDING)
        found.append((number, math.ceil(number * wrong_weight / weight - _ROUNDING)))
    return found


def _is_shown(number: int, wrong: int, target: float) -> bool:
    """Return whether so few of the answers would hardly be wrong by chance if the precision were just below target."""
    chance, level = 0.0, (1 - CONFIDENCE) / _STARTS
    for k in range(wrong + 1):
        ways = math.lgamma(number + 1) - math.lgamma(k + 1) - math.lgamma(number - k + 1)
        chance += math.exp(ways + k * math.log1p(-target) + (number - k) * math.log(target))
        if chance > level:
            return False
    return True
