"""A sensor of Rekognition Custom Labels."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import PokeReturnValue
from airflow.sdk.exceptions import AirflowFailException

from label_loop.loop import Loop
from label_loop.operators.base import LoopTask
from label_loop.sensors.base import DeferrableSensor

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.triggers.base import BaseTrigger

    from label_loop.hooks.rekognition import RekognitionHook

_POLL_SECONDS = 15
_MAX_WAIT_SECONDS = 36 * 3600  # AWS gives a training up to 24 hours


class RekognitionProjectVersionSensor(LoopTask, DeferrableSensor):
    """Waits until a project version is trained or running; returns its name.

    Fails without retry, with Rekognition's reason, if the version failed. For a version of a loop the failure is
    recorded, so that the same images are not trained again.

    :param version_name: the version's name (templated)
    :param waiter_name: ``project_version_trained`` or ``project_version_running``
    :param project_arn: the ARN of its project (templated)
    :param loop_path: instead of ``project_arn``: the Parameter Store path of the loop
    :param aws_conn_id: the Airflow connection to AWS
    """

    template_fields = ("version_name", "project_arn")

    def __init__(
        self,
        *,
        version_name: Any,
        waiter_name: str,
        project_arn: Any = None,
        loop_path: str = "",
        aws_conn_id: str | None = "aws_default",
        poke_interval: float = _POLL_SECONDS,
        timeout: float = _MAX_WAIT_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, timeout=timeout, **kwargs)
        self.version_name = version_name
        self.waiter_name = waiter_name
        self.project_arn = project_arn
        self.loop_path = loop_path
        self.aws_conn_id = aws_conn_id

    def poke(self, context: "Context") -> PokeReturnValue:
        """Check once. Raises AirflowFailException if the version failed."""
        from botocore.exceptions import WaiterError

        arguments = {"ProjectArn": self._project(), "VersionNames": [self.version_name]}
        waiter = self._hook().get_waiter(self.waiter_name)
        try:
            waiter.wait(**arguments, WaiterConfig={"MaxAttempts": 1, "Delay": 0})
        except WaiterError as error:
            if error.kwargs["reason"].startswith("Max attempts exceeded"):
                return PokeReturnValue(is_done=False)
            if "Error" in error.last_response:
                raise  # the request failed, not the version
            self._fail()
        return PokeReturnValue(is_done=True, xcom_value=str(self.version_name))

    def trigger(self) -> "BaseTrigger":
        """Return the trigger with the same waiter."""
        from label_loop.triggers.rekognition import RekognitionProjectVersionTrigger

        return RekognitionProjectVersionTrigger(
            project_arn=self._project(),
            version_name=self.version_name,
            waiter_name=self.waiter_name,
            waiter_delay=int(self.poke_interval),
            waiter_max_attempts=int(self.timeout // self.poke_interval) + 1,
            aws_conn_id=self.aws_conn_id,
        )

    def _hook(self) -> "RekognitionHook":
        from label_loop.hooks.rekognition import RekognitionHook

        return RekognitionHook(aws_conn_id=self.aws_conn_id)

    def _project(self) -> str:
        return str(self.project_arn) if self.project_arn else self.loop_context().store.record.project_arn

    def _fail(self) -> None:
        if self.project_arn:
            version = self._hook().version(self._project(), self.version_name)
            raise AirflowFailException(f"{version.name} is {version.status}: {version.status_message}")
        from label_loop.workflows.evaluation import EvaluationWorkflow

        reason = EvaluationWorkflow(self.loop_context()).record_failure(self.version_name)
        raise AirflowFailException(f"{reason} The loop {Loop(self.loop_path).name} keeps its current model.")
