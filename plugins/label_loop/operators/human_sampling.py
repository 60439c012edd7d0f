"""The operators of human_sampling."""

from datetime import date
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from label_loop.exceptions import shown
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


class SendWithheldOperator(LoopOperator):
    """Sends detections to review that the budget withheld; returns how many.

    ``withheld_since`` of the run's parameters is the day from which on, ``withheld_most`` how many at most. Without a
    day it skips itself.
    """

    def execute(self, context: "Context") -> int:
        """Send them, or skip."""
        params = context["params"]
        since = str(params.get("withheld_since") or "").strip()
        if not since:
            raise AirflowSkipException("No withheld detections were asked for.")
        try:
            day = date.fromisoformat(since)
        except ValueError:
            raise AirflowFailException(
                f"withheld_since is {shown(since)}, but must be a day such as 2026-11-29: trigger the run again."
            ) from None
        from label_loop.workflows.withheld import WithheldReviewsWorkflow

        return WithheldReviewsWorkflow(self.loop_context()).send(day.isoformat(), int(params["withheld_most"]))
