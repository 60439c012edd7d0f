"""Operators that drain an inbox, and wait for it without a worker."""

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from label_loop.domain.idleness import IDLE
from label_loop.exceptions import ReviewRefusedError, RunningLimitError
from label_loop.operators.base import LoopOperator
from label_loop.payloads import ANSWERS_FOLDER, UPLOADS_FOLDER
from label_loop.system_record import UPLOADS_SEEN_KEY, SystemRecord

if TYPE_CHECKING:
    from airflow.sdk import Context

    from label_loop.context import LoopContext
    from label_loop.inbox.base import Delivery, Inbox
    from label_loop.inbox.reconciliation import Reconciliation
    from label_loop.payloads import ProjectVersion
    from label_loop.workflows.upkeep import ServingModel

SERVING_POLL_SECONDS = 20
IDLE_POLL_SECONDS = 60  # a start takes minutes: one more does not matter, and calls do
LIMIT_PAUSE_SECONDS = 600
FOLDER_POLL_SECONDS = 30
_LONG_POLL_SECONDS = 20


class DrainInboxOperator(LoopOperator):
    """Waits for S3 objects in one folder of a loop, and processes all there are, and those that follow them.

    It looks first and defers only where there is nothing to do. The wait holds no worker: it is a long poll
    of the queue of notifications, or, where the loop has no queue, a listing of the folder. What a queue
    gives is deleted only after its work is done.
    """

    folder: str
    seen_key: str

    @abstractmethod
    def queue_url(self, record: SystemRecord) -> str | None:
        """Return the queue of notifications, or None."""

    @abstractmethod
    def drain(self, loop: "LoopContext", inbox: "Inbox", first: "Sequence[Delivery]") -> dict[str, Any]:
        """Process the first deliveries and those that follow; return numbers of what was done."""

    @abstractmethod
    def reconciliation(self, loop: "LoopContext") -> "Reconciliation":
        """Return what finds the objects that no event told of."""

    def before(self, loop: "LoopContext") -> None:
        """Defer where the loop is not ready for work; by default it is."""

    def execute(self, context: "Context") -> dict[str, Any]:
        """Process what is there, or wait for it."""
        return self._work(None)

    def execute_ready(self, context: "Context", event: dict[str, Any]) -> dict[str, Any]:
        """Go on after a wait for readiness."""
        return self._work(None)

    def execute_complete(self, context: "Context", event: dict[str, Any]) -> dict[str, Any]:
        """Process what a wait found. Raises RuntimeError unless the trigger says success."""
        if event.get("status") != "success":
            raise RuntimeError(f"The wait for {self.folder} of {self.loop_path} ended with {event.get('status')!r}.")
        return self._work(event.get("message_batch", []))

    def _work(self, messages: Sequence[Any] | None) -> dict[str, Any]:
        from label_loop.inbox.folder import FolderInbox
        from label_loop.inbox.queue import QueueInbox

        loop = self.loop_context()
        self.before(loop)
        queue_url = self.queue_url(loop.record)
        if queue_url:
            queue = QueueInbox(loop, queue_url)
            summary = self.drain(loop, queue, queue.read(messages or []))
            summary = self._reconcile(loop, summary)
        else:
            summary = self.drain(loop, FolderInbox(loop, self.folder, self.seen_key), [])
        # A resumed task does not wait a second time: what woke it may be done by now.
        worked = any(value for name, value in summary.items() if name not in {"repeated", "ignored"})
        if messages is None and not worked:
            self.wait(loop, queue_url)
        self.log.info("%s of %s: %s", self.folder, self.loop_path, summary)
        return summary

    def _reconcile(self, loop: "LoopContext", summary: dict[str, Any]) -> dict[str, Any]:
        """Process what no event told of, once an hour; return all that was done."""
        listing = self.reconciliation(loop)
        listing.begin()
        if not listing.is_due():
            return summary
        found = self.drain(loop, listing, [])
        listing.finish()
        return {name: value + found[name] for name, value in summary.items()}

    def wait(self, loop: "LoopContext", queue_url: str | None, limit: dict[str, Any] | None = None) -> None:
        """Defer until there is work, or until a limit, as ``triggers.limit.Limit`` takes it."""
        from label_loop.triggers.inbox import FolderTrigger, NotificationQueueTrigger

        trigger: NotificationQueueTrigger | FolderTrigger
        if queue_url:
            limit = {"loop_path": self.loop_path, **(limit or {}), "listing_at": self.reconciliation(loop).next_at}
            trigger = NotificationQueueTrigger(
                sqs_queue=queue_url,
                aws_conn_id=self.aws_conn_id,
                max_messages=10,
                wait_time_seconds=_LONG_POLL_SECONDS,
                waiter_delay=0,
                delete_message_on_reception=False,
                limit=limit,
            )
        else:
            record = loop.record
            seen = record.get(self.seen_key)
            trigger = FolderTrigger(
                record.bucket, self.folder, seen, FOLDER_POLL_SECONDS, self.aws_conn_id, limit=limit
            )
        self.defer(trigger=trigger, method_name="execute_complete")


class RekognitionDetectUploadsOperator(DrainInboxOperator):
    """Detects the images of ``images_for_detection/``. Waits, too, until a model serves.

    It stops a model that is idle for too long, and starts it again with the next upload.
    """

    folder = UPLOADS_FOLDER
    seen_key = UPLOADS_SEEN_KEY
    serving: "ProjectVersion | None" = None

    def queue_url(self, record: SystemRecord) -> str | None:
        """Return the queue of uploads."""
        return record.uploads_queue_url

    def reconciliation(self, loop: "LoopContext") -> "Reconciliation":
        """Return what finds uploads without a row."""
        from label_loop.inbox.reconciliation import UploadsReconciliation

        return UploadsReconciliation(loop)

    def before(self, loop: "LoopContext") -> None:
        """Defer until a model serves: messages taken before would come back, and end as dead letters."""
        upkeep = self._upkeep(loop)
        step = upkeep.step()
        if self.queue_url(loop.record):
            self.reconciliation(loop).begin()  # before the first model: uploads may wait longer than their queue does
        upkeep.stop_left_behind()
        if step == "detect":
            upkeep.served()
            self.serving = upkeep.endpoint
            return
        if step == "give up":
            upkeep.give_up()
        is_idle = step == "wait" and loop.record.stopped_because == IDLE
        self._await_model(
            poll_seconds=IDLE_POLL_SECONDS if is_idle else SERVING_POLL_SECONDS,
            pause_seconds=self._start_again(upkeep) if step == "start" else 0,
        )

    def _start_again(self, upkeep: "ServingModel") -> float:
        """Ask for the start; return after how long it is worth looking whether it can be asked for again."""
        try:
            upkeep.start_again()
        except RunningLimitError as error:
            self.log.warning("%s", error)
            upkeep.tell("model_status", f"{error} Uploads wait.")
            return LIMIT_PAUSE_SECONDS
        return 0

    def _await_model(self, *, poll_seconds: float, pause_seconds: float = 0) -> None:
        from label_loop.triggers.rekognition import ServingModelTrigger

        began = datetime.now(UTC).isoformat()
        trigger = ServingModelTrigger(self.loop_path, poll_seconds, self.aws_conn_id, began, pause_seconds)
        self.defer(trigger=trigger, method_name="execute_ready")

    def wait(self, loop: "LoopContext", queue_url: str | None, limit: dict[str, Any] | None = None) -> None:
        """Stop a model that is idle; else defer until there are uploads, or until it is."""
        since = None
        if loop.settings.idle_model_stop_minutes:
            upkeep = self._upkeep(loop)
            since = upkeep.idle_since()
            if upkeep.stop_if_idle(since):
                self._await_model(poll_seconds=IDLE_POLL_SECONDS)
        limit = {"loop_path": self.loop_path, "began": datetime.now(UTC).isoformat(), "idle_since": since}
        super().wait(loop, queue_url, limit)

    def _upkeep(self, loop: "LoopContext") -> "ServingModel":
        from label_loop.inbox.sources import uploads_inbox
        from label_loop.workflows.upkeep import ServingModel

        return ServingModel(loop, uploads_inbox(loop))

    def drain(self, loop: "LoopContext", inbox: "Inbox", first: "Sequence[Delivery]") -> dict[str, Any]:
        """Detect, log, announce, and send to review."""
        from label_loop.workflows.detection import DetectionWorkflow

        return asdict(DetectionWorkflow(loop, inbox, serving=self.serving).drain(first))


class HumanReviewApplyAnswersOperator(DrainInboxOperator):
    """Applies the review answers of ``a2i-human-loop-data/``."""

    folder = ANSWERS_FOLDER
    seen_key = "answers_seen_until"

    def queue_url(self, record: SystemRecord) -> str | None:
        """Return the queue of answers."""
        return record.answers_queue_url

    def reconciliation(self, loop: "LoopContext") -> "Reconciliation":
        """Return what finds answers that are not in the log."""
        from label_loop.inbox.reconciliation import AnswersReconciliation

        return AnswersReconciliation(loop)

    def before(self, loop: "LoopContext") -> None:
        """Let answers come in that a review page was cut off from writing; a loop without reviews has none."""
        with suppress(ReviewRefusedError):
            loop.review.collect()

    def drain(self, loop: "LoopContext", inbox: "Inbox", first: "Sequence[Delivery]") -> dict[str, Any]:
        """Match answers to detections, log them, and copy their images."""
        from label_loop.workflows.human_review import HumanReviewWorkflow

        return asdict(HumanReviewWorkflow(loop, inbox).drain(first))
