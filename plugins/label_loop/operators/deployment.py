"""The operators of deployment."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from label_loop.exceptions import SmokeTestFailedError
from label_loop.operators.base import LoopOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from label_loop.workflows.deployment import DeploymentWorkflow


class DeploymentOperator(LoopOperator):
    """A step of a deployment."""

    def workflow(self) -> "DeploymentWorkflow":
        """Return the deployment workflow of the loop, with a new context."""
        from label_loop.workflows.deployment import DeploymentWorkflow

        return DeploymentWorkflow(self.loop_context())


class DeploymentStartVersionOperator(DeploymentOperator):
    """Starts the version to deploy, by hand or as trained, beside the serving one. Returns its name.

    Skips itself if there is none.
    """

    template_fields = ("decision", "trained_version_name")

    def __init__(self, *, decision: Any, trained_version_name: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decision = decision
        self.trained_version_name = trained_version_name

    def execute(self, context: "Context") -> str:
        """Start the version. Raises RunningLimitError, and is retried, while the limit of versions is reached."""
        chosen = self.decision["version_name"] if self.decision["action"] == "deploy" else None
        version_name = chosen or self.trained_version_name
        if not version_name:
            raise AirflowSkipException("No version to deploy: none was requested, and none was trained and accepted.")
        self.workflow().start_version(version_name)
        return str(version_name)


class _VersionOperator(DeploymentOperator):
    template_fields = ("version_name",)

    def __init__(self, *, version_name: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version_name = version_name


class DeploymentSmokeTestOperator(_VersionOperator):
    """Tests a version on one known image before it may serve. Returns the version's name."""

    def execute(self, context: "Context") -> str:
        """Run the smoke test. A failure is not retried, and the endpoint is not moved."""
        try:
            self.workflow().smoke_test(self.version_name)
        except SmokeTestFailedError as error:
            raise AirflowFailException(str(error)) from error
        return str(self.version_name)


class DeploymentMoveEndpointOperator(_VersionOperator):
    """Makes a running version the endpoint."""

    def execute(self, context: "Context") -> None:
        """Update the loop state, which every detection reads."""
        self.workflow().move_endpoint(self.version_name)


class RescoreReviewsOperator(LoopOperator):
    """Scores open reviews again after a deployment, and withdraws those that the new version is sure of.

    Skips itself if all are scored, or if reviews cannot be withdrawn. Returns a RescoringSummary as a dict.
    """

    def execute(self, context: "Context") -> dict[str, Any]:
        """Score for five minutes at most; the next run goes on."""
        from label_loop.workflows.rescoring import RescoringWorkflow

        workflow = RescoringWorkflow(self.loop_context())
        if not workflow.is_due():
            raise AirflowSkipException("No open reviews are left that an earlier version made.")
        summary = asdict(workflow.run())
        self.log.info("%s: %s", self.loop_path, summary)
        return summary


class StopIdleVersionsOperator(LoopOperator):
    """Stops all running versions of the project except the endpoint."""

    def execute(self, context: "Context") -> None:
        """Stop them. Raises RuntimeError, for a retry, if the status of a version does not allow it yet."""
        from label_loop.serving import ServingModel

        busy = ServingModel(self.loop_context()).stop_unused()
        if busy:
            raise RuntimeError(f"Could not stop {', '.join(busy)} while the status is changing; will retry.")
