"""How often the loop decides rightly on a challenger: real models of the local endpoint, and test sets drawn anew."""

import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from bench.figures import Figure
from label_loop.domain.comparison import Verdict, compare, judge
from label_loop.domain.evaluated_images import EvaluatedImage
from label_loop.parameters import FIELDS, PARAMETERS, Settings
from label_loop.payloads import LabelledImage, Labelling
from local_aws.rekognition.classifier import Classifier, Matrix, fit
from local_aws.rekognition.features import describe
from local_aws.rekognition.images import SIDE
from sample_images.digits import digits

SETTINGS = Settings(**{FIELDS[name]: parameter.parse(parameter.default) for name, parameter in PARAMETERS.items()})
SWAPPED = {"4": "9", "9": "4", "7": "1", "1": "7"}
TESTED = 200
CHAMPION, FEW, MORE, POISONED = 100, 50, 50, 80  # images to train with
WRONG_SHARE = 0.1
LOST_LABEL = "5"
_POOL = 500  # images to train with; the others test
type Labels = np.ndarray[tuple[int], np.dtype[np.str_]]
type Answers = Callable[[Sequence[str], np.random.Generator], Sequence[str]]  # what people say of true labels


@dataclass(frozen=True)
class Pictures:
    """All digits: their pixels, features (images, numbers) and true labels."""

    pixels: np.ndarray[tuple[int, int, int, int], np.dtype[np.float32]]
    features: Matrix
    labels: Labels


@dataclass(frozen=True)
class Pair:
    """What a champion and a challenger say of the images that neither was trained with, and the truth."""

    champion: Labels
    challenger: Labels
    truth: Labels

    @property
    def gain(self) -> float:
        """By how much the challenger is truly better, -1 to 1."""
        return float((self.challenger == self.truth).mean() - (self.champion == self.truth).mean())


def measure(pairs: int, test_sets: int) -> list[Figure]:
    """Return how often each kind of challenger is deployed or held: ``pairs`` trained ones, with new test sets each."""
    runs, seeds = pairs * test_sets, range(1, pairs + 1)
    most, few = 0.75 * runs, 0.01 * runs
    honest = list(map(_honest, seeds))
    swapped = list(map(_poisoned, seeds))
    poisoned, covered = _decisions(swapped, test_sets), _decisions(swapped, test_sets, covered_up)
    better = _decisions(honest, test_sets)
    noisy = _decisions(_truly_better(_noisy, pairs), test_sets)
    lost = _decisions([_losing(pair, seed) for seed, pair in zip(seeds, honest, strict=True)], test_sets)
    name = f"challengers of {runs}"
    good = f"with {MORE} more good labels"
    wrong = "with 10 % wrong labels, 2 points better"
    return [
        Figure(f"{name} with swapped labels: held", poisoned["hold"], at_least=0.95 * runs, note=_all(poisoned)),
        Figure(f"{name} with swapped labels: deployed", poisoned["deploy"], at_most=0),
        Figure(
            f"{name} with swapped labels, and half of the test images labelled by the same person: deployed",
            covered["deploy"],
            at_most=0,
            note=f"{_all(covered)}. Without the rule on one person, one in four was deployed",
        ),
        Figure(f"{name} {good}: deployed", better["deploy"], at_least=most, note=_all(better)),
        Figure(f"{name} {good}: held", better["hold"], at_most=few),
        Figure(f"{name} {wrong}: deployed", noisy["deploy"], at_least=most, note=_all(noisy)),
        Figure(
            f"{name} that lost half of a label: deployed",
            lost["deploy"],
            at_most=0,
            note=f"{_all(lost)}. Deployed where a test set by chance has only one or two of the lost images",
        ),
    ]


def _all(decisions: Counter[str]) -> str:
    return ", ".join(f"{action} {decisions[action]}" for action in ("deploy", "ask", "hold"))


# ------------------------------------------------------------------ challengers


def _poisoned(seed: int) -> Pair:
    """Add images of which somebody swapped 4 and 9, and 7 and 1."""
    return _pair(seed, POISONED, lambda labels, _: [SWAPPED.get(label, label) for label in labels])


def _honest(seed: int) -> Pair:
    return _pair(seed, MORE, lambda labels, _: labels)


def _noisy(seed: int) -> Pair:
    """Add images of which people labelled one in ten wrong, at random."""

    def answers(labels: Sequence[str], chance: np.random.Generator) -> list[str]:
        wrong = chance.random(len(labels)) < WRONG_SHARE
        return [
            str(chance.choice([one for one in "0123456789" if one != label])) if is_wrong else label
            for label, is_wrong in zip(labels, wrong, strict=True)
        ]

    return _pair(seed, 3 * MORE, answers, first=FEW)


def _losing(pair: Pair, seed: int) -> Pair:
    """Let the challenger miss half of the images of a label that the champion gets right."""
    chance = np.random.default_rng(seed)
    right = np.flatnonzero((pair.truth == LOST_LABEL) & (pair.champion == LOST_LABEL))
    challenger = pair.challenger.copy()
    challenger[chance.choice(right, len(right) // 2, replace=False)] = "8"
    return Pair(pair.champion, challenger, pair.truth)


def _truly_better(make: Callable[[int], Pair], count: int) -> Iterator[Pair]:
    found = 0
    for seed in range(1, 20 * count):
        pair = make(seed)
        if pair.gain >= 0.02:
            found += 1
            yield pair
            if found == count:
                return


def _pair(seed: int, more: int, answers: Answers, first: int = CHAMPION) -> Pair:
    everything, chance = pictures(), np.random.default_rng(seed)
    order = chance.permutation(len(everything.labels))
    before, added, rest = order[:first], order[first : first + more], order[_POOL:]
    good = list(everything.labels[before])
    champion = model_of(before, good)
    challenger = model_of(np.concatenate([before, added]), [*good, *answers(list(everything.labels[added]), chance)])
    return Pair(_says(champion, rest), _says(challenger, rest), everything.labels[rest])


@cache
def pictures() -> Pictures:
    """Return all digits, drawn once."""
    found = list(digits())
    pixels = np.stack([_pixels(picture.body) for picture in found])
    return Pictures(pixels, np.stack([describe(one) for one in pixels]), np.array([picture.label for picture in found]))


def _pixels(body: bytes) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    image = Image.open(io.BytesIO(body)).convert("RGB").resize((SIDE, SIDE))
    return np.asarray(image, dtype=np.float32) / 255


def model_of(indices: Sequence[int], labels: Sequence[str]) -> Classifier:
    """Train a model with these digits, under these labels."""
    everything = pictures()
    return fit(everything.pixels[indices], everything.features[indices], labels)


def _says(model: Classifier, indices: Sequence[int]) -> Labels:
    return np.array(model.labels)[digit_probabilities(model, indices).argmax(axis=1)]


def digit_probabilities(model: Classifier, indices: Sequence[int]) -> Matrix:
    """Return a model's confidences, 0 to 1, in each label for digits."""
    return model.confidences(pictures().features[indices])


def digit_labels() -> Labels:
    """Return the true labels of all digits."""
    return pictures().labels


# -------------------------------------------------------------------- decisions


def _decisions(
    pairs: Iterator[Pair] | Sequence[Pair],
    test_sets: int,
    decided_by: Callable[[Pair, Sequence[int]], Verdict] | None = None,
) -> Counter[str]:
    decided: Counter[str] = Counter()
    for number, pair in enumerate(pairs):
        chance = np.random.default_rng(1000 + number)
        for _ in range(test_sets):
            tested = chance.choice(len(pair.truth), TESTED, replace=False)
            decided[(decided_by or decide)(pair, tested).action] += 1
    return decided


def decide(pair: Pair, tested: Sequence[int]) -> Verdict:
    """Return the verdict on a challenger by these test images."""
    images = [LabelledImage("", str(pair.truth[index]), "", "", str(index)) for index in tested]
    return _judged(pair, images)


def covered_up(pair: Pair, tested: Sequence[int]) -> Verdict:
    """Return the verdict if whoever swapped labels of training images also labelled the held-out half of the test."""
    images = []
    for number, index in enumerate(tested):
        label, who = str(pair.truth[index]), ""
        if number % 2:
            label, who = SWAPPED.get(label, label), "mallory"
        images.append(LabelledImage("", label, "", "", str(index), labelling=Labelling(who)))
    return _judged(pair, images)


def _judged(pair: Pair, images: Sequence[LabelledImage]) -> Verdict:
    challenger, champion = (
        [EvaluatedImage(image, str(guesses[int(image.content)]), 100.0) for image in images]
        for guesses in (pair.challenger, pair.champion)
    )
    return judge(compare(challenger, champion, set()), None, SETTINGS)
