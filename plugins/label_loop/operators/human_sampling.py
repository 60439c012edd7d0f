"""The operator of human_sampling."""

from typing import TYPE_CHECKING

from label_loop.operators.base import LoopOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class HumanSamplingOperator(LoopOperator):
    """Takes all samples that are due; returns how many."""

    def execute(self, context: "Context") -> int:
        """Mark the samples, send them to review, and announce them."""
        from label_loop.workflows.human_sampling import HumanSamplingWorkflow

        return HumanSamplingWorkflow(self.loop_context()).sample()
