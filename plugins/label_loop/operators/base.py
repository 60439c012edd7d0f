"""What all tasks of a loop share."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from label_loop.loop import Loop

if TYPE_CHECKING:
    from label_loop.context import LoopContext


class LoopTask:
    """A task of one loop, which is named by its Parameter Store path."""

    loop_path: str
    aws_conn_id: str | None

    def loop_context(self) -> "LoopContext":
        """Return the loop with its settings, state and hooks, read afresh."""
        from label_loop.context import LoopContext

        return LoopContext(Loop(self.loop_path), self.aws_conn_id)


class LoopOperator(LoopTask, BaseOperator):
    """An operator of one loop.

    :param loop_path: the loop's Parameter Store path, such as ``/logos``
    :param aws_conn_id: the Airflow connection to AWS
    """

    def __init__(self, *, loop_path: str, aws_conn_id: str | None = "aws_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loop_path = loop_path
        self.aws_conn_id = aws_conn_id
