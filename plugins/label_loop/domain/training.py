"""When a training starts, and what becomes of an attempt."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from label_loop.domain.deployment import BILLED, STARTABLE, TRAINED, TRAINING
from label_loop.payloads import ProjectVersion, TrainingAttempt

_FINGERPRINT_CHARACTERS = 12
MAX_TRIES = 20  # of CreateProjectVersion: a few checks with their retries
ACCEPTED = "accepted"
DEPLOYED = "deployed"
HELD = "held"
ASKED = "asked"
"""A person is asked whether to deploy it; nothing else is done with it until the answer."""
APPROVED = "approved"
"""By a person, or because nobody answered in time; it is not judged again."""
RETURNED = "returned"
"""It did worse in service than the version before it, which serves again."""
DECIDED = frozenset({ACCEPTED, APPROVED})
"""What the loop is to deploy."""


@dataclass(frozen=True)
class TrainingDecision:
    """Whether to train, to resume an interrupted attempt, or neither; and why."""

    action: Literal["train", "resume", "none"]
    reason: str


def decide_training(
    *,
    new_images: int,
    minimum_untrained_images: int,
    forced: bool,
    attempt: TrainingAttempt | None,
    versions: Iterable[ProjectVersion],
    endpoint_arn: str | None,
) -> TrainingDecision:
    """Decide what a training check does.

    An attempt that is in training, or trained but not evaluated or not deployed, is resumed before another training is
    paid for. Another version in training, whoever started it, delays a new one: one training at a time.
    """
    by_name = {version.name: version for version in versions}
    if attempt:
        last = by_name.get(attempt.version_name)
        if _is_unfinished(attempt, last, endpoint_arn):
            status = last.status if last else "not created yet"
            return TrainingDecision("resume", f"version {attempt.version_name} is {status}; resuming it")
    busy = next((version for version in by_name.values() if version.status == TRAINING), None)
    if busy:
        return TrainingDecision("none", f"version {busy.name} is already in training; only one training runs at a time")
    if forced:
        return TrainingDecision("train", "forced")
    if new_images >= minimum_untrained_images:
        return TrainingDecision("train", f"{new_images} new labelled images")
    return TrainingDecision("none", f"{new_images} of {minimum_untrained_images} new labelled images")


def _is_unfinished(attempt: TrainingAttempt, version: ProjectVersion | None, endpoint_arn: str | None) -> bool:
    if attempt.outcome is None:
        # An attempt is recorded before its version is created: a crash may have come in between.
        return version is None or version.status in {TRAINING, TRAINED}
    return (
        attempt.outcome in DECIDED
        and version is not None
        and version.arn != endpoint_arn
        and version.status in STARTABLE | BILLED
    )


def refused(attempt: TrainingAttempt, why: str, *, is_final: bool) -> TrainingAttempt:
    """Return an attempt whose version AWS refused to create: ended if that is final, or the tries are used up."""
    tries = attempt.tries + 1
    ended = is_final or tries >= MAX_TRIES
    return replace(attempt, tries=tries, outcome=f"not started: {why}" if ended else attempt.outcome)


def outcome_after_deployment(attempt: TrainingAttempt, deployed_version_name: str) -> str | None:
    """Return the outcome of the last attempt after a version was deployed.

    An accepted attempt is superseded if another version was deployed by hand: otherwise the next check would undo that
    decision. So is one that a person is asked about. An attempt that is still in training, or not evaluated yet, is
    kept, since it has new images. So is one that was returned, see ``domain/bake.py``.
    """
    if attempt.version_name == deployed_version_name:
        return DEPLOYED
    if attempt.outcome in DECIDED | {ASKED}:
        return f"superseded: {deployed_version_name} was deployed by hand"
    return attempt.outcome


def version_name(set_fingerprint: str, run_id: str) -> str:
    """Return a version name unique to this training set and run, so that AWS rejects a repeated call."""
    run = hashlib.sha256(run_id.encode()).hexdigest()
    return f"{_prefix(set_fingerprint)}{run[:8]}"


def trained_before(set_fingerprint: str, versions: Iterable[ProjectVersion]) -> str | None:
    """Return the name of a version that was trained with this training set, by ``version_name``; None if none was."""
    prefix = _prefix(set_fingerprint)
    return next((version.name for version in versions if version.name.startswith(prefix)), None)


def _prefix(set_fingerprint: str) -> str:
    return f"label-loop-{set_fingerprint[:_FINGERPRINT_CHARACTERS]}-"
