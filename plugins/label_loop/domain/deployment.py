"""Which versions may serve, by F1 score or by a person's choice, and which are to be stopped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from label_loop.exceptions import VersionNotDeployableError, shown
from label_loop.parameters import Settings
from label_loop.payloads import ProjectVersion

TRAINING = "TRAINING_IN_PROGRESS"
TRAINED = "TRAINING_COMPLETED"
TRAINING_FAILED = "TRAINING_FAILED"
RUNNING = "RUNNING"
MAX_BILLED_VERSIONS = 2  # two only while one replaces the other
BILLED = frozenset({"STARTING", RUNNING})
STARTABLE = frozenset({TRAINED, "STOPPED"})
DEPLOYABLE = STARTABLE | BILLED

_STATUS_LABELS = {
    TRAINING: "training",
    TRAINED: "trained",
    TRAINING_FAILED: "failed in training",
    "FAILED": "failed to run",
}
_SHOWN_VERSIONS = 10


def status_label(status: str) -> str:
    """Return a status for display: "training" for ``TRAINING_IN_PROGRESS``."""
    return _STATUS_LABELS.get(status, status.replace("_", " ").lower())


def passes_gate(f1_score: float | None, minimum_f1_score: float) -> bool:
    """Return whether an F1 score reaches the minimum; a missing one does not."""
    return f1_score is not None and f1_score >= minimum_f1_score


def versions_to_stop(versions: Iterable[ProjectVersion], *kept_arns: str | None) -> list[ProjectVersion]:
    """Return the billed versions, whoever started them, except those with the ARNs to keep."""
    return [version for version in versions if version.status in BILLED and version.arn not in kept_arns]


@dataclass(frozen=True)
class InferenceUnits:
    """The inference units to start a model with; ``maximum`` is the limit of autoscaling, None for no autoscaling."""

    minimum: int
    maximum: int | None = None
    problem: str = ""

    @classmethod
    def of(cls, minimum: int, maximum: int) -> "InferenceUnits":
        """Return the units for two parameters. A maximum below the minimum is noted as a problem and ignored."""
        if not maximum or maximum == minimum:
            return cls(minimum)
        if maximum > minimum:
            return cls(minimum, maximum)
        problem = (
            f"Maximum-Inference-Units ({maximum}) is below Minimum-Inference-Units ({minimum}), so autoscaling is off. "
            "Correct one of them, or set the maximum to 0"
        )
        return cls(minimum, problem=problem)

    @classmethod
    def of_settings(cls, settings: Settings) -> "InferenceUnits":
        """Return the units that the parameters say."""
        return cls.of(settings.minimum_inference_units, settings.maximum_inference_units)

    def __str__(self) -> str:
        text = (
            f"{self.minimum} to {self.maximum} inference units" if self.maximum else f"{self.minimum} inference unit(s)"
        )
        return f"{text}. {self.problem}" if self.problem else text


@dataclass(frozen=True)
class DeploymentDecision:
    """Whether to deploy the version that a person requested, and why."""

    action: Literal["deploy", "none"]
    reason: str
    version_name: str


def way_to_units(serving: ProjectVersion, versions: Iterable[ProjectVersion], settings: Settings) -> str | None:
    """Return how a version that runs gets the units of the parameters and what that costs; None if it has them.

    Rekognition can change them only by a stop and a start. ``versions`` are newest first.
    """
    if serving.inference_units is None:
        return None
    units, minimum = InferenceUnits.of_settings(settings), settings.minimum_f1_score
    running = InferenceUnits.of(serving.inference_units, serving.maximum_inference_units or 0)
    if (running.minimum, running.maximum) == (units.minimum, units.maximum):
        return None
    difference = f"it runs with {running}, and the parameters say {units}. Only a new start can change that"
    for other in versions:
        if other.arn != serving.arn and other.status in DEPLOYABLE and passes_gate(other.f1_score, minimum):
            return (
                f"{difference}. Without a gap: deploy {other.name} (F1 {other.f1_score:.3f}), then {serving.name} "
                "again. Each of the two deployments pays for two running versions until it has ended"
            )
    return (
        f"{difference}, and no other version reaches the minimum F1 score of {minimum} to serve meanwhile: "
        f"stop the model and start {serving.name} again. Uploads wait until it runs, usually 10 to 30 minutes"
    )


def decide_deployment(
    name: str, versions: Sequence[ProjectVersion], endpoint_arn: str | None, settings: Settings
) -> DeploymentDecision:
    """Decide on a deployment by hand; any trained version is allowed, also an earlier one or one below the F1 gate.

    ``versions`` are newest first. Raises VersionNotDeployableError, which lists the deployable versions.
    """
    version = next((version for version in versions if version.name == name), None)
    if version is None or version.status not in DEPLOYABLE:
        problem = f"is {status_label(version.status)}" if version else "is not a version of this project"
        raise VersionNotDeployableError(f"{shown(name)} {problem}. {_deployable(versions)}")
    if version.arn == endpoint_arn and version.status == RUNNING:
        way = way_to_units(version, versions, settings)
        return DeploymentDecision("none", f"it already serves{f'; {way}' if way else ''}", name)
    if version.arn == endpoint_arn:
        return DeploymentDecision("deploy", "it is the endpoint and will be restarted", name)
    score = "without an F1 score" if version.f1_score is None else f"with F1 {version.f1_score:.3f}"
    if not passes_gate(version.f1_score, settings.minimum_f1_score):
        score += f", below the minimum of {settings.minimum_f1_score}; allowed, since it was requested by hand"
    return DeploymentDecision("deploy", score, name)


def _deployable(versions: Sequence[ProjectVersion]) -> str:
    names = [version.name for version in versions if version.status in DEPLOYABLE]
    if not names:
        return "No version can be deployed yet; train one first."
    more = f" and {len(names) - _SHOWN_VERSIONS} more" if len(names) > _SHOWN_VERSIONS else ""
    return f"Deployable versions, newest first: {', '.join(names[:_SHOWN_VERSIONS])}{more}."
