"""How much the answers of the desk teach, beside as many answers about uploads at random: real models of the endpoint.

Each run starts with a few labelled images of each label. Then batches of uploads arrive, a reviewer labels some of what
waits, and a new model is trained, which looks at what waits again. Runs with the same seed have the same images.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from random import Random

import numpy as np

from bench.figures import Figure
from bench.honesty import Labels, model_of
from bench.honesty import pictures as digit_pictures
from bench.logos import MARKS, logo
from label_loop.domain import desk_order
from label_loop.domain.review_queue import Review
from label_loop.payloads import WORKFLOW_SOURCE, ReviewTask
from local_aws.rekognition.classifier import Matrix
from local_aws.rekognition.images import read_detail
from local_aws.rekognition.keypoint_classifier import fit_described
from local_aws.rekognition.keypoints import describe_keypoints

MINIMUM_PERCENT = 70.0
DRAWN_SHARE = 0.3  # of the unsure, which come first
UPLOADED = (90, 75, 60, 45, 40, 30, 25)  # logos of each mark: some are rare
TESTED = 20  # logos of each mark
type Choice = Callable[[Sequence[Review], int, Random], Iterable[Review]]
type Judge = Callable[[Sequence[int]], tuple[Labels, Matrix]]  # labels, and the confidences 0..1 of images


@dataclass(frozen=True)
class Pictures:
    """Images by number: their labels, which are uploaded and test, and how a model learns some under given labels."""

    labels: Labels
    uploaded: Sequence[int]
    tested: Sequence[int]
    train: Callable[[Sequence[int], Labels], Judge]


@dataclass(frozen=True)
class Plan:
    """How many images of a label are known at first, how many arrive in a round, and how many are answered then."""

    known: int
    arriving: int
    answered: int
    rounds: int


@dataclass(frozen=True)
class Waiting:
    """An upload that waits: its number, what the model says of it, and whether it was drawn when it came."""

    image: int
    is_drawn: bool


def at_random(waiting: Sequence[Review], count: int, chance: Random) -> Iterable[Review]:
    """Label any of the uploads, sure or not."""
    return chance.sample(waiting, min(count, len(waiting)))


def by_desk(waiting: Sequence[Review], count: int, chance: Random) -> Iterable[Review]:
    """Label the unsure ones as the desk gives them out: what was drawn first, as it came."""
    unsure = [review for review in waiting if review.task.confidence_percent < MINIMUM_PERCENT]
    first = [review for review in unsure if review.task.is_drawn]
    rest = [review for review in unsure if not review.task.is_drawn]
    oldest = iter(sorted(rest, key=lambda review: review.created_at))
    return islice(_chain(first, desk_order.arranged(rest, oldest, (), chance)), count)


def by_order(waiting: Sequence[Review], count: int, chance: Random) -> Iterable[Review]:
    """Label the unsure ones in the order of the desk, as if none was drawn."""
    return by_desk([_undrawn(review) for review in waiting], count, chance)


def least_sure(waiting: Sequence[Review], count: int, _: Random) -> Iterable[Review]:
    """Label those of least confidence, as version 0.2 did."""
    return sorted(waiting, key=lambda review: review.task.confidence_percent)[:count]


CHOICES: dict[str, Choice] = {"drawn ones first": by_desk, "order alone": by_order, "least sure first": least_sure}


def measure(seeds: int) -> list[Figure]:
    """Return the errors that are left, as shares of those after as many labels at random."""
    return [
        *_figures("digits", digits, Plan(known=2, arriving=120, answered=10, rounds=10), seeds, CHOICES),
        *_figures("logos", logos, Plan(known=3, arriving=42, answered=12, rounds=8), seeds, list(CHOICES)[:2]),
    ]


def _figures(
    name: str, pictures: Callable[[int], Pictures], plan: Plan, seeds: int, choices: Iterable[str]
) -> Iterator[Figure]:
    left = {"at random": errors(pictures, plan, at_random, seeds)}
    for choice in choices:
        left[choice] = errors(pictures, plan, CHOICES[choice], seeds)
        bound = None if choice == "least sure first" else 0.5
        note = ", ".join(f"{one} {np.mean(each):.4f}" for one, each in left.items())
        share = float(np.mean(left[choice]) / np.mean(left["at random"]))
        yield Figure(f"{name}, {seeds} seeds: share of the errors left, {choice}", share, at_most=bound, note=note)


def errors(pictures: Callable[[int], Pictures], plan: Plan, choice: Choice, seeds: int) -> list[float]:
    """Return the share of test images that the last model gets wrong, for each seed from 1 on."""
    return [_error(pictures(seed), plan, choice, Random(seed)) for seed in range(1, seeds + 1)]


def _error(pictures: Pictures, plan: Plan, choice: Choice, chance: Random) -> float:
    labelled = [i for label in sorted(set(pictures.labels)) for i in _first(pictures, label, plan.known)]
    known = set(labelled)
    uploads = [image for image in pictures.uploaded if image not in known]
    waiting: list[Waiting] = []
    judge = pictures.train(labelled, pictures.labels[labelled])
    for number in range(plan.rounds):
        arrived = uploads[number * plan.arriving : (number + 1) * plan.arriving]
        waiting += [Waiting(image, chance.random() < DRAWN_SHARE) for image in arrived]
        reviews = _reviews(waiting, None if choice is at_random else judge)
        answered = {int(review.name) for review in _filled(choice, reviews, plan.answered, chance)}
        waiting = [one for one in waiting if one.image not in answered]
        labelled += sorted(answered)
        judge = pictures.train(labelled, pictures.labels[labelled])
    labels, confidences = judge(pictures.tested)
    return float((labels[confidences.argmax(axis=1)] != pictures.labels[pictures.tested]).mean())


def _filled(choice: Choice, reviews: Sequence[Review], count: int, chance: Random) -> Iterable[Review]:
    """Return as many as are answered: where too few are unsure, others at random, so that labels are equal."""
    chosen = list(choice(reviews, count, chance))
    names = {review.name for review in chosen}
    others = [review for review in reviews if review.name not in names]
    return [*chosen, *at_random(others, count - len(chosen), chance)]


def _reviews(waiting: Sequence[Waiting], judge: Judge | None) -> list[Review]:
    """Return the reviews of what waits; without a judge, no model is asked about them, which takes time."""
    if judge is None:
        return [Review(str(one.image), _task(one, "", 0.0), float(number)) for number, one in enumerate(waiting)]
    labels, confidences = judge([one.image for one in waiting])
    return [
        Review(str(one.image), _task(one, str(labels[row.argmax()]), 100 * float(row.max())), float(number))
        for number, (one, row) in enumerate(zip(waiting, confidences, strict=True))
    ]


def _task(one: Waiting, label: str, confidence_percent: float) -> ReviewTask:
    name = str(one.image)
    return ReviewTask(name, WORKFLOW_SOURCE, name, label, confidence_percent, is_drawn=one.is_drawn)


def _undrawn(review: Review) -> Review:
    task = review.task
    return Review(
        review.name, _task(Waiting(int(review.name), False), task.label, task.confidence_percent), review.created_at
    )


def _chain(first: Iterable[Review], then: Iterable[Review]) -> Iterator[Review]:
    yield from first
    yield from then


def _first(pictures: Pictures, label: str, count: int) -> list[int]:
    return [image for image in pictures.uploaded if pictures.labels[image] == label][:count]


# ------------------------------------------------------------------------ images


def digits(seed: int) -> Pictures:
    """Return the bundled digits, in an order that the seed fixes."""
    everything = digit_pictures()
    order = np.random.default_rng(seed).permutation(len(everything.labels)).tolist()

    def train(images: Sequence[int], given: Labels) -> Judge:
        model = model_of(images, list(given))
        return lambda asked: (np.array(model.labels), model.confidences(everything.features[asked]))

    return Pictures(everything.labels, order[:1300], order[1300:], train)


def logos(seed: int) -> Pictures:
    """Return the drawn logos, in an order that the seed fixes."""
    labels, described = _all_logos()
    order = np.random.default_rng(seed).permutation(sum(UPLOADED)).tolist()

    def train(images: Sequence[int], given: Labels) -> Judge:
        trained = fit_described([described[image] for image in images], list(given))
        if trained is None:
            raise RuntimeError("These logos teach nothing.")
        model = trained[0]
        return lambda asked: (
            np.array(model.labels),
            np.stack([model.classify(described[image][0]) for image in asked]),
        )

    return Pictures(labels, order, range(sum(UPLOADED), len(labels)), train)


@cache
def _all_logos() -> tuple[Labels, Sequence[Matrix]]:
    """Return the labels of all logos and their described keypoints: first what is uploaded, then what tests."""
    named = [(mark, n) for mark, count in zip(MARKS, UPLOADED, strict=True) for n in range(count)]
    named += [(mark, 5000 + n) for mark in MARKS for n in range(TESTED)]
    described = [describe_keypoints(read_detail(logo(mark, n)), ways=2) for mark, n in named]
    return np.array([mark for mark, _ in named]), described
