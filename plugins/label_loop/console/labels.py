"""The labels that the pages offer."""

from label_loop.console.caching import Cached
from label_loop.console.context import ConsoleContext
from label_loop.domain.labels import Labels
from label_loop.workflows.training_set import TrainingSet

_SECONDS = 30.0
_kept: Cached[str, Labels] = Cached(_SECONDS)


def labels_of(aws: ConsoleContext) -> Labels:
    """Return the labels that have a folder, as they were half a minute ago at most."""
    return _kept.get(aws.loop.path, TrainingSet(aws).labels)


def forget_labels() -> None:
    """List the folders anew for the next page: there is one more, which another spelling of its label must find."""
    _kept.forget()
