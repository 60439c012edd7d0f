"""The results of the demo as a table, and whether the second model is better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from label_loop.domain.log_row import LogRow
from label_loop.domain.training import HELD
from label_loop.payloads import TrainingAttempt

GOOD_ENOUGH_F1 = 0.95
ENOUGH_TO_TELL = 150  # test images


@dataclass(frozen=True)
class VersionResult:
    """What one version was trained with, how well it performs, and what it detected."""

    number: int
    images_trained: int
    test_images: int
    f1: float
    detections: int
    accepted: int
    accepted_right: int
    reviewed: int
    calls_per_image: float
    is_held: bool = False


def result(
    number: int,
    version: Mapping[str, Any],
    attempt: TrainingAttempt,
    *,
    rows: Sequence[LogRow],
    truth: Mapping[str, str],
    calls_per_image: float,
) -> VersionResult:
    """Summarize one version from its description and the inference log; ``truth`` is by the image's key."""
    own = [row for row in rows if row.project_version_arn == version["ProjectVersionArn"]]
    accepted = [row for row in own if row.accepted]
    return VersionResult(
        number=number,
        images_trained=attempt.images,
        test_images=attempt.test_images,
        f1=float(version["EvaluationResult"]["F1Score"]),
        detections=len(own),
        accepted=len(accepted),
        accepted_right=sum(row.agrees_with(truth[row.key]) for row in accepted),
        reviewed=sum(row.is_answered for row in own),
        calls_per_image=calls_per_image,
        is_held=attempt.outcome == HELD and not own,
    )


def got_better(first: VersionResult, second: VersionResult) -> bool:
    """Return whether the second model is better, or equally good if there is little left to gain."""
    return second.f1 > first.f1 or (second.f1 == first.f1 and second.f1 >= GOOD_ENOUGH_F1)


def too_few_to_tell(first: VersionResult, second: VersionResult) -> bool:
    """Return whether there are so few test images that the difference may be due to chance."""
    spread = sum(result.f1 * (1 - result.f1) / result.test_images for result in (first, second)) ** 0.5
    return first.test_images < ENOUGH_TO_TELL and abs(second.f1 - first.f1) <= 2 * spread


def table(results: Sequence[VersionResult]) -> Table:
    """Return the results as a table for people."""
    shown = Table(title="The versions, measured on images that none was trained with")
    shown.add_column("version")
    for name in ("trained", "tested", "F1", "detections", "accepted", "of these right", "reviewed", "calls per image"):
        shown.add_column(name, justify="right")
    for each in results:
        shown.add_row(
            f"{each.number}, held" if each.is_held else str(each.number),
            str(each.images_trained),
            str(each.test_images),
            f"{each.f1:.3f}",
            str(each.detections),
            f"{each.accepted} ({_percent(each.accepted, each.detections)})",
            str(each.accepted_right),
            str(each.reviewed),
            f"{each.calls_per_image:.1f}" if each.detections else "-",
        )
    return shown


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"
