"""Faults that are known: each keeps what triggers it out of the random histories, until it is mended.

A line that is taken out of ``KNOWN_FAULTS`` lets it in again. The test that a line names holds the fault as a strict
expected failure, by a short history of its own, so that its mend cannot go unnoticed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Trigger(StrEnum):
    """What random histories leave out while it is known to break a promise."""

    EDITS_AFTER_CUT_SYNC = "an edit of a parameter after a sync that was cut"
    ARCHIVED_REVIEWS = "an image that is archived before its answer"
    REMOVED_REVIEWS = "an upload that is removed between its answer and its label in the log"


@dataclass(frozen=True)
class KnownFault:
    """The promise of docs/reliability.md that is broken, and the test that shows it."""

    promise: str
    test: str


KNOWN_FAULTS: Mapping[Trigger, KnownFault] = {
    Trigger.EDITS_AFTER_CUT_SYNC: KnownFault(
        "5: the last good value stays in force", "test_a_value_that_is_changed_back_after_a_cut_sync_stays"
    ),
    Trigger.ARCHIVED_REVIEWS: KnownFault(
        "2: an answer is applied once", "test_the_answer_about_an_archived_image_is_logged"
    ),
    Trigger.REMOVED_REVIEWS: KnownFault(
        "2: an answer is applied once", "test_a_copy_that_a_killed_process_made_is_known_though_its_upload_is_gone"
    ),
}


def is_left_out(trigger: Trigger) -> bool:
    """Return whether random histories leave it out."""
    return trigger in KNOWN_FAULTS
