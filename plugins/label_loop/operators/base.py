"""The base of all tasks of a loop."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseOperator

from label_loop.loop import Loop

if TYPE_CHECKING:
    from label_loop.context import LoopContext


class LoopTask:
    """A task of the loop at a Parameter Store path."""

    loop_path: str
    aws_conn_id: str | None

    def loop_context(self) -> "LoopContext":
        """Return a new context of the loop: its settings, state and hooks."""
        from label_loop.context import LoopContext

        return LoopContext.of(Loop(self.loop_path), self.aws_conn_id)


class LoopOperator(LoopTask, BaseOperator):
    """An operator of one loop.

    :param loop_path: the loop's Parameter Store path, such as ``/logos``
    :param aws_conn_id: the Airflow connection to AWS
    """

    def __init__(self, *, loop_path: str, aws_conn_id: str | None = "aws_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loop_path = loop_path
        self.aws_conn_id = aws_conn_id


def trigger_run(dag_id: str, run_id: str, conf: Mapping[str, Any]) -> NoReturn:
    """Trigger a DAG run as the last thing that a task does; a run that exists is left as it is, and the task skipped.

    It raises what ``TriggerDagRunOperator`` raises; importing that operator would take longer than all else in a DAG.
    """
    from airflow.sdk.exceptions import DagRunTriggerException

    raise DagRunTriggerException(
        trigger_dag_id=dag_id,
        dag_run_id=run_id,
        conf=dict(conf),
        reset_dag_run=False,
        skip_when_already_exists=True,
        wait_for_completion=False,
        allowed_states=[],
        failed_states=[],
        poke_interval=0,
        deferrable=False,
    )
