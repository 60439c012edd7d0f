"""The audit finds wrong labels by real models: a small cut of the measure."""

from bench import audit, labelling


def test_labels_that_somebody_swapped_are_found() -> None:
    found = audit.audited(labelling.digits(1), audit.POISONED, audit.swapped, 1)
    assert found.wrong >= 20
    assert found.right >= 0.8 * found.wrong
    assert found.right >= 0.85 * found.listed


def test_few_right_labels_are_listed_where_all_are_right() -> None:
    found = audit.audited(labelling.digits(1), audit.POISONED, lambda truth, *_: truth, 1)
    assert found.wrong == 0
    assert found.listed <= 4
