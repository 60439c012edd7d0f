"""The labels that the pages offer for selection."""

from label_loop.console.caching import Cached
from label_loop.context import LoopContext
from label_loop.domain.labels import Labels
from label_loop.workflows.training_set import TrainingSet

_SECONDS = 30.0
_kept: Cached[str, Labels] = Cached(_SECONDS)


def labels_of(aws: LoopContext) -> Labels:
    """Return the labels that have a folder; the list is at most 30 seconds old."""
    return _kept.get(aws.loop.path, TrainingSet(aws).labels)


def forget_labels() -> None:
    """Drop the cached labels after a folder was added, so that another spelling of its label finds it."""
    _kept.forget()
