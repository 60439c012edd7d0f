"""Whether a small loop improves where nobody ever answers Airflow: real models of the local endpoint, and real rules.

A loop begins with 20 labelled digits and a first version that a person deployed. Each day has ten uploads, and a
reviewer who labels those that the serving version is unsure of. Twice a day the loop checks, and may train, ask and
deploy, with the default parameters. Seeds are 1, 2, 3 and so on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from sklearn.metrics import f1_score

from bench.figures import Figure
from bench.honesty import SETTINGS, digit_labels, digit_probabilities, model_of
from label_loop.domain import approval
from label_loop.domain.comparison import Comparison, Floor, Verdict, compare, judge, without_a_person
from label_loop.domain.deployment import TRAINED
from label_loop.domain.evaluated_images import EvaluatedImage
from label_loop.domain.moments import timestamp
from label_loop.domain.roles import EarlierRoles, count_new, covers, divide
from label_loop.domain.training_images import TrainedImages
from label_loop.payloads import LABELLED_FOLDER, ApprovalQuestion, LabelledImage, ProjectVersion
from local_aws.rekognition.classifier import Classifier

FIRST, UPLOADS_A_DAY, DAYS = 20, 10, 60
_CHECKS_A_DAY = 2
_SPLIT_EVERY = 5  # Rekognition splits off a fifth where the loop has no test set of its own
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_SURE = SETTINGS.minimum_label_detection_confidence_percent / 100


@dataclass(frozen=True)
class _Version:
    name: str
    model: Classifier
    training: Sequence[LabelledImage]
    test: Sequence[LabelledImage]
    has_own_test: bool
    answers: Mapping[str, tuple[str, float]]  # a label and its confidence in percent

    @property
    def floor(self) -> Floor:
        truth = [image.label for image in self.test]
        said = [self.answers[image.content][0] for image in self.test]
        f1 = float(f1_score(truth, said, average="macro", labels=sorted(set(truth)), zero_division=0))
        own = list(self.tested()) if self.has_own_test else []
        return Floor.of(ProjectVersion(self.name, self.name, TRAINED, f1_score=f1), own, SETTINGS)

    def tested(self) -> Iterable[EvaluatedImage]:
        return (EvaluatedImage(image, *self.answers[image.content]) for image in self.test)


@dataclass
class SmallLoop:
    """A loop in the course of its days; ``history`` says what was decided on each challenger."""

    seed: int
    now: datetime = _BEGIN
    labelled: list[LabelledImage] = field(default_factory=list)
    versions: dict[str, _Version] = field(default_factory=dict)
    question: ApprovalQuestion | None = None
    history: list[str] = field(default_factory=list)
    deployed: int = 1
    best: _Version | None = None

    def __post_init__(self) -> None:
        order = [int(index) for index in np.random.default_rng(self.seed).permutation(len(digit_labels()))]
        self.uploads, self.rest = order[FIRST : FIRST + DAYS * UPLOADS_A_DAY], order[FIRST + DAYS * UPLOADS_A_DAY :]
        self.label(order[:FIRST])
        self.last = self.serving = self.train()

    def live(self, days: int = DAYS) -> tuple[float, float]:
        """Return the accuracy on the first and on the last day, on images that are never uploaded."""
        before = self.accuracy()
        for day in range(days):
            self.review(self.uploads[day * UPLOADS_A_DAY : (day + 1) * UPLOADS_A_DAY])
            for _ in range(_CHECKS_A_DAY):
                self.now += timedelta(days=1 / _CHECKS_A_DAY)
                self.time_out()
                self.check()
        return before, self.accuracy()

    def accuracy(self) -> float:
        """Return the share of the rest that the serving version is right on."""
        said = digit_probabilities(self.serving.model, self.rest).argmax(axis=1)
        names = self.serving.model.labels
        return float(np.mean([names[one] == digit_labels()[index] for one, index in zip(said, self.rest, strict=True)]))

    def review(self, uploads: Sequence[int]) -> None:
        """Label what the serving version is unsure of."""
        sure = digit_probabilities(self.serving.model, uploads).max(axis=1)
        self.label([index for index, confidence in zip(uploads, sure, strict=True) if confidence < _SURE])

    def label(self, indices: Iterable[int]) -> None:
        """Put images into their labels' folders."""
        for index in indices:
            label = digit_labels()[index]
            key = f"{LABELLED_FOLDER}{label}/{index:04}.png"
            self.labelled.append(LabelledImage(key, label, timestamp(self.now), str(index), str(index)))

    def check(self) -> None:
        """Train and judge a challenger if there are enough new labels."""
        before = [*self.last.training, *self.last.test]
        if count_new(self.labelled, before) < SETTINGS.minimum_untrained_images:
            return
        self.last = challenger = self.train()
        verdict, otherwise, is_best = self.judge(challenger)
        if approval.needs_person(verdict, SETTINGS.approve_deployments):
            until = approval.deadline(self.question, self.now, SETTINGS)
            self.question = ApprovalQuestion(challenger.name, verdict.reason, until, otherwise, is_best)
        elif otherwise == "deploy":
            self.deploy(challenger, is_best=is_best)
        self.history.append(verdict.action)

    def time_out(self) -> None:
        """Decide as if nobody were asked once nobody has answered in time."""
        question = self.question
        if question and question.until <= timestamp(self.now):
            self.question = None
            if question.otherwise == "deploy":
                self.deploy(self.versions[question.version_name], is_best=question.is_best)

    def deploy(self, version: _Version, *, is_best: bool) -> None:
        """Let a version serve."""
        self.serving, self.question, self.deployed = version, None, self.deployed + 1
        if is_best:
            self.best = version

    def train(self) -> _Version:
        """Return a new version, trained and tested as the loop and Rekognition divide the images."""
        last, serving = getattr(self, "last", None), getattr(self, "serving", None)
        of = last if last and last.has_own_test else serving
        roles = EarlierRoles.of(of.training, of.test) if of else EarlierRoles.of((), ())
        before = TrainedImages([*last.training, *last.test] if last else [])
        division = divide(self.labelled, [], roles, before)
        training, test = division.training, division.test
        has_own_test = covers(test, training)
        if not has_own_test:
            everything = sorted([*training, *test], key=lambda image: (image.label, image.key))
            test = everything[::_SPLIT_EVERY]
            training = [image for image in everything if image not in test]
        model = model_of([int(image.content) for image in training], [image.label for image in training])
        said = digit_probabilities(model, [int(image.content) for image in test])
        answers = {
            image.content: (model.labels[one.argmax()], 100 * float(one.max()))
            for image, one in zip(test, said, strict=True)
        }
        version = _Version(f"v{len(self.versions) + 1}", model, training, test, has_own_test, answers)
        self.versions[version.name] = version
        return version

    def judge(self, challenger: _Version) -> tuple[Verdict, str, bool]:
        """Return the verdict, what becomes of the version if nobody is asked, and whether it is the best one so far."""
        if not challenger.floor.is_reached:
            return Verdict("hold", "below the minimum"), "hold", False
        if not challenger.has_own_test:
            return Verdict("deploy", "no test set to compare with"), "deploy", False
        found, best = _compared(challenger, self.serving), None
        if self.best and self.best is not self.serving:
            best = _compared(challenger, self.best)
        verdict = judge(found, best, SETTINGS)
        is_best = found.gained >= found.lost and (best is None or best.gained > best.lost)
        return verdict, without_a_person(verdict, found, best).action, is_best


def _compared(challenger: _Version, other: _Version) -> Comparison:
    trained = {image.content for version in (challenger, other) for image in version.training}
    return compare(challenger.tested(), other.tested(), trained)


def measure(seeds: Sequence[int]) -> list[Figure]:
    """Return how many of the loops improve by at least 5 points, and the fewest versions that one deployed."""
    loops = [SmallLoop(seed) for seed in seeds]
    lives = [loop.live() for loop in loops]
    gains = [after - before for before, after in lives]
    shown = ", ".join(f"{before:.3f} then {after:.3f}" for before, after in lives)
    asked = sum(loop.history.count("ask") for loop in loops)
    trained = sum(len(loop.history) for loop in loops)
    name = f"loops of {len(loops)} with {FIRST} images and {UPLOADS_A_DAY} uploads a day, never answered in Airflow"
    return [
        Figure(
            f"{name}: 5 points better after {DAYS} days",
            sum(gain >= 0.05 for gain in gains),
            at_least=len(loops),
            note=shown,
        ),
        Figure("versions that such a loop deploys, fewest", min(loop.deployed for loop in loops), at_least=2),
        Figure("challengers that a person is asked about", asked, note=f"of {trained} trained"),
    ]
