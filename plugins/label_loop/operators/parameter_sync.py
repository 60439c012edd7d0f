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
    """Makes Parameter Store and Variables equal, or defers until they differ.

    Returns a SyncResult as a dict.
    """

    def execute(self, context: "Context") -> Any:
        """Sync, or defer if there is nothing to do."""
        return self._sync(context, wait=True)

    def execute_complete(self, context: "Context", event: dict[str, Any]) -> Any:
        """Sync after the trigger has found a difference."""
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
    """Fails if a value was rejected, so that operators notice; all other values have already been applied."""

    template_fields = ("result",)

    def __init__(self, *, result: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.result = result

    def execute(self, context: "Context") -> None:
        """Raise AirflowFailException with the parameters, values and rules; skip if there are none."""
        if not self.result["refusals"]:
            raise AirflowSkipException("No value was rejected.")
        raise AirflowFailException(str(RefusedParametersError(self.loop_path, self.result["refusals"])))


class DagRunNowOperator(LoopOperator):
    """Triggers another DAG of the loop if a field of a sync's result is true.

    It wraps the provider's operator, whose import would cost a second at each parse.
    """

    template_fields = ("result",)

    def __init__(self, *, trigger_dag_id: str, result: Any, field: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.trigger_dag_id = trigger_dag_id
        self.result = result
        self.field = field

    def execute(self, context: "Context") -> None:
        """Trigger the run, or skip."""
        if not self.result[self.field]:
            raise AirflowSkipException(
                f"No run of {self.trigger_dag_id} is needed: its schedule was not just switched on."
            )
        from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

        TriggerDagRunOperator(task_id=self.task_id, trigger_dag_id=self.trigger_dag_id).execute(context)
