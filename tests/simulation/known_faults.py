"""Faults that are known: each keeps one action out of the random histories, until it is mended.

A name that is taken out of the list turns its action on. The strict expected failure that is named with it holds the
fault by a short history of its own, so that its mend cannot go unnoticed.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownFault:
    """The promise of docs/reliability.md that is broken, and the test in ``test_known_faults.py`` that shows it."""

    promise: str
    test: str


KNOWN_FAULTS: dict[str, KnownFault] = {
    "two writes of the record at once": KnownFault(
        "4: once a model serves, one serves",
        "test_two_changes_of_the_record_at_once_are_both_kept",
    ),
    "a stop that is asked for twice": KnownFault(
        "4: what stopped as idle is started by the next upload",
        "test_a_model_whose_stop_is_asked_for_twice_wakes_with_the_next_upload",
    ),
    "a stop between the test of a version and its serving": KnownFault(
        "4: once a model serves, one serves",
        "test_a_version_that_was_stopped_after_its_test_does_not_serve",
    ),
    "late reads of Parameter Store": KnownFault(
        "5: the last good value stays in force",
        "test_a_late_read_of_parameter_store_undoes_no_edit",
    ),
    "images archived before their answer": KnownFault(
        "2: an answer is applied once",
        "test_the_answer_about_an_archived_image_is_logged",
    ),
    "labelled images archived": KnownFault(
        "5: bad input holds up nothing",
        "test_an_archived_image_is_left_out_of_a_training",
    ),
    "labelled images copied onto themselves": KnownFault(
        "3: a training set is paid once",
        "test_images_copied_onto_themselves_train_nothing_again",
    ),
    "a label with a single image": KnownFault(
        "5: bad input holds up nothing",
        "test_a_label_with_a_single_image_holds_up_no_other",
    ),
}


def is_switched_off(name: str) -> bool:
    """Return whether an action is kept out. A name that is misspelt would keep out nothing."""
    assert name in _NAMES, name
    return name in KNOWN_FAULTS


_NAMES = frozenset(KNOWN_FAULTS)
