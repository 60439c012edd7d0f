"""Whether a new version, the challenger, is better than the serving one, the champion: on the same test images."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from label_loop.domain.deployment import passes_gate
from label_loop.domain.evaluated_images import EvaluatedImage, macro_f1
from label_loop.domain.labelling import is_one
from label_loop.domain.paired import loss_p_value, score_bounds, significant
from label_loop.parameters import Settings
from label_loop.payloads import ProjectVersion

_ONE_SIDED = 0.1  # the error rate of each bound of the difference
_LEVEL = 0.05  # of the labels' tests
_LOST_SHARE = 1 / 5
_FEWEST_LOST = 3  # one or two images of a label say nothing
_SHOWN_LABELS = 3
ENOUGH_UNBIASED = 100
"""From so many human samples on they decide how good a version is as a whole."""


@dataclass(frozen=True)
class LabelComparison:
    """The pairs of one label: how many only the challenger and only the champion was right on, of how many."""

    gained: int = 0
    lost: int = 0
    pairs: int = 0
    champion_right: int = 0

    @property
    def p_value(self) -> float:
        """The probability of such a loss if the versions are equally good at the label."""
        return loss_p_value(self.gained, self.lost)

    @property
    def is_suspect(self) -> bool:
        """Whether the challenger may have lost the label: by one test alone, or by a fifth of what was right."""
        net = self.lost - self.gained
        return self.p_value <= _LEVEL or (net >= _FEWEST_LOST and net >= self.champion_right * _LOST_SHARE)

    def __str__(self) -> str:
        return f"lost {self.lost} of {self.champion_right}" + (f" and gained {self.gained}" if self.gained else "")

    def __sub__(self, some: "LabelComparison") -> "LabelComparison":
        return LabelComparison(
            self.gained - some.gained,
            self.lost - some.lost,
            self.pairs - some.pairs,
            self.champion_right - some.champion_right,
        )


@dataclass(frozen=True)
class Comparison:
    """Two versions on the test images that both could know and neither was trained with.

    ``by_person`` has the part of each person who alone gave labels, and under "" that of images labelled by hand.
    """

    by_label: Mapping[str, LabelComparison] = field(default_factory=dict)
    by_person: Mapping[str, Mapping[str, LabelComparison]] = field(default_factory=dict)

    def without(self, person: str) -> "Comparison":
        """Return the comparison on the images that somebody else labelled, too."""
        dropped = self.by_person.get(person, {})
        left = {name: label - dropped.get(name, LabelComparison()) for name, label in self.by_label.items()}
        return Comparison({name: label for name, label in left.items() if label.pairs})

    @property
    def pairs(self) -> int:
        """The number of images compared."""
        return sum(label.pairs for label in self.by_label.values())

    @property
    def gained(self) -> int:
        """On how many only the challenger was right."""
        return sum(label.gained for label in self.by_label.values())

    @property
    def lost(self) -> int:
        """On how many only the champion was right."""
        return sum(label.lost for label in self.by_label.values())

    @property
    def bounds(self) -> tuple[float, float]:
        """The lower and the upper bound of the difference in accuracy, each wrong in one of ten cases."""
        return score_bounds(self.gained, self.lost, self.pairs, _ONE_SIDED)

    @property
    def lost_labels(self) -> Sequence[str]:
        """The labels that the challenger is worse at for sure."""
        return significant({name: label.p_value for name, label in self.by_label.items()}, _LEVEL)

    @property
    def suspects(self) -> Sequence[str]:
        """The labels that it may be worse at, the likeliest first."""
        found = [name for name, label in self.by_label.items() if label.is_suspect]
        return sorted(found, key=lambda name: (self.by_label[name].p_value, name))

    def __str__(self) -> str:
        shown = self.suspects[:_SHOWN_LABELS]
        labels = "".join(f"; {name} {self.by_label[name]}" for name in shown)
        return f"{self.on('test images')}{labels}"

    def on(self, images: str) -> str:
        """Return the numbers in words; ``images`` is what was compared."""
        return f"better on {self.gained} of {self.pairs} {images}, worse on {self.lost}"


def compare(
    challenger: Iterable[EvaluatedImage], champion: Iterable[EvaluatedImage], seen: Collection[str]
) -> Comparison:
    """Compare two versions on the images that both were tested with, by content.

    ``seen`` are the contents that either was trained with, or with images that are alike. An image counts once, under
    the label that the challenger was tested with, and only if the champion's test had images of that label, too.
    """
    contents = ((one.image.content, one) for one in champion)
    before = {content: one for content, one in contents if content and content not in seen}
    known = {one.image.label for one in before.values()}
    counts: dict[str, dict[str, Counter[str]]] = {}  # by people and label
    for one in challenger:
        label, old = one.image.label, before.pop(one.image.content, None)
        if old is None or label not in known:
            continue
        was_right = old.guess == label
        counted = counts.setdefault(one.image.labelled_by, {}).setdefault(label, Counter())
        counted.update(
            gained=one.is_right and not was_right,
            lost=was_right and not one.is_right,
            pairs=1,
            champion_right=was_right,
        )
    total: dict[str, Counter[str]] = {}
    for by_label in counts.values():
        for label, counted in by_label.items():
            total.setdefault(label, Counter()).update(counted)
    return Comparison(_labels(total), {who: _labels(of) for who, of in sorted(counts.items()) if is_one(who)})


def _labels(counts: Mapping[str, Counter[str]]) -> dict[str, LabelComparison]:
    return {name: LabelComparison(**counted) for name, counted in sorted(counts.items())}


@dataclass(frozen=True)
class Floor:
    """The F1 score, 0 to 1, that is to reach the minimum, and whose it is; None if the version has none."""

    score: float | None
    source: str
    minimum: float

    @classmethod
    def of(cls, version: ProjectVersion, tested: Sequence[EvaluatedImage], settings: Settings) -> "Floor":
        """Return the score on the loop's own test images if there are enough of them, else Rekognition's.

        Rekognition fits the thresholds of its score to the very images that it scores, so that one is too high. A score
        of few images is too uncertain to hold a version: with 20 at 0.8, its standard error is 9 points.
        """
        minimum = settings.minimum_f1_score
        if len(tested) >= settings.minimum_test_images:
            return cls(macro_f1(tested), f"on {len(tested)} test images", minimum)
        return cls(version.f1_score, "by Rekognition", minimum)

    @property
    def is_reached(self) -> bool:
        """Whether the score is high enough."""
        return passes_gate(self.score, self.minimum)

    def __str__(self) -> str:
        score = "no F1 score" if self.score is None else f"F1 {self.score:.3f}"
        return f"{score} {self.source}, minimum {self.minimum}"


@dataclass(frozen=True)
class Verdict:
    """What becomes of a challenger, and why in one sentence.

    ``rests_on_one`` is whether it would be held without the test labels of some one person.
    """

    action: Literal["deploy", "hold", "ask"]
    reason: str
    rests_on_one: bool = False


def judge(
    comparison: Comparison, best: Comparison | None, settings: Settings, unbiased: Comparison | None = None
) -> Verdict:
    """Decide on a challenger whose F1 score is high enough, as ``_on_all`` does, and whoever labelled the test images.

    Whoever labels both what trains and what tests can make a version look right that has learned their mistakes. So a
    person is asked if it would be held without the test labels of any one person. ``unbiased`` are the human samples:
    enough of them decide how good it is as a whole, with or without those of one person. Images that were labelled by
    hand count as those of one more. What is left may be few images, or none where one person labelled all. Those do not
    show that a version is worse, so a small loop is not asked for that alone. What several people agree on rests on
    none of them.
    """
    samples = unbiased if unbiased and unbiased.pairs >= ENOUGH_UNBIASED else None
    verdict = _on_all(comparison, best, settings, samples)
    if verdict.action == "hold":
        return verdict
    for person in comparison.by_person:
        left = [one and one.without(person) for one in (best, samples)]
        without = _on_all(comparison.without(person), left[0], settings, left[1])
        if without.action == "hold":
            # Messages name no person.
            whose = "of one reviewer" if person else "that were given by hand"
            why = f"without the test labels {whose} it would be held, since {without.reason}"
            return Verdict("ask", why if verdict.action == "deploy" else verdict.reason, rests_on_one=True)
    return verdict


def _on_all(comparison: Comparison, best: Comparison | None, settings: Settings, samples: Comparison | None) -> Verdict:
    """Decide on a challenger by all images of comparisons.

    It is held if it is worse for sure, as a whole or at a label. It is deployed if it is hardly worse for sure. Between
    the two a person is asked: what there is to compare does not tell. ``best`` compares it with the best version ever
    accepted, if that is another one than the champion, so that small losses do not add up. ``samples`` compares them
    on human samples alone, which nobody chose: if given, they tell how good it is as a whole.
    """
    low, high = (samples or comparison).bounds
    of_samples = f"; {samples.on('human samples')}" if samples else ""
    margin, points = settings.challenger_margin, f"more than {100 * settings.challenger_margin:g} points"
    lost, suspects = (", ".join(names[:_SHOWN_LABELS]) for names in (comparison.lost_labels, comparison.suspects))
    of_best = f"it may be worse than the best version by {points}: {best}; than the serving one"
    reasons: Sequence[tuple[bool, Literal["hold", "ask"], str]] = (
        (bool(lost), "hold", f"it has lost {lost}"),
        (high < -margin, "hold", f"it is worse by {points}"),
        (bool(suspects), "ask", f"it may have lost {suspects}"),
        (
            comparison.pairs < settings.minimum_test_images and low <= 0,
            "ask",
            f"only {comparison.pairs} test images compare the two",
        ),
        (low <= -margin, "ask", f"it may be worse by {points}"),
        (best is not None and best.bounds[0] <= -margin, "ask", of_best),
    )
    for applies, action, why in reasons:
        if applies:
            return Verdict(action, f"{why}: {comparison}{of_samples}")
    return Verdict("deploy", f"{comparison}{of_samples}")


def without_a_person(verdict: Verdict, comparison: Comparison, best: Comparison | None) -> Verdict:
    """Return the verdict if nobody can be asked.

    It is deployed if it is no worse on the images, no label is suspect, and that does not rest on one person.
    """
    if verdict.action != "ask":
        return verdict
    found = [comparison, *([best] if best else [])]
    is_no_worse = all(one.gained >= one.lost and not one.suspects for one in found) and not verdict.rests_on_one
    return replace(verdict, action="deploy" if is_no_worse else "hold")
