"""How many wrong labels the audit finds, and how many of those that it lists are wrong: real models of the endpoint.

As in a loop, images arrive in batches. A version that was trained with the labels of the batches before, wrong ones
among them, says what it sees on the images of the next. The labels of the first batch are unaudited.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench import labelling
from bench.figures import Figure
from bench.honesty import SWAPPED, Labels
from label_loop.domain.label_audit import PredictedImage, suspect_labels
from label_loop.payloads import LabelledImage

WRONG_SHARE = 0.1
type Noise = Callable[[Labels, "Plan", np.random.Generator], Labels]


@dataclass(frozen=True)
class Plan:
    """How many images the first version is trained with, and how many batches of how many arrive then."""

    first: int
    batches: int
    batch: int


DIGITS, LOGOS = Plan(100, 6, 50), Plan(113, 3, 84)
POISONED = Plan(100, 1, 80)


@dataclass(frozen=True)
class Found:
    """The wrong labels of audited images, the labels that are listed, and how many of these are wrong."""

    wrong: int
    listed: int
    right: int


def at_random(truth: Labels, _: Plan, chance: np.random.Generator) -> Labels:
    """Exchange one label in ten for any other one."""
    labels, names = truth.copy(), sorted(set(truth))
    for n in chance.choice(len(truth), round(WRONG_SHARE * len(truth)), replace=False):
        labels[n] = chance.choice([one for one in names if one != truth[n]])
    return labels


def swapped(truth: Labels, plan: Plan, _: np.random.Generator) -> Labels:
    """Take each 4 for a 9 and each 7 for a 1, and the other way round, once the first version was trained."""
    return np.array([SWAPPED.get(str(one), str(one)) if n >= plan.first else one for n, one in enumerate(truth)])


def measure(seeds: Sequence[int]) -> list[Figure]:
    """Return recall and precision for digits, with labels that are wrong at random or swapped."""
    return [
        *_figures("digits, 10 % of the labels wrong", labelling.digits, DIGITS, at_random, seeds),
        *_figures("digits, 4/9 and 7/1 swapped after the first version", labelling.digits, POISONED, swapped, seeds),
    ]


def measure_logos(seeds: Sequence[int]) -> list[Figure]:
    """Return recall and precision for logos with labels that are wrong at random."""
    return list(_figures("logos, 10 % of the labels wrong", labelling.logos, LOGOS, at_random, seeds))


def _figures(
    name: str, pictures: Callable[[int], labelling.Pictures], plan: Plan, noise: Noise, seeds: Sequence[int]
) -> Iterator[Figure]:
    found = [audited(pictures(seed), plan, noise, seed) for seed in seeds]
    wrong, listed, right = (sum(getattr(one, part) for one in found) for part in ("wrong", "listed", "right"))
    by = f"seeds {seeds[0]}..{seeds[-1]}, {plan.first + plan.batches * plan.batch} images"
    recall, precision = right / max(1, wrong), right / max(1, listed)
    note = f"{by}: {right} of {wrong} found, {listed - right} right ones listed"
    yield Figure(f"{name}: share that the audit finds", recall, at_least=0.8, digits=3, note=note)
    yield Figure(f"{name}: wrong ones of those listed", precision, at_least=0.85, digits=3)


def audited(pictures: labelling.Pictures, plan: Plan, noise: Noise, seed: int) -> Found:
    """Audit batch after batch, and count what was found."""
    images = np.array(pictures.uploaded[: plan.first + plan.batches * plan.batch])
    truth = pictures.labels[images]
    labels = noise(truth, plan, np.random.default_rng(seed))
    predicted: list[PredictedImage] = []
    for begin in range(plan.first, len(images), plan.batch):
        batch = range(begin, min(begin + plan.batch, len(images)))
        judge = pictures.train(images[:begin].tolist(), labels[:begin])
        names, confidences = judge(images[batch].tolist())
        predicted += [
            PredictedImage(LabelledImage(str(n), str(labels[n]), ""), str(names[row.argmax()]), 100 * float(row.max()))
            for n, row in zip(batch, confidences, strict=True)
        ]
    suspects = {int(one.key) for one in suspect_labels(predicted)}
    wrong = {n for n in range(plan.first, len(images)) if labels[n] != truth[n]}
    return Found(len(wrong), len(suspects), len(wrong & suspects))
