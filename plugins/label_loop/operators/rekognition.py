"""The operators of training."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from label_loop.exceptions import SmokeTestFailedError, UnusableTrainingSetError
from label_loop.operators.base import LoopOperator, skip_downstream
from label_loop.payloads import TrainingAttempt

if TYPE_CHECKING:
    from airflow.sdk import Context

    from label_loop.states.training import TrainingState


class TrainingOperator(LoopOperator):
    """A step of a training run."""

    def state(self) -> "TrainingState":
        """Return the loop's training, with settings and record read afresh."""
        from label_loop.states.training import TrainingState

        return TrainingState(self.loop_context())


class TrainingCheckOperator(TrainingOperator):
    """Decides whether a training starts; skips ``skips`` where none does. Returns the decision as a dict."""

    def __init__(self, *, skips: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.skips = skips

    def execute(self, context: "Context") -> Any:
        """Check the criteria; a run triggered with ``force`` needs no new images."""
        decision = self.state().check(forced=bool(context["params"].get("force")))
        if decision.action == "none":
            skip_downstream(context, asdict(decision), [self.skips])
        return asdict(decision)


class TrainingWriteManifestOperator(TrainingOperator):
    """Checks the images and writes the manifest; skips ``skips`` where too few are usable. Returns the attempt."""

    template_fields = ("decision",)

    def __init__(self, *, decision: Any, skips: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decision = decision
        self.skips = skips

    def execute(self, context: "Context") -> Any:
        """Prepare the training set. A set that cannot train fails at once: trying again would not mend it."""
        try:
            attempt = self.state().prepare(
                resume=self.decision["action"] == "resume",
                forced=bool(context["params"].get("force")),
                run_id=str(context["run_id"]),
            )
        except UnusableTrainingSetError as error:
            raise AirflowFailException(str(error)) from error
        if attempt is None:
            skip_downstream(context, None, [self.skips])
        return attempt.to_json()


class RekognitionCreateProjectVersionOperator(TrainingOperator):
    """Starts the training of an attempt, once however often it runs. Returns the version's name."""

    template_fields = ("attempt",)

    def __init__(self, *, attempt: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attempt = attempt

    def execute(self, context: "Context") -> str:
        """Record the attempt, then create the version."""
        return self.state().create_version(TrainingAttempt(**self.attempt))


class _VersionOperator(TrainingOperator):
    template_fields = ("version_name",)

    def __init__(self, *, version_name: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version_name = version_name


class RekognitionEvaluateProjectVersionOperator(_VersionOperator):
    """Compares F1 with the minimum; skips ``skips`` where the version is not good enough. Returns whether it is."""

    def __init__(self, *, skips: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.skips = skips

    def execute(self, context: "Context") -> Any:
        """Judge the version and record the outcome."""
        if not self.state().passes_gate(self.version_name):
            skip_downstream(context, False, [self.skips])
        return True


class RekognitionStartProjectVersionOperator(_VersionOperator):
    """Starts a version beside the one that serves."""

    def execute(self, context: "Context") -> None:
        """Ask for the start."""
        self.state().start_version(self.version_name)


class RekognitionSmokeTestOperator(_VersionOperator):
    """Detects one known image with a version before it may serve."""

    def execute(self, context: "Context") -> None:
        """Test, and fail without the endpoint being moved."""
        try:
            self.state().smoke_test(self.version_name)
        except SmokeTestFailedError as error:
            raise AirflowFailException(str(error)) from error


class EndpointMoveOperator(_VersionOperator):
    """Lets a running version serve."""

    def execute(self, context: "Context") -> None:
        """Change the record that every detection reads."""
        self.state().move_endpoint(self.version_name)


class RekognitionStopIdleVersionsOperator(TrainingOperator):
    """Stops every version of the project that runs without serving, whatever left it running."""

    def execute(self, context: "Context") -> None:
        """Ask for the stops. Raises RuntimeError, so that it is tried again, where a version cannot stop yet."""
        busy = self.state().stop_idle_versions()
        if busy:
            raise RuntimeError(f"{', '.join(busy)} cannot stop while changing state; it is tried again.")
