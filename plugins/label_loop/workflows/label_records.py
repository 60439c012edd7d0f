"""Keeps what people said of the images that train and test: each label once, when a training first has it."""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import batched

from label_loop.context import LoopContext
from label_loop.domain.label_history import LabelEntry
from label_loop.domain.training_images import new_images
from label_loop.payloads import LabelledImage
from label_loop.workflows.training_candidates import Candidates

log = logging.getLogger(__name__)

_THREADS = 16
_ENTRIES_PER_BATCH = 1000  # bounds the memory of pending work


def record_labels(context: LoopContext, candidates: Candidates, images: Iterable[LabelledImage]) -> None:
    """Add what is new of the images of a training to the history of labels, and what was removed since the last one.

    A call for each new label, and for 100 of them one more. A repetition adds nothing: what the history says already is
    not said again. A loop without the table is trained without it.
    """
    history = context.clients.label_history
    if history is None:
        log.warning(
            "The loop has no table of labels (labels_table), so who said what of which image is not kept. "
            "Run `python -m label_loop provision %s` to create it.",
            context.loop.path,
        )
        return
    now = datetime.now(UTC)
    said = [LabelEntry.of(image) for image in new_images(images, candidates.before)]
    said += [LabelEntry.removed(image, now) for image in candidates.removed]
    with ThreadPoolExecutor(_THREADS) as pool:
        for batch in batched(said, _ENTRIES_PER_BATCH):
            latest = pool.map(lambda entry: history.latest(entry.content), batch)
            added = [entry.after(before) for entry, before in zip(batch, latest, strict=True)]
            history.add([entry for entry in added if entry])
