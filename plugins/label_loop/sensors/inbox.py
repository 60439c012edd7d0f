"""Sensors of a loop's inboxes. They receive no messages, which are left to the task that processes them."""

from abc import abstractmethod
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from label_loop.exceptions import ReviewRefusedError
from label_loop.operators.base import LoopTask
from label_loop.sensors.base import DeferrableSensor

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.triggers.base import BaseTrigger

    from label_loop.context import LoopContext
    from label_loop.inbox.reconciliation import Reconciliation
    from label_loop.inbox.sources import LoopInbox
    from label_loop.serving import NotReady

_FOLDER_POLL_SECONDS = 30.0


class InboxSensor(LoopTask, DeferrableSensor):
    """Waits until a loop has unprocessed objects in one of its folders.

    :param loop_path: the loop's Parameter Store path, such as ``/logos``
    :param aws_conn_id: the Airflow connection to AWS
    """

    def __init__(self, *, loop_path: str, aws_conn_id: str | None = "aws_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loop_path = loop_path
        self.aws_conn_id = aws_conn_id
        self._next: BaseTrigger | None = None

    def poke(self, context: "Context") -> bool:
        """Return whether there is work."""
        self._next = self.next_wait(self.loop_context())
        return self._next is None

    def trigger(self) -> "BaseTrigger":
        """Return the trigger that the last poke chose."""
        if self._next is None:
            raise RuntimeError("There is work, so there is nothing to wait for.")
        return self._next

    @abstractmethod
    def next_wait(self, loop: "LoopContext") -> "BaseTrigger | None":
        """Return the trigger to wait with, or None if there is work."""

    def wait_for_work(self, inbox: "LoopInbox", listing: "Reconciliation", limit: dict[str, Any]) -> "BaseTrigger":
        """Return a trigger that waits for work in an inbox, until a listing is due or another limit is reached."""
        from label_loop.inbox.queue import QueueInbox
        from label_loop.triggers.inbox import FolderTrigger, QueueTrigger

        limit = {"loop_path": self.loop_path, **limit}
        if isinstance(inbox, QueueInbox):
            return QueueTrigger(inbox.queue_url, self.aws_conn_id, {**limit, "listing_at": listing.next_at})
        return FolderTrigger(
            inbox.context.store.record.bucket,
            inbox.folder,
            inbox.context.store.state.mark(inbox.seen),
            _FOLDER_POLL_SECONDS,
            aws_conn_id=self.aws_conn_id,
            limit=limit,
        )


class UploadsSensor(InboxSensor):
    """Waits until a loop has uploads to detect and a serving model.

    The first upload starts a model that was stopped as idle; a model that is idle for too long is stopped.
    """

    def next_wait(self, loop: "LoopContext") -> "BaseTrigger | None":
        """Return a trigger that waits for a model or for uploads, or None if there is work."""
        from label_loop.inbox.reconciliation import UploadsReconciliation
        from label_loop.serving import NotReady, ServingModel

        listing, model = UploadsReconciliation(loop), ServingModel(loop)
        listing.begin()  # also before the first model: uploads may wait longer than the queue retains them
        found = model.ensure()
        if isinstance(found, NotReady):
            return self._wait_for_model(found)
        if model.uploads.has_work() or listing.is_due():
            return None
        began, idle_since = datetime.now(UTC).isoformat(), None
        if loop.settings.idle_model_stop_minutes:
            idle_since = model.idle_since()
            stopped = model.stop_if_idle(idle_since)
            if stopped:
                return self._wait_for_model(stopped)
        return self.wait_for_work(model.uploads, listing, {"began": began, "idle_since": idle_since})

    def _wait_for_model(self, model: "NotReady") -> "BaseTrigger":
        from label_loop.triggers.serving import ServingModelTrigger

        began = datetime.now(UTC).isoformat()
        return ServingModelTrigger(self.loop_path, model.poll_seconds, self.aws_conn_id, began, model.pause_seconds)


class AnswersSensor(InboxSensor):
    """Waits until a loop has review answers to apply."""

    def next_wait(self, loop: "LoopContext") -> "BaseTrigger | None":
        """Return a trigger that waits for answers, or None if there are any."""
        from label_loop.inbox.reconciliation import AnswersReconciliation
        from label_loop.inbox.sources import answers_inbox

        # Writes answers whose review page was closed before it could; a loop without reviews has none.
        with suppress(ReviewRefusedError):
            loop.clients.review.collect()
        inbox, listing = answers_inbox(loop), AnswersReconciliation(loop)
        listing.begin()
        if inbox.has_work() or listing.is_due():
            return None
        return self.wait_for_work(inbox, listing, {})
