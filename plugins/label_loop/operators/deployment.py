"""The operators of deployment."""

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
        """Return the loop's deployment, with settings and record read afresh."""
        from label_loop.workflows.deployment import DeploymentWorkflow

        return DeploymentWorkflow(self.loop_context())


class DeploymentStartVersionOperator(DeploymentOperator):
    """Starts a version beside the one that serves: the one chosen by hand, else the trained one. Returns its name."""

    template_fields = ("decision", "trained_version_name")

    def __init__(self, *, decision: Any, trained_version_name: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decision = decision
        self.trained_version_name = trained_version_name

    def execute(self, context: "Context") -> str:
        """Ask for the start."""
        chosen = self.decision["version_name"] if self.decision["action"] == "deploy" else None
        version_name = chosen or self.trained_version_name
        if not version_name:
            raise AirflowSkipException("No version is to be deployed, and none was trained that is good enough.")
        self.workflow().start_version(version_name)
        return str(version_name)


class _VersionOperator(DeploymentOperator):
    template_fields = ("version_name",)

    def __init__(self, *, version_name: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version_name = version_name


class DeploymentSmokeTestOperator(_VersionOperator):
    """Detects one known image with a version before it may serve. Returns the version's name."""

    def execute(self, context: "Context") -> str:
        """Test, and fail without the endpoint being moved."""
        try:
            self.workflow().smoke_test(self.version_name)
        except SmokeTestFailedError as error:
            raise AirflowFailException(str(error)) from error
        return str(self.version_name)


class DeploymentMoveEndpointOperator(_VersionOperator):
    """Lets a running version serve."""

    def execute(self, context: "Context") -> None:
        """Change the record that every detection reads."""
        self.workflow().move_endpoint(self.version_name)


class StopIdleVersionsOperator(LoopOperator):
    """Stops every version of the project that runs without serving, whatever left it running."""

    def execute(self, context: "Context") -> None:
        """Ask for the stops. Raises RuntimeError, so that it is tried again, where a version cannot stop yet."""
        from label_loop.serving import ServingModel

        busy = ServingModel(self.loop_context()).stop_unused()
        if busy:
            raise RuntimeError(f"{', '.join(busy)} cannot stop while changing state; it is tried again.")
