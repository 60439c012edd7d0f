"""Which versions serve, which only cost, and whether a trained one may serve."""

from collections.abc import Iterable

from label_loop.payloads import ProjectVersion

TRAINING = "TRAINING_IN_PROGRESS"
TRAINED = "TRAINING_COMPLETED"
TRAINING_FAILED = "TRAINING_FAILED"
BILLED = frozenset({"STARTING", "RUNNING"})
STARTABLE = frozenset({TRAINED, "STOPPED"})


def passes_gate(f1_score: float | None, minimum_f1_score: float) -> bool:
    """Return whether a version is good enough; a version without a score is not."""
    return f1_score is not None and f1_score >= minimum_f1_score


def versions_to_stop(versions: Iterable[ProjectVersion], endpoint_arn: str | None) -> list[ProjectVersion]:
    """Return the versions that cost money and do not serve, whoever started them."""
    return [version for version in versions if version.status in BILLED and version.arn != endpoint_arn]
