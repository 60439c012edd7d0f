"""The base of all tasks of a loop."""

from typing import TYPE_CHECKING, Any

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
