"""What all operators of a loop share."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from label_loop.loop import Loop

if TYPE_CHECKING:
    from label_loop.context import LoopContext


class LoopOperator(BaseOperator):
    """A task of one loop. ``loop_path`` is its Parameter Store path."""

    def __init__(self, *, loop_path: str, aws_conn_id: str | None = "aws_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loop_path = loop_path
        self.aws_conn_id = aws_conn_id

    def loop_context(self) -> "LoopContext":
        """Return the loop with its settings and hooks, read afresh."""
        from label_loop.context import LoopContext

        return LoopContext(Loop(self.loop_path), self.aws_conn_id)
