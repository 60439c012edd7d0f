"""The inboxes of a loop: queues, or folder listings if it has no queues."""

from label_loop.context import LoopContext
from label_loop.inbox.folder import FolderInbox
from label_loop.inbox.queue import QueueInbox
from label_loop.loop_state import Mark
from label_loop.payloads import ANSWERS_FOLDER, UPLOADS_FOLDER

type LoopInbox = QueueInbox | FolderInbox


def uploads_inbox(context: LoopContext) -> LoopInbox:
    """Return the inbox of uploads."""
    url = context.store.record.uploads_queue_url
    return QueueInbox(context, url, UPLOADS_FOLDER) if url else FolderInbox(context, UPLOADS_FOLDER, Mark.UPLOADS_SEEN)


def answers_inbox(context: LoopContext) -> LoopInbox:
    """Return the inbox of review answers."""
    url = context.store.record.answers_queue_url
    return QueueInbox(context, url, ANSWERS_FOLDER) if url else FolderInbox(context, ANSWERS_FOLDER, Mark.ANSWERS_SEEN)
