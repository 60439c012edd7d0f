"""Which versions serve, which only cost, and which may serve: by their score, or by a person's choice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from label_loop.exceptions import VersionNotDeployableError, shown
from label_loop.payloads import ProjectVersion

TRAINING = "TRAINING_IN_PROGRESS"
TRAINED = "TRAINING_COMPLETED"
TRAINING_FAILED = "TRAINING_FAILED"
RUNNING = "RUNNING"
MOST_PAID = 2  # at a time, and two only while one takes over from the other
BILLED = frozenset({"STARTING", RUNNING})
STARTABLE = frozenset({TRAINED, "STOPPED"})
DEPLOYABLE = STARTABLE | BILLED

_SPOKEN = {TRAINING: "training", TRAINED: "trained", TRAINING_FAILED: "failed in training", "FAILED": "failed to run"}
_SHOWN_VERSIONS = 10


def spoken(status: str) -> str:
    """Return a status as people say it: ``TRAINING_IN_PROGRESS`` is "training"."""
    return _SPOKEN.get(status, status.replace("_", " ").lower())


def passes_gate(f1_score: float | None, minimum_f1_score: float) -> bool:
    """Return whether a version is good enough; a version without a score is not."""
    return f1_score is not None and f1_score >= minimum_f1_score


def versions_to_stop(versions: Iterable[ProjectVersion], *kept_arns: str | None) -> list[ProjectVersion]:
    """Return the versions that cost money and are not kept (they serve, or are about to), whoever started them."""
    return [version for version in versions if version.status in BILLED and version.arn not in kept_arns]


@dataclass(frozen=True)
class Units:
    """Inference units that a model is started with; ``most`` is up to where Rekognition scales, None for not at all."""

    least: int
    most: int | None = None
    problem: str = ""

    @classmethod
    def of(cls, minimum: int, maximum: int) -> "Units":
        """Return what two parameters ask for. A maximum below the minimum is a problem, and the minimum counts."""
        if not maximum or maximum == minimum:
            return cls(minimum)
        if maximum > minimum:
            return cls(minimum, maximum)
        problem = (
            f"Maximum-Inference-Units is {maximum}, below Minimum-Inference-Units ({minimum}): it is not scaled. "
            "Raise the one, lower the other, or set the maximum to 0"
        )
        return cls(minimum, problem=problem)

    def __str__(self) -> str:
        text = f"{self.least} to {self.most} inference units" if self.most else f"{self.least} inference unit(s)"
        return f"{text}. {self.problem}" if self.problem else text


@dataclass(frozen=True)
class DeploymentDecision:
    """What becomes of a person's wish that a version serve, and why."""

    action: Literal["deploy", "none"]
    reason: str
    version_name: str


def choose(
    name: str, versions: Sequence[ProjectVersion], endpoint_arn: str | None, minimum_f1_score: float
) -> DeploymentDecision:
    """Decide on the deployment of the version of a name, which may be an earlier one, or below the F1 gate.

    Raises VersionNotDeployableError, which lists the versions that can be deployed, newest first as given.
    """
    version = next((version for version in versions if version.name == name), None)
    if version is None or version.status not in DEPLOYABLE:
        problem = f"is {spoken(version.status)}" if version else "is no version of this project"
        raise VersionNotDeployableError(f"{shown(name)} {problem}. {_deployable(versions)}")
    if version.arn == endpoint_arn and version.status == RUNNING:
        return DeploymentDecision("none", "it serves already", name)
    if version.arn == endpoint_arn:
        return DeploymentDecision("deploy", "it is the serving version, and is started again", name)
    score = "without an F1 score" if version.f1_score is None else f"with F1 {version.f1_score:.3f}"
    if not passes_gate(version.f1_score, minimum_f1_score):
        score += f", which does not reach the minimum of {minimum_f1_score}: by hand it may serve all the same"
    return DeploymentDecision("deploy", score, name)


def _deployable(versions: Sequence[ProjectVersion]) -> str:
    names = [version.name for version in versions if version.status in DEPLOYABLE]
    if not names:
        return "No version can be deployed yet: train one first."
    more = f" and {len(names) - _SHOWN_VERSIONS} more" if len(names) > _SHOWN_VERSIONS else ""
    return f"Versions that can be deployed, newest first: {', '.join(names[:_SHOWN_VERSIONS])}{more}."
