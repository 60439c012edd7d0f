"""Which labels are likely wrong: those that a version contradicts confidently, of images that it did not train with."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar

from label_loop.domain.labels import label_key
from label_loop.payloads import LabelledImage

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MOST_SUSPECTS = 1000
"""So many are kept, the likeliest first: nobody looks through more, and the file stays small."""
SHOWN_SUSPECTS = 5
_LEAST_PERCENT = 50.0  # below it, the other labels together are the likelier ones: that contradicts nobody
_FEWEST_PER_LABEL = 3  # predicted images that a threshold needs, or one image would decide on itself


@dataclass(frozen=True)
class PredictedImage:
    """A labelled image, and what a version that did not train with it is most confident of, "" for no label.

    ``detection_id`` is that of the upload that it was copied from, "" if it is not known.
    """

    image: LabelledImage
    guess: str
    confidence_percent: float
    detection_id: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the guess is the image's label."""
        return label_key(self.guess) == label_key(self.image.label)


@dataclass(frozen=True)
class SuspectLabel:
    """A label that is likely wrong: the image has ``label``, and a version says ``likely_label``.

    ``threshold_percent`` is how confident versions are, on average, of images that bear the likely label, 50 at least.
    ``score`` is by how much of the range above it the confidence exceeds it, 0 to 1: the higher, the likelier.
    """

    key: str
    label: str
    content: str
    likely_label: str
    confidence_percent: float
    threshold_percent: float
    score: float
    detection_id: str = ""

    def __str__(self) -> str:
        return f"{self.key} ({self.likely_label} at {self.confidence_percent:.0f} %)"


@dataclass(frozen=True)
class LabelAudit:
    """What is known of the labels that ``version`` trains and tests with, at a moment in ISO 8601 (UTC).

    ``audited`` images have a prediction of a version that did not train with them, ``unaudited`` have none.
    """

    __pydantic_config__: ClassVar = {"extra": "ignore"}

    version: str
    at: str
    audited: int
    unaudited: int
    suspects: tuple[SuspectLabel, ...] = ()

    def to_json(self) -> str:
        """Return the audit as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> "LabelAudit | None":
        """Parse an audit; None if it is none."""
        try:
            return _audits().validate_json(text)
        except ValueError:  # pydantic's ValidationError is one
            return None

    def __str__(self) -> str:
        found = f"{len(self.suspects)} of {self.audited} audited labels of {self.version} are likely wrong"
        shown = ", ".join(str(one) for one in self.suspects[:SHOWN_SUSPECTS])
        rest = "; ".join(part for part in (shown, f"{self.unaudited} are unaudited" if self.unaudited else "") if part)
        return f"{found} ({rest})" if rest else found


@cache
def _audits() -> "TypeAdapter[LabelAudit]":
    from pydantic import TypeAdapter

    return TypeAdapter(LabelAudit)


def suspect_labels(predicted: Sequence[PredictedImage]) -> list[SuspectLabel]:
    """Return the labels that are likely wrong, the likeliest first.

    Confident learning (Northcutt, Jiang and Chuang, Confident Learning, 2021): the threshold of a label is the mean
    confidence in it of the images that bear it, right or wrong. An image is suspect if the confidence in another label
    reaches that label's threshold, so that versions which are never sure of a label do not suspect less of it. Only the
    most confident label is known, so the confidence in any other one counts as 0: it cannot exceed the rest, and in
    measures with all confidences the same images were found.
    """
    thresholds = _thresholds(predicted)
    found = []
    for one in predicted:
        threshold = thresholds.get(label_key(one.guess))
        if threshold is not None and one.confidence_percent >= threshold and not one.agrees:
            found.append(_suspect(one, threshold))
    return sorted(found, key=_likeliest_first)[:MOST_SUSPECTS]


def _thresholds(predicted: Iterable[PredictedImage]) -> dict[str, float]:
    """Return the threshold of each label that enough images bear, in percent; 50 at least."""
    confidences: dict[str, list[float]] = {}
    for one in predicted:
        of_label = confidences.setdefault(label_key(one.image.label), [])
        of_label.append(one.confidence_percent if one.agrees else 0.0)
    return {
        label: max(fmean(some), _LEAST_PERCENT) for label, some in confidences.items() if len(some) >= _FEWEST_PER_LABEL
    }


def _suspect(one: PredictedImage, threshold: float) -> SuspectLabel:
    image, room = one.image, 100 - threshold
    score = (one.confidence_percent - threshold) / room if room > 0 else 1.0
    return SuspectLabel(
        image.key,
        image.label,
        image.content,
        one.guess,
        one.confidence_percent,
        round(threshold, 4),
        round(score, 4),
        one.detection_id,
    )


def still_suspect(
    before: Iterable[SuspectLabel], images: Iterable[LabelledImage], audited: Iterable[str]
) -> list[SuspectLabel]:
    """Return the suspects of an earlier audit whose images are as they were and have no new prediction.

    Once a version has trained with an image it can say nothing about its label any more. ``audited`` are the keys of
    the images that have a prediction now.
    """
    known = {(one.key, one.label, one.content): one for one in before}
    done = set(audited)
    return [
        known[image.key, image.label, image.content]
        for image in images
        if (image.key, image.label, image.content) in known and image.key not in done
    ]


def merged(*some: Iterable[SuspectLabel]) -> tuple[SuspectLabel, ...]:
    """Return suspects together, the likeliest first."""
    return tuple(sorted((one for each in some for one in each), key=_likeliest_first)[:MOST_SUSPECTS])


def _likeliest_first(one: SuspectLabel) -> tuple[float, str]:
    return -one.score, one.key
