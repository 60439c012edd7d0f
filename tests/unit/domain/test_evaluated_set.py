"""The age of the test images, how often they decided, and how good a version is on each part."""

from datetime import UTC, date, datetime, timedelta

import pytest

from label_loop.domain.evaluated_images import EvaluatedImage
from label_loop.domain.evaluated_set import AGE, DECISIONS, EvaluatedPart, EvaluatedSet, evaluated_set
from label_loop.domain.quality import QualityReport, new_warnings
from label_loop.payloads import LABELLED_FOLDER, SAMPLE_MARK, TEST_FOLDER, LabelledImage

TODAY = date(2026, 11, 30)


def image(age, folder=LABELLED_FOLDER, guess="cat", name="a.png"):
    modified = datetime(2026, 11, 30, 12, tzinfo=UTC) - timedelta(days=age)
    text = modified.strftime("%Y-%m-%dT%H:%M:%S.%f")  # as a manifest has it, without a time zone
    return EvaluatedImage(LabelledImage(f"{folder}cat/{name}", "cat", text), guess, 90.0)


def test_each_part_has_its_size_age_and_accuracy():
    sample = f"{SAMPLE_MARK}b.png"
    core = [image(300, TEST_FOLDER), image(200, TEST_FOLDER, "dog"), image(100, TEST_FOLDER)]
    others = [image(10), image(2, TEST_FOLDER, "", sample), image(-3, TEST_FOLDER, "cat", sample)]
    found = evaluated_set([*core, *others], TODAY, 4)
    assert found.parts == (
        EvaluatedPart("test/core", 3, 200, 2),
        EvaluatedPart("test/held-out", 1, 10, 1),
        EvaluatedPart("test/human-sample", 2, 0, 1),
    )
    assert (found.median_age_days, found.decisions) == (10, 4)
    assert found.warnings() == {}


def test_without_test_images_there_is_nothing_to_say():
    assert evaluated_set([], TODAY, 30) is None
    assert evaluated_set([EvaluatedImage(LabelledImage("k", "cat", "?"), "cat", 1.0)], TODAY, 30) is None


@pytest.mark.parametrize(
    ("age", "decisions", "kinds"),
    [
        (180, 19, set()),
        (181, None, {AGE}),
        (0, 20, {DECISIONS}),
        (400, 41, {AGE, DECISIONS}),
    ],
)
def test_old_images_and_many_decisions_are_warned_of(age, decisions, kinds):
    warnings = EvaluatedSet((), age, decisions).warnings()
    assert warnings.keys() == kinds
    assert all(text.count(".") == 1 and text.endswith(".") for text in warnings.values())


def test_a_warning_is_new_once_and_again_after_it_was_over():
    def report(age, decisions=0, version="v1"):
        return QualityReport("2026-11-30", version, evaluated_set=EvaluatedSet((), age, decisions))

    assert new_warnings(report(200), None).keys() == {AGE}
    assert new_warnings(report(201), report(200)) == {}
    assert new_warnings(report(201, version="v2"), report(200)) == {}
    assert new_warnings(report(201, 20), report(200)).keys() == {DECISIONS}
    assert new_warnings(report(201), report(20)).keys() == {AGE}
    assert new_warnings(QualityReport("2026-11-30", None), report(200)) == {}


def test_a_report_keeps_it():
    found = QualityReport("2026-11-30", "v1", evaluated_set=evaluated_set([image(3)], TODAY, 2))
    assert QualityReport.from_json(found.to_json()) == found
