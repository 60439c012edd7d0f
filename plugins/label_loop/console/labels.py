"""The labels that the pages offer for selection."""

from label_loop.console.caching import Cached
from label_loop.context import LoopContext
from label_loop.domain.labels import Labels
from label_loop.payloads import LABELLED_FOLDER
from label_loop.workflows.training_set import TrainingSet

_SECONDS = 30.0
_kept: Cached[tuple[str, str], Labels] = Cached(_SECONDS)


def labels_of(aws: LoopContext, folder: str = LABELLED_FOLDER) -> Labels:
    """Return the labels that have a subfolder; the list is at most 30 seconds old."""
    return _kept.get((aws.loop.path, folder), lambda: TrainingSet(aws).labels(folder))


def forget_labels() -> None:
    """Drop the cached labels after a folder was added, so that another spelling of its label finds it."""
    _kept.forget()
