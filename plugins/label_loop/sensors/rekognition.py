"""Waits for Rekognition project versions, without a worker."""

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from label_loop.loop import Loop
from label_loop.operators.base import LoopOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

_LONGEST_WAIT_SECONDS = 36 * 3600  # AWS gives a training up to 24 hours


class RekognitionProjectVersionSensor(LoopOperator):
    """Waits until a version is trained (``project_version_trained``) or runs (``project_version_running``).

    Returns the version's name. Fails for good, with Rekognition's reason, where the version cannot get there.
    """

    template_fields = ("version_name",)

    def __init__(self, *, version_name: Any, waiter_name: str, poll_interval_seconds: int = 15, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version_name = version_name
        self.waiter_name = waiter_name
        self.poll_interval_seconds = poll_interval_seconds

    def execute(self, context: "Context") -> str:
        """Look first; defer where it takes longer."""
        from botocore.exceptions import WaiterError

        loop = self.loop_context()
        arguments = {"ProjectArn": loop.record.project_arn, "VersionNames": [self.version_name]}
        waiter = loop.rekognition.get_waiter(self.waiter_name)
        try:
            waiter.wait(**arguments, WaiterConfig={"MaxAttempts": 1, "Delay": 0})
        except WaiterError as error:
            if error.kwargs["reason"].startswith("Max attempts exceeded"):
                self._defer(loop.record.project_arn)
            if "Error" in error.last_response:
                raise  # the question failed, not the version
            self._fail()
        return str(self.version_name)

    def execute_complete(self, context: "Context", event: dict[str, Any]) -> str:
        """Return on success; else look again, which waits on or gives the reason."""
        if event.get("status") != "success":
            self.log.warning("The wait for %s ended: %s", self.version_name, event.get("message"))
            return self.execute(context)
        return str(self.version_name)

    def _defer(self, project_arn: str) -> None:
        from label_loop.triggers.rekognition import RekognitionProjectVersionTrigger

        trigger = RekognitionProjectVersionTrigger(
            project_arn=project_arn,
            version_name=self.version_name,
            waiter_name=self.waiter_name,
            waiter_delay=self.poll_interval_seconds,
            waiter_max_attempts=_LONGEST_WAIT_SECONDS // self.poll_interval_seconds,
            aws_conn_id=self.aws_conn_id,
        )
        self.defer(trigger=trigger, method_name="execute_complete")

    def _fail(self) -> None:
        from label_loop.workflows.training import TrainingWorkflow

        training = TrainingWorkflow(self.loop_context())
        reason = training.record_failure(self.version_name)
        raise AirflowFailException(f"{reason} {Loop(self.loop_path).name} keeps the model it has.")
