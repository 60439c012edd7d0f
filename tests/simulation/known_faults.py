"""Faults that are known: each keeps what triggers it out of the random histories, until it is mended.

A line that is taken out of ``KNOWN_FAULTS`` lets it in again. The test that a line names holds the fault as a strict
expected failure, by a short history of its own, so that its mend cannot go unnoticed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Trigger(StrEnum):
    """What random histories leave out while it is known to break a promise."""

    ARCHIVED_LABELS = "a labelled image that is archived"
    COPIES_ONTO_THEMSELVES = "labelled images that are copied onto themselves"
    SINGLE_IMAGES = "a label with a single image"


@dataclass(frozen=True)
class KnownFault:
    """The promise of docs/reliability.md that is broken, and the test that shows it."""

    promise: str
    test: str


KNOWN_FAULTS: Mapping[Trigger, KnownFault] = {
    Trigger.ARCHIVED_LABELS: KnownFault(
        "5: bad input holds up nothing", "test_an_archived_image_is_left_out_of_a_training"
    ),
    Trigger.COPIES_ONTO_THEMSELVES: KnownFault(
        "3: a training set is paid once", "test_images_copied_onto_themselves_train_nothing_again"
    ),
    Trigger.SINGLE_IMAGES: KnownFault(
        "5: bad input holds up nothing", "test_a_label_with_a_single_image_holds_up_no_other"
    ),
}


def is_left_out(trigger: Trigger) -> bool:
    """Return whether random histories leave it out."""
    return trigger in KNOWN_FAULTS
