"""The operators that process a loop's inboxes."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from label_loop.exceptions import ReviewRefusedError
from label_loop.operators.base import LoopOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from label_loop.inbox.base import Inbox
    from label_loop.inbox.reconciliation import Reconciliation
    from label_loop.workflows.detection import DetectionSummary
    from label_loop.workflows.human_review import ReviewSummary


class InboxOperator(LoopOperator):
    """Processes an inbox and, once an hour, the objects that had no notification."""

    def drain(
        self,
        process: "Callable[[Inbox], DetectionSummary | ReviewSummary]",
        inbox: "Inbox",
        listing: "Reconciliation",
    ) -> dict[str, Any]:
        """Process an inbox, then the listing if it is due; return the sum of both summaries."""
        summary = asdict(process(inbox))
        listing.begin()
        if listing.is_due():
            found = asdict(process(listing))
            listing.finish()
            summary = {name: value + found[name] for name, value in summary.items()}
        self.log.info("%s: %s", self.loop_path, summary)
        return summary


class DetectUploadsOperator(InboxOperator):
    """Detects the images in ``images_for_detection/``, logs and announces them, and sends unsure ones to review.

    Skips itself if no model serves: received uploads would fail repeatedly and become dead letters. Returns a
    DetectionSummary as a dict.
    """

    def execute(self, context: "Context") -> dict[str, Any]:
        """Detect, log, announce, and send to review."""
        from label_loop.inbox.reconciliation import UploadsReconciliation
        from label_loop.serving import NotReady, ServingModel
        from label_loop.workflows.detection import DetectionWorkflow

        loop = self.loop_context()
        model = ServingModel(loop)
        found = model.ensure()
        if isinstance(found, NotReady):
            raise AirflowSkipException("No model is serving; uploads wait until one is.")
        serving = found.version
        return self.drain(
            lambda inbox: DetectionWorkflow(loop, inbox, serving=serving).drain(),
            model.uploads,
            UploadsReconciliation(loop),
        )


class ApplyAnswersOperator(InboxOperator):
    """Applies the review answers in ``a2i-human-loop-data/``: logs them, and copies the images for training.

    Returns a ReviewSummary as a dict.
    """

    def execute(self, context: "Context") -> dict[str, Any]:
        """Apply all answers until none arrives for a while."""
        from label_loop.inbox.reconciliation import AnswersReconciliation
        from label_loop.inbox.sources import answers_inbox
        from label_loop.workflows.human_review import HumanReviewWorkflow

        loop = self.loop_context()
        # Writes answers whose review page was closed before it could; a loop without reviews has none.
        with suppress(ReviewRefusedError):
            loop.clients.review.collect()
        return self.drain(
            lambda inbox: HumanReviewWorkflow(loop, inbox).drain(), answers_inbox(loop), AnswersReconciliation(loop)
        )
