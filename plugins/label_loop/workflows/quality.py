"""Quality: the daily report of how good the serving version is, and of drift."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from label_loop.domain import quality
from label_loop.domain.evaluated_images import EvaluatedImage
from label_loop.domain.evaluated_set import evaluated_set
from label_loop.domain.learning_curve import EvaluatedVersion, LearningCurve, learning_curve
from label_loop.domain.quality import QualityReport, quality_report
from label_loop.domain.statistics import version_name
from label_loop.domain.thresholds import JudgedDetection, label_thresholds, minimums_of
from label_loop.hooks.aws_errors import error_code, object_problem
from label_loop.model_project import ModelProject
from label_loop.payloads import QUALITY_FOLDER, Event, LabelMinimums, ProjectVersion
from label_loop.workflows.dataset_versions import DatasetVersions
from label_loop.workflows.evaluation_snapshot import EvaluationSnapshots
from label_loop.workflows.label_audit import latest_audit

if TYPE_CHECKING:
    from label_loop.context import LoopContext
    from label_loop.domain.insight import DailyCounts

log = logging.getLogger(__name__)

_DAYS_READ = 366
_VERSIONS_READ = 20  # for the learning curve, newest first; each takes a call
_MOST_BYTES = 1 << 20


def report_key(day: str) -> str:
    """Return the S3 key of the report of a day, such as 2026-11-29."""
    return f"{QUALITY_FOLDER}dt={day}/report.json"


def serving_version(context: "LoopContext") -> str | None:
    """Return the name by which the endpoint is counted; None before the first deployment."""
    arn = context.store.state.endpoint_arn
    return version_name(arn) if arn else None


def latest_report(context: "LoopContext") -> QualityReport | None:
    """Return the latest report of a loop; None if there is none, or it is gone or cannot be read."""
    day = context.store.state.quality_reported_on
    if day is None:
        return None
    try:
        response = context.clients.s3_client.get_object(Bucket=context.store.record.bucket, Key=report_key(day))
    except ClientError as error:
        if object_problem(error) is None:
            raise
        return None
    return QualityReport.from_json(response["Body"].read(_MOST_BYTES))


class QualityWorkflow(ModelProject):
    """Writes and announces the report of a day. Doing it again for the same day announces nothing again."""

    def report(self, day: date) -> QualityReport:
        """Report on the serving version at the end of a day, which must be over everywhere it is counted (UTC)."""
        self.context.store.refresh()
        before, version = latest_report(self.context), serving_version(self.context)
        versions = self.versions()
        report = quality_report(day.isoformat(), version, self._counted(day), self._learning_curve(versions), before)
        audit = latest_audit(self.context)
        report = replace(report, label_audit=str(audit) if audit else "")
        serving = next((one for one in versions if one.arn == self.context.store.state.endpoint_arn), None)
        judged = list(EvaluationSnapshots(self.context).images(serving)) if serving else []
        tested = evaluated_set(judged, day, self._decisions())
        report, minimums = self._with_thresholds(replace(report, evaluated_set=tested), serving, judged)
        self.context.clients.s3_client.put_object(
            Bucket=self.context.store.record.bucket,
            Key=report_key(report.day),
            Body=report.to_json().encode(),
            ContentType="application/json",
        )
        # The alarms are in the report by now. One that is published and not recorded as such would come again.
        self.context.store.change_state(
            lambda state: replace(state, quality_reported_on=report.day, label_minimums=minimums)
        )
        self.context.clients.announcer.publish(list(_events(report, before, self.context.store.record.bucket)))
        return report

    def _counted(self, day: date) -> "list[DailyCounts] | None":
        """Return the counts of up to a year, as far as they are read; None for a loop without statistics."""
        hook = self.context.clients.statistics
        if hook is None:
            return None
        try:
            return hook.days(day - timedelta(days=_DAYS_READ - 1), day)[0]
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            return None

    def _decisions(self) -> int | None:
        attempt = self.attempt
        return DatasetVersions(self.context).newest_tests(attempt) if attempt else None

    def _with_thresholds(
        self, report: QualityReport, serving: ProjectVersion | None, judged: Sequence[EvaluatedImage]
    ) -> tuple[QualityReport, LabelMinimums | None]:
        """Return the report with the thresholds that the target precision asks for, and what detection is to apply."""
        settings = self.context.settings
        if not settings.target_precision or serving is None:
            return report, None
        if not self.context.store.record.state_table:
            return replace(report, missing=(*report.missing, quality.NO_STATE_TABLE)), None
        images = (JudgedDetection(image.guess, image.confidence_percent, image.is_right) for image in judged)
        lowest = settings.minimum_label_detection_confidence_percent
        found = label_thresholds(images, settings.target_precision, lowest)
        return replace(report, thresholds=tuple(found)), minimums_of(found, serving.arn)

    def _learning_curve(self, versions: Sequence[ProjectVersion]) -> LearningCurve | None:
        return learning_curve(list(islice(self._evaluated(versions), _VERSIONS_READ)))

    def _evaluated(self, versions: Sequence[ProjectVersion]) -> Iterator[EvaluatedVersion]:
        for version in versions:
            summary = self.evaluation(version) if version.f1_score is not None else None
            if version.f1_score is not None and summary and summary.training_images and summary.test_images:
                yield EvaluatedVersion(version.f1_score, summary.training_images, summary.test_images)


def _events(report: QualityReport, before: QualityReport | None, bucket: str) -> Iterator[Event]:
    facts = {"day": report.day, "version": report.version, "report": f"s3://{bucket}/{report_key(report.day)}"}
    for alarm in quality.new_alarms(report, before):
        yield Event("quality", alarm.text, facts={**facts, "drift": alarm.kind})
    for kind, text in quality.new_warnings(report, before).items():
        yield Event("quality", text, facts={**facts, "warning": kind})
    if before is None or before.day != report.day:
        yield Event("quality", quality.summary(report), facts=facts)
