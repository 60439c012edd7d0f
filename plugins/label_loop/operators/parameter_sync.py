"""The operator of parameter_sync."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from label_loop.exceptions import RefusedParametersError
from label_loop.operators.base import LoopOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

PARAMETER_POLL_SECONDS = 15


class ParameterSyncOperator(LoopOperator):
    """Makes Parameter Store and Variables equal, or waits without a worker until they differ.

    Returns a SyncResult as a dict.
    """

    def execute(self, context: "Context") -> Any:
        """Sync what differs now, or wait."""
        return self._sync(context, wait=True)

    def execute_complete(self, context: "Context", event: dict[str, Any]) -> Any:
        """Sync what a wait found."""
        return self._sync(context, wait=False)

    def _sync(self, context: "Context", *, wait: bool) -> Any:
        from label_loop.workflows.parameter_sync import ParameterSyncWorkflow

        result = ParameterSyncWorkflow(self.loop_context()).sync()
        if wait and not result.did_something:
            from label_loop.triggers.parameter_sync import ParameterChangeTrigger

            trigger = ParameterChangeTrigger(self.loop_path, PARAMETER_POLL_SECONDS, self.aws_conn_id)
            self.defer(trigger=trigger, method_name="execute_complete")
        for line in (*result.changes, *result.conflicts):
            self.log.info(line)
        return asdict(result)


class ParameterRefuseOperator(LoopOperator):
    """Fails where a value was refused, so that it is seen where operators look; all else was applied before."""

    template_fields = ("result",)

    def __init__(self, *, result: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.result = result

    def execute(self, context: "Context") -> None:
        """Raise the error that names parameter, value and rule."""
        if not self.result["refusals"]:
            raise AirflowSkipException("No value was refused.")
        raise AirflowFailException(str(RefusedParametersError(self.loop_path, self.result["refusals"])))


class DagRunNowOperator(LoopOperator):
    """Runs another DAG of the loop now, where a field of a sync's result is true.

    The provider's operator does it; importing it costs a second a parse.
    """

    template_fields = ("result",)

    def __init__(self, *, trigger_dag_id: str, result: Any, field: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.trigger_dag_id = trigger_dag_id
        self.result = result
        self.field = field

    def execute(self, context: "Context") -> None:
        """Ask for the run."""
        if not self.result[self.field]:
            raise AirflowSkipException(f"Nothing asks for a run of {self.trigger_dag_id}.")
        from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

        TriggerDagRunOperator(task_id=self.task_id, trigger_dag_id=self.trigger_dag_id).execute(context)
