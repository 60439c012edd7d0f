"""The operator of human_sampling."""

from typing import TYPE_CHECKING

from label_loop.operators.base import LoopOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class HumanSamplingOperator(LoopOperator):
    """Takes the samples of all closed blocks; returns how many."""

    def execute(self, context: "Context") -> int:
        """Mark the samples, send them to review, and announce them."""
        from label_loop.workflows.human_sampling import MINIMUM_AGE_MINUTES, HumanSamplingWorkflow

        age = context.get("params", {}).get("minimum_age_minutes", MINIMUM_AGE_MINUTES)
        return HumanSamplingWorkflow(self.loop_context()).sample(age)
