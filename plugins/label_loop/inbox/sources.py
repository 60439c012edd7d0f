"""Which inbox a loop has."""

from label_loop.context import LoopContext
from label_loop.inbox.folder import FolderInbox
from label_loop.inbox.queue import QueueInbox
from label_loop.payloads import UPLOADS_FOLDER
from label_loop.system_record import UPLOADS_SEEN_KEY


def uploads_inbox(context: LoopContext) -> QueueInbox | FolderInbox:
    """Return where the uploads of a loop come from."""
    url = context.record.uploads_queue_url
    return QueueInbox(context, url) if url else FolderInbox(context, UPLOADS_FOLDER, UPLOADS_SEEN_KEY)
