"""The report of a day: what it says, what it keeps, and what is missing."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from tests.unit.strategies import ARBITRARY_JSON

from label_loop.domain.draws import Draw, Figure, Stratum, draw_counter
from label_loop.domain.insight import DailyCounts, Share
from label_loop.domain.learning_curve import LearningCurve
from label_loop.domain.quality import (
    NO_DETECTIONS,
    NO_MODEL,
    NO_STATISTICS,
    DriftAlarm,
    QualityReport,
    new_alarms,
    quality_report,
    summary,
)

FIRST = date(2026, 6, 1)
CURVE = LearningCurve(4, 400, 50, 0.0083)


def counted(length, version="v1", wrong=1, rises_on=1000):
    def counts(day):
        agreed = 20 - (8 if day >= rises_on else wrong)
        return {
            "detections": 40, "accepted": 30, "confidence 15": 40, 'label ["cat"]': 40,
            "sample_answered": 20, "sample_agreed": agreed,
        }  # fmt: skip

    return [DailyCounts((FIRST + timedelta(day)).isoformat(), version, counts(day)) for day in range(length)]


def day(number):
    return (FIRST + timedelta(number)).isoformat()


def test_a_steady_version_is_reported_as_that():
    report = quality_report(day(39), "v1", counted(40), CURVE, None)
    assert (report.alarms, report.missing, report.detections) == ((), (), 40)
    text = f"Quality on {day(39)}: v1, 40 detections. no drift found. 50 more labels: about +0.8 points of F1."
    assert summary(report) == text


def test_the_accuracy_is_that_of_the_version_so_far():
    drawn = {
        draw_counter(Stratum.ACCEPTED, Draw.SAMPLE, figure): 10 if figure is Figure.ANSWERS else 100
        for figure in Figure
    }
    days = [DailyCounts(day(n), "v1", {"detections": 50, "accepted": 50, **drawn}) for n in range(2)]
    report = quality_report(day(1), "v1", days, None, None)
    assert report.live_accuracy.accepted_share == Share(100, 100)
    assert report.live_accuracy.accepted.answers == 20
    assert "Of what it accepted, " in summary(report)
    assert "is right (20 answers" in summary(report)
    assert QualityReport.from_json(report.to_json()) == report


def test_drift_is_new_once_and_stays_until_another_version_serves():
    days = counted(40, rises_on=25)
    report = quality_report(day(30), "v1", days, None, None)
    (alarm,) = report.alarms
    assert (alarm.kind, alarm.reported_on) == ("error", day(30))
    assert "People disagree with v1 more often since about" in alarm.text
    assert new_alarms(report, None) == [alarm]
    calm = counted(40)
    later = quality_report(day(31), "v1", calm, None, report)
    assert later.alarms == (alarm,)
    assert new_alarms(later, report) == []
    assert alarm.text.rstrip(".") in summary(later)
    assert quality_report(day(31), "v2", counted(40, "v2"), None, report).alarms == ()


def test_only_the_days_until_its_own_and_the_version_count():
    days = [*counted(40, "v2", rises_on=20), *counted(40, rises_on=31)]
    assert quality_report(day(30), "v1", days, None, None).alarms == ()


@pytest.mark.parametrize(
    ("version", "days", "missing"),
    [(None, [], NO_MODEL), ("v1", None, NO_STATISTICS), ("v1", [], NO_DETECTIONS)],
)
def test_what_is_missing_is_said(version, days, missing):
    report = quality_report(day(1), version, days, CURVE, None)
    assert report.missing == (missing,)
    assert missing in summary(report)
    assert report.learning_curve == CURVE


def test_without_statistics_alarms_are_kept():
    before = QualityReport(day(1), "v1", alarms=(DriftAlarm("input", day(1), "It drifts."),))
    assert quality_report(day(2), "v1", None, None, before).alarms == before.alarms


def test_a_young_version_is_told_what_it_lacks():
    report = quality_report(day(0), "v1", counted(1), None, None)
    assert "answered human samples from at least two days" in report.missing[0]
    assert "detections on 29 days, and it has them on 1" in report.missing[1]


def test_a_report_is_read_as_it_was_written():
    report = quality_report(day(39), "v1", counted(40, rises_on=25), CURVE, None)
    assert report.alarms
    assert QualityReport.from_json(report.to_json()) == report
    newer = report.to_json().replace('"day"', '"of a later release": {"x": 1},\n "day"', 1)
    assert QualityReport.from_json(newer) == report


@given(ARBITRARY_JSON)
def test_whatever_else_is_read_is_no_report(value):
    import json

    assert QualityReport.from_json(json.dumps(value)) is None


@pytest.mark.parametrize("text", [b"", b"\xff", b"[" * 100_000, '{"day": "d", "version": "v", "alarms": [{}]}'])
def test_broken_reports_are_none(text):
    assert QualityReport.from_json(text) is None
